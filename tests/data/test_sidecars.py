import json

import numpy as np
import pytest
import soundfile

from audiogen.data.audio_file import probe
from audiogen.data.sidecars import track_of
from audiogen.files import sha256_of


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "my song.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        file.title, file.artist, file.genre = "Tag title", "Tag artist", "tag genre"
        file.write(np.full(80000, 0.1))
    return path


def read(song):
    return track_of(song, "x/my song.flac", probe(song))


def test_tags_of_the_file_are_labels(song):
    track, problems = read(song)
    assert (track.title, track.artist, track.genre) == ("Tag title", "Tag artist", ("tag genre",))
    assert (track.path, track.duration, track.sample_rate) == ("x/my song.flac", 10.0, 8000)
    assert track.sha256 == sha256_of(song)
    assert problems == []


def test_later_sidecars_win_over_earlier_ones_and_tags(song):
    song.with_name("my song.lyrics.txt").write_text("\ufeffplain words\n", encoding="utf-8")
    assert read(song)[0].lyrics == "plain words"
    song.with_name("my song.lrc").write_text("[ar:Lrc artist]\n[00:01.00]timed words\n")
    track, _ = read(song)
    assert (track.lyrics, track.artist) == ("timed words", "Lrc artist")
    assert [(word.text, word.start) for word in track.words] == [("timed", 1.0), ("words", 3.0)]
    labels = {"artist": "Json artist", "genre": ["a", "b"], "lyrics": None, "mood": "calm"}
    song.with_suffix(".json").write_text(json.dumps(labels))
    track, _ = read(song)
    assert (track.artist, track.genre, track.lyrics) == ("Json artist", ("a", "b"), "timed words")
    assert (track.title, track.model_extra) == ("Tag title", {"mood": "calm"})


def test_json_cannot_change_what_was_measured(song):
    song.with_suffix(".json").write_text(json.dumps({"duration": 99, "path": "y", "split": "test"}))
    track, _ = read(song)
    assert (track.duration, track.path, track.split) == (10.0, "x/my song.flac", "test")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("my song.json", b"[1]", "expected one JSON object"),
        ("my song.json", b"{", "damaged, not readable as JSON"),
        ("my song.json", b'{"title": 5}', "key 'title': input should be a valid string (got 5)"),
        ("my song.lyrics.txt", b"\xff\xfe", "not UTF-8 text; save it as UTF-8"),
        ("my song.lrc", b"[00:01]\xe9t\xe9", "not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_sidecar_that_cannot_be_used_is_a_problem_not_an_end(song, name, content, reason):
    song.with_name(name).write_bytes(content)
    track, problems = read(song)
    assert track.title == "Tag title"
    assert [path.name for path, _ in problems] == [name]
    assert problems[0][1].startswith(reason)
