"""Codes -> sound: of a song while it is made, and of saved codes."""

from pathlib import Path

import torch
from torch import Tensor

from audiogen import machine
from audiogen.codec.model import Codec
from audiogen.data.audio_file import write_audio
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder
from audiogen.sampling.song_folder import load_codes


def render(codec: Codec, codes: Tensor, level: int, num_samples: int) -> Tensor:
    """Decode one item.

    Args:
        codec: The model's.
        codes: (frame,) int64 of one level.
        level: Their level.
        num_samples: Length of the song; sound beyond it belongs to the rounding up to whole codes.

    Returns:
        waveform: (channel, sample) float32 on the CPU, in [-1, 1].
    """
    device = next(codec.parameters()).device
    waveform = codec.decode(codes[None].to(device), level)[0, :, :num_samples]
    return waveform.cpu().clamp(-1, 1)


def decode_codes(
    folder: ModelFolder, codes_file: Path, level: int | None, output: Path
) -> list[Path]:
    """Turn the codes of a song folder into a sound file; of several items, one file each.

    Args:
        folder: The model that made the codes.
        codes_file: A codes.safetensors.
        level: The level to decode; None: the finest that is there.
        output: Sound file; items after the first get a number: out.wav, out_1.wav, ...

    Raises:
        UserError: the level is not there, or the codes are of another codec.
    """
    machine.prepare()
    levels, metadata = load_codes(codes_file)
    level = min(levels) if level is None else level
    if level not in levels:
        have = ", ".join(str(known) for known in sorted(levels))
        raise UserError(f"{codes_file}: has no codes of level {level}; it has {have}")
    if metadata.get("codec_hash", folder.codec_hash()) != folder.codec_hash():
        raise UserError(
            f"{codes_file}: made with another codec than {folder.path} has; decode it with the "
            "model that made it"
        )
    codec = folder.load_codec().to(machine.default_device())
    codes = levels[level].long()  # (item, frame)
    _check_codes(codec, codes, level, codes_file)
    num_samples = codes.shape[1] * codec.hop_lengths[level]
    num_samples = min(num_samples, int(metadata.get("num_samples", num_samples)))
    outputs = [_numbered(output, item) for item in range(len(codes))]
    for path, item_codes in zip(outputs, codes, strict=True):
        waveform = render(codec, item_codes, level, num_samples)
        write_audio(path, waveform, codec.config.sample_rate)
    return outputs


def _check_codes(codec: Codec, codes: Tensor, level: int, source: Path) -> None:
    if level >= codec.num_levels:
        raise UserError(f"{source}: level {level} is none of the codec's {codec.num_levels} levels")
    if codes.numel() == 0:
        raise UserError(f"{source}: level {level} has no codes yet")
    size = codec.config.codebook_size
    if bool(torch.any((codes < 0) | (codes >= size))):
        raise UserError(f"{source}: holds codes outside [0, {size}), the codec's codebook")


def _numbered(path: Path, item: int) -> Path:
    return path if item == 0 else path.with_name(f"{path.stem}_{item}{path.suffix}")
