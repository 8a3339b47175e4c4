import os
import stat
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from audiogen.data.audio_file import loudness_dbfs, probe, read_audio, to_channels, write_audio
from audiogen.errors import UserError

# The same sound in every format; Opus knows 48 kHz only.
FORMATS = {
    "sound.wav": (44100, {}),
    "float.wav": (44100, {"subtype": "FLOAT"}),
    "sound.flac": (48000, {}),
    "sound.ogg": (44100, {}),
    "sound.mp3": (44100, {}),
    "sound.opus": (48000, {"format": "OGG", "subtype": "OPUS"}),
    "odd.wav": (44056, {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with 3 s of one sound in every format; noise bursts make seeks testable."""
    folder = tmp_path_factory.mktemp("formats")
    for name, (rate, options) in FORMATS.items():
        times = np.arange(3 * rate) / rate
        noise = np.random.default_rng(0).standard_normal((len(times), 2))
        sound = 0.05 * noise * (np.sin(9 * times) > 0)[:, None]
        sound += 0.3 * np.sin(2 * np.pi * np.outer(times, [440, 660]))
        soundfile.write(folder / name, sound, rate, **options)
    return folder


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample_rate", [None, 44100, 22050, 16000])
def test_a_range_equals_the_same_slice_of_the_whole(folder, name, sample_rate):
    whole = read_audio(folder / name, sample_rate)
    total = whole.shape[1]
    ranges = [(0, 1), (0, 3000), (5, 4000), (total // 3, 500), (9973, 1), (total - 700, 700)]
    for start, num_samples in [*ranges, (total // 2, None), (total - 10, 50), (total + 5, 10)]:
        part = read_audio(folder / name, sample_rate, start=start, num_samples=num_samples)
        end = None if num_samples is None else start + num_samples
        # The resampler sums the same products; only their rounding may differ.
        torch.testing.assert_close(part, whole[:, start:end], rtol=0, atol=1e-6)


def test_long_files_go_through_in_blocks_that_join_without_a_seam(folder, monkeypatch):
    whole = {name: read_audio(folder / name, 22050) for name in FORMATS}
    monkeypatch.setattr("audiogen.data.audio_file.BLOCK_SECONDS", 1)
    monkeypatch.setattr("audiogen.data.range_decoder.BLOCK_SAMPLES", 1000)
    for name in FORMATS:
        blocks = read_audio(folder / name, 22050, start=777)
        torch.testing.assert_close(blocks, whole[name][:, 777:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_resampling_keeps_pitch_and_length(folder, name):
    waveform = read_audio(folder / name, 16000, channels=2)
    assert waveform.dtype == torch.float32
    assert abs(waveform.shape[1] - 48000) <= 60
    spectrum = torch.fft.rfft(waveform[:, :32000]).abs()
    peaks = spectrum.argmax(dim=1) / 2
    torch.testing.assert_close(peaks, torch.tensor([440.0, 660.0]), rtol=0, atol=1.0)


def test_probe_tells_the_header_and_the_tags(tmp_path):
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 48000, 2) as file:
        file.title, file.artist, file.genre = "Títle", "Mae", "folk"
        file.write(np.full((4800, 2), 0.1))
    info = probe(path)
    assert (info.sample_rate, info.num_channels, info.num_samples) == (48000, 2, 4800)
    assert (info.format, info.duration) == ("FLAC", 0.1)
    assert info.tags == {"title": "Títle", "artist": "Mae", "genre": "folk"}


def test_stereo_is_mixed_by_weight_and_mono_is_copied(folder):
    stereo = read_audio(folder / "sound.wav", channels=2)
    left, right = stereo
    for mix in (0.5, 0.0, 0.8):
        mono = read_audio(folder / "sound.wav", channels=1, mix=mix)
        torch.testing.assert_close(mono[0], mix * left + (1 - mix) * right)
    assert read_audio(folder / "sound.wav", channels=None).shape == stereo.shape
    assert torch.equal(to_channels(left[None], 2), torch.stack([left, left]))
    many = torch.stack([left, right, left + right])
    torch.testing.assert_close(to_channels(many, 1)[0], (left + right) * 2 / 3)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sixteen_bits_are_written_back_bit_for_bit(tmp_path, suffix):
    codes = torch.randint(-32768, 32768, (2, 5000), generator=torch.Generator().manual_seed(0))
    waveform = codes / 32768
    write_audio(tmp_path / f"new/a{suffix}", waveform, 22050)
    assert torch.equal(read_audio(tmp_path / f"new/a{suffix}", channels=None), waveform)
    assert probe(tmp_path / f"new/a{suffix}").sample_rate == 22050
    assert soundfile.info(tmp_path / f"new/a{suffix}").subtype == "PCM_16"


def test_written_audio_is_clamped_and_must_be_finite(tmp_path):
    write_audio(tmp_path / "a.wav", torch.tensor([[2.0, -3.0, 0.5]]), 8000)
    expected = torch.tensor([[32767 / 32768, -1.0, 0.5]])
    assert torch.equal(read_audio(tmp_path / "a.wav"), expected)
    with pytest.raises(ValueError, match="not finite"):
        write_audio(tmp_path / "b.wav", torch.tensor([[float("nan")]]), 8000)
    with pytest.raises(ValueError, match=r"expected \(channel, sample\)"):
        write_audio(tmp_path / "b.wav", torch.zeros(5), 8000)
    with pytest.raises(UserError, match="written as .wav or .flac, not '.mp3'"):
        write_audio(tmp_path / "b.mp3", torch.zeros(1, 5), 8000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav"]


def test_loudness_is_the_level_of_the_whole_file(tmp_path):
    write_audio(tmp_path / "a.wav", torch.full((2, 300_000), 0.1), 8000)
    assert loudness_dbfs(tmp_path / "a.wav") == pytest.approx(-20, abs=0.01)
    write_audio(tmp_path / "b.wav", torch.zeros(1, 100), 8000)
    assert loudness_dbfs(tmp_path / "b.wav") == -np.inf
    soundfile.write(tmp_path / "c.wav", np.full(100, np.nan), 8000, subtype="FLOAT")
    with pytest.raises(UserError, match="samples that are not finite"):
        loudness_dbfs(tmp_path / "c.wav")


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not a sound at all, only words\n" * 50)
    for name, text in {
        "gone.wav": "no such audio file; if it was moved, run: audiogen scan",
        "empty.wav": "the file is empty; copy it again or remove it",
        "text.wav": "not readable as audio (Format not recognised); replace it or remove it",
    }.items():
        for action in (probe, read_audio):
            with pytest.raises(UserError) as error:
                action(tmp_path / name)
            assert str(error.value) == f"{tmp_path / name}: {text}"


@pytest.mark.parametrize(
    "name", ["sound.wav", "sound.flac", "sound.ogg", "sound.mp3", "sound.opus"]
)
def test_a_file_that_was_cut_off_is_noticed(folder, tmp_path, name):
    content = (folder / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * 0.7)])
    with pytest.raises(UserError, match="truncated"):
        probe(path)
        read_audio(path)


def test_m4a_without_ffmpeg_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.m4a").write_bytes(b"something")
    with pytest.raises(
        UserError, match=r"a\.m4a: \.m4a files need ffmpeg, which is not on the PATH"
    ):
        read_audio(tmp_path / "a.m4a")


def fake_ffmpeg(folder, script):
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_m4a_is_decoded_by_ffmpeg(folder, tmp_path, monkeypatch):
    # This stand-in "decodes" by copying its input (argument 5) to its output (the last).
    fake_ffmpeg(tmp_path, 'for last; do :; done; cp "$5" "$last"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "a.M4A"
    path.write_bytes((folder / "float.wav").read_bytes())
    part = read_audio(path, 22050, start=100, num_samples=50)
    assert torch.equal(part, read_audio(folder / "float.wav", 22050, start=100, num_samples=50))


def test_what_ffmpeg_cannot_decode_is_one_sentence(tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, "echo moov atom not found >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "a.aac").write_bytes(b"something")
    with pytest.raises(UserError, match=r"ffmpeg cannot decode it \(moov atom not found\)"):
        probe(tmp_path / "a.aac")


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_disk_that_fills_while_sound_is_written_is_named_and_leaves_nothing(tmp_path, suffix):
    # A limit on the size of files stops the write the way a full disk does.
    program = (
        "import resource, signal, sys, torch, pathlib\n"
        "from audiogen.data.audio_file import write_audio\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "write_audio(pathlib.Path(sys.argv[1]), torch.rand(1, 100_000) - 0.5, 8000)\n"
    )
    path = tmp_path / f"song{suffix}"
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert "UserError" in result.stderr and "could not be written whole" in result.stderr
    assert list(tmp_path.iterdir()) == []
