import json
import os
import signal

import numpy as np
import pytest
import soundfile

from audiogen.data.manifest import read_manifest
from audiogen.data.scan import scan_folder
from audiogen.errors import Interrupted, UserError

SOUND_NAMES = {
    "song.flac": (48000, {}),
    "song.mp3": (44100, {}),
    "song.ogg": (44100, {}),
    "song.opus": (48000, {"format": "OGG", "subtype": "OPUS"}),
    "song.wav": (44100, {}),
}


def tone(rate, seconds=1.5, level=0.3):
    times = np.arange(int(rate * seconds)) / rate
    return level * np.sin(2 * np.pi * np.outer(times, [440, 660]))


@pytest.fixture
def music(tmp_path):
    """Return a folder with one sound in five formats and five broken files."""
    folder = tmp_path / "music"
    (folder / "broken").mkdir(parents=True)
    for name, (rate, options) in SOUND_NAMES.items():
        soundfile.write(folder / name, tone(rate), rate, **options)
    (folder / "broken/empty.wav").touch()
    (folder / "broken/header.wav").write_bytes((folder / "song.wav").read_bytes()[:30])
    (folder / "broken/text.wav").write_text("these are words\n" * 40)
    soundfile.write(folder / "broken/silence.wav", np.zeros((66150, 2)), 44100)
    soundfile.write(folder / "broken/blip.wav", tone(44100, 0.05), 44100)
    return folder


def test_the_manifest_holds_the_sound_files_and_the_report_names_the_others(music, tmp_path):
    report = scan_folder(music, tmp_path / "lists/manifest.jsonl")
    manifest = read_manifest(tmp_path / "lists/manifest.jsonl")

    assert [t.path for t in manifest.tracks] == [f"../music/{name}" for name in SOUND_NAMES]
    assert all(manifest.audio_path(t).is_file() and len(t.sha256) == 64 for t in manifest.tracks)
    assert all(t.duration == pytest.approx(1.5, abs=0.05) for t in manifest.tracks)
    problems = dict(report.problems)
    assert sorted(problems) == [
        f"broken/{name}.wav" for name in ("blip", "empty", "header", "silence", "text")
    ]
    assert problems["broken/blip.wav"] == "too short: 0.05 s, below 1 s (--min-seconds)"
    assert problems["broken/empty.wav"].startswith("the file is empty")
    assert problems["broken/header.wav"].startswith("not readable as audio")
    assert problems["broken/silence.wav"] == "silent: no signal at all over the whole file"
    assert problems["broken/text.wav"].startswith("not readable as audio (Format not recognised)")
    assert "problems: 5" in report.text()
    assert "5 tracks of 5 songs, 7.5 seconds" in report.text()


@pytest.mark.parametrize("name", SOUND_NAMES)
def test_a_file_that_was_cut_off_is_listed(music, tmp_path, name):
    content = (music / name).read_bytes()
    (music / name).write_bytes(content[: int(len(content) * 0.8)])
    report = scan_folder(music, tmp_path / "m.jsonl")
    assert "truncated" in dict(report.problems)[name]
    assert len(report.tracks) == 4


def test_faint_noise_is_silence(music, tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("faint.wav", 0.0008), ("soft.wav", 0.0013)):
        soundfile.write(music / name, level * rng.standard_normal(66150), 44100)
    report = scan_folder(music, tmp_path / "m.jsonl")
    assert dict(report.problems)["faint.wav"] == "silent: -62 dBFS over the whole file"
    assert "soft.wav" not in dict(report.problems)


def test_copies_in_several_formats_count_as_one_song(music, tmp_path):
    for name in SOUND_NAMES:
        path = (music / name).with_suffix(".json")
        path.write_text(
            json.dumps({"title": "T", "artist": "Mae", "genre": "folk", "lyrics": "la"})
        )
    text = scan_folder(music, tmp_path / "m.jsonl").text()
    assert "5 tracks of 1 song" in text
    assert "genres: 1: folk (5)" in text
    assert "artists: 1: Mae (5)" in text
    assert "lyrics: 5 of 5 tracks (100% of the time), 0 with word times" in text


def test_a_damaged_sidecar_is_listed_and_the_song_kept(music, tmp_path):
    (music / "song.json").write_text("{oops")
    report = scan_folder(music, tmp_path / "m.jsonl")
    assert dict(report.problems)["song.json"].startswith("damaged, not readable as JSON")
    assert len(report.tracks) == 5


def test_hidden_files_are_left_alone(music, tmp_path):
    (music / "._song.wav").write_bytes(b"junk")
    (music / ".trash").mkdir()
    (music / ".trash/old.wav").write_bytes(b"junk")
    assert len(scan_folder(music, tmp_path / "m.jsonl").problems) == 5


def test_nothing_usable_is_an_error_that_lists_the_problems(music, tmp_path):
    with pytest.raises(UserError) as error:
        scan_folder(music / "broken", tmp_path / "m.jsonl")
    assert "no usable audio in 5 files\nproblems: 5\n  blip.wav: too short" in str(error.value)
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="holds no audio files"):
        scan_folder(tmp_path / "none", tmp_path / "m.jsonl")
    with pytest.raises(UserError, match="no such folder"):
        scan_folder(tmp_path / "gone", tmp_path / "m.jsonl")
    with pytest.raises(UserError, match="--min-seconds nan"):
        scan_folder(music, tmp_path / "m.jsonl", min_seconds=float("nan"))
    assert not (tmp_path / "m.jsonl").exists()


def test_an_interruption_writes_nothing(music, tmp_path, monkeypatch):
    from audiogen.data import scan

    seen = []

    def probe_and_interrupt(path):
        seen.append(path)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(path)

    original = scan.probe
    monkeypatch.setattr(scan, "probe", probe_and_interrupt)
    with pytest.raises(Interrupted, match="scan stopped after 3 of 10 files"):
        scan_folder(music, tmp_path / "m.jsonl")
    assert len(seen) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["music"]
