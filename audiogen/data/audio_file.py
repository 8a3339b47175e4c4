"""The border to audio on disk: a file's header, any range of it as a waveform, and writing."""

import io
import math
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audiogen.data.range_decoder import RangeDecoder, blocks, opened, reason, soundfile
from audiogen.data.resampling import BlockResampler
from audiogen.data.truncation import check_complete
from audiogen.errors import UserError
from audiogen.files import replacing

BLOCK_SECONDS = 20
"""Long reads go through the resampler in blocks of this length, so that little is held twice."""


@dataclass(frozen=True)
class AudioInfo:
    """What the header of an audio file says."""

    sample_rate: int
    num_channels: int
    num_samples: int  # at the file's own rate
    format: str  # "WAV", "FLAC", "MP3", "OGG", ...
    tags: dict[str, str] = field(default_factory=dict)  # title, artist, genre, ... as found

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


def probe(path: Path) -> AudioInfo:
    """Read the header and tags of an audio file.

    Raises:
        UserError: the file is missing, empty, damaged, truncated or of no known format.
    """
    path = Path(path)
    with opened(path) as file:
        check_complete(path)
        tags = {key: value for key, value in file.copy_metadata().items() if value.strip()}
        return AudioInfo(file.samplerate, file.channels, file.frames, file.format, tags)


def read_audio(
    path: Path,
    sample_rate: int | None = None,
    channels: int | None = 1,
    start: int = 0,
    num_samples: int | None = None,
    mix: float = 0.5,
) -> Tensor:
    """Read a range of an audio file at the asked sample rate and number of channels.

    A range holds the same samples as the same slice of the whole file would, to within float
    rounding; like a slice, it ends where the file ends.

    Args:
        path: WAV, FLAC, OGG, MP3 or Opus; M4A and AAC where there is an ffmpeg.
        sample_rate: of the result; None keeps the file's.
        channels: of the result; None keeps the file's.
        start: first sample, counted at `sample_rate`.
        num_samples: how many, counted at `sample_rate`; None reads to the end.
        mix: share of the left channel where stereo becomes mono.

    Returns:
        waveform: (channel, sample) float32.

    Raises:
        UserError: the file is missing, damaged, or ends before its header says.
    """
    if start < 0 or (num_samples is not None and num_samples < 0):
        raise ValueError(f"start {start} and num_samples {num_samples} must not be negative")
    path = Path(path)
    with opened(path) as file:
        rate = sample_rate or file.samplerate
        resampler = BlockResampler(file.samplerate, rate)
        end = resampler.output_length(file.frames)
        if num_samples is not None:
            end = min(end, start + num_samples)
        waveform = torch.empty(channels or file.channels, max(0, end - start))
        decoder = RangeDecoder(file, path)
        for first in range(start, end, BLOCK_SECONDS * rate):
            last = min(end, first + BLOCK_SECONDS * rate)
            source_start, source_end = resampler.source_range(first, last, file.frames)
            source = to_channels(decoder.read(source_start, source_end), channels, mix)
            made = resampler.resample(source, source_start, first, last)
            waveform[:, first - start : last - start] = made
        return waveform


def loudness_dbfs(path: Path) -> float:
    """Decode a whole file and return its RMS over all samples and channels, in dB of full scale.

    Digital silence is minus infinity.

    Raises:
        UserError: the file is damaged, truncated, or holds values that are not finite.
    """
    energy, count = 0.0, 0
    for block in blocks(Path(path)):
        energy += block.double().square().sum().item()
        count += block.numel()
    if not math.isfinite(energy):
        raise UserError(f"{path}: damaged: it holds samples that are not finite; remove it")
    return 10 * math.log10(energy / count) if energy > 0 else -math.inf


def write_audio(path: Path, waveform: Tensor, sample_rate: int) -> None:
    """Write `waveform` (channel, sample), clamped to [-1, 1], as 16-bit .wav or .flac.

    Raises:
        UserError: another suffix, a full disk, a folder that cannot be written.
    """
    if waveform.ndim != 2:
        raise ValueError(f"waveform is {tuple(waveform.shape)}, expected (channel, sample)")
    if not waveform.isfinite().all():
        raise ValueError(f"{path}: the waveform holds values that are not finite")
    path = Path(path)
    writer = {".wav": _write_wav, ".flac": _write_flac}.get(path.suffix.lower())
    if writer is None:
        raise UserError(f"{path}: audio is written as .wav or .flac, not '{path.suffix}'")
    # 32768, as decoders divide: what was read from 16 bits is written back bit for bit.
    whole = (waveform.detach().cpu().float() * 32768).round().clamp(-32768, 32767)
    samples = whole.to(torch.int16).T.contiguous().numpy()
    with replacing(path) as temporary:
        writer(temporary, samples, sample_rate)


def to_channels(waveform: Tensor, channels: int | None, mix: float = 0.5) -> Tensor:
    """Bring `waveform` (channel, sample) to another number of channels; None keeps them.

    Stereo becomes mono as `mix` * left + (1 - `mix`) * right; other numbers of channels by their
    mean. Mono becomes many as copies.
    """
    have = waveform.shape[0]
    if channels is None or channels == have:
        return waveform
    if have == 2:
        mono = mix * waveform[:1] + (1 - mix) * waveform[1:]
    else:
        mono = waveform.mean(dim=0, keepdim=True)
    return mono.repeat(channels, 1)


def _write_wav(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    # The standard library, so that machines without libsndfile can write what they made.
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _write_flac(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    # Encoded in memory: a full disk is then an error of the system, which says what is wrong.
    encoded = io.BytesIO()
    try:
        soundfile().write(encoded, samples, sample_rate, format="FLAC", subtype="PCM_16")
    except soundfile().SoundFileError as error:
        raise UserError(f"{path}: cannot be written ({reason(error)})") from None
    path.write_bytes(encoded.getvalue())
