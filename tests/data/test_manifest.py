import gzip
import json

import pytest
import torch

from audiogen.data.audio_file import write_audio
from audiogen.data.manifest import Track, Word, read_manifest, write_manifest
from audiogen.errors import UserError

FACTS = {"duration": 2.0, "sample_rate": 44100, "channels": 2}


def lines_of(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.mark.parametrize("name", ["m.jsonl", "m.jsonl.gz"])
def test_what_is_written_is_read_back_with_unknown_keys(tmp_path, name):
    tracks = [
        Track(
            path="a/é.wav",
            **FACTS,
            title="A\u2028B",
            genre="folk",
            words=(Word(text="la", start=0.5, end=1.0),),
            split="train",
            mood={"calm": [1, 2]},
        ),
        Track(path="b.wav", **FACTS, genre=["blues", "soul, slow"], split="validation"),
    ]
    write_manifest(tmp_path / name, tracks)
    manifest = read_manifest(tmp_path / name)
    assert list(manifest.tracks) == tracks
    assert manifest.tracks[0].genre == ("folk",)
    assert manifest.tracks[0].model_extra == {"mood": {"calm": [1, 2]}}
    assert manifest.tracks[1].genre == ("blues", "soul, slow")
    assert manifest.audio_path(tracks[0]) == tmp_path.resolve() / "a/é.wav"


def test_equal_tracks_make_equal_compressed_bytes(tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_manifest(tmp_path / name, [Track(path="a.wav", **FACTS)])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).startswith(b'{"path": "a.wav"')


@pytest.mark.parametrize("alias", ["audio_filepath", "file_name"])
def test_names_of_other_tools_are_read_as_path(tmp_path, alias):
    path = lines_of(tmp_path / "m.jsonl", {alias: "x.wav", **FACTS, "title": None})
    assert read_manifest(path).tracks[0].path == "x.wav"


def test_missing_measures_are_read_from_the_file(tmp_path):
    write_audio(tmp_path / "x.wav", torch.full((2, 800), 0.1), 8000)
    track = read_manifest(lines_of(tmp_path / "m.jsonl", {"audio_filepath": "x.wav"})).tracks[0]
    assert (track.duration, track.sample_rate, track.channels) == (0.1, 8000, 2)


@pytest.mark.parametrize(
    ("second_line", "message"),
    [
        ("{oops", "m.jsonl:2: not JSON (Expecting property name enclosed in double quotes"),
        ("[1]", "m.jsonl:2: a line must be one JSON object"),
        ('{"duration": 1}', "m.jsonl:2: key 'path' is missing"),
        (
            json.dumps({"path": "b.wav", **FACTS, "duration": "long"}),
            "m.jsonl:2: key 'duration': input should be a valid number",
        ),
        (
            json.dumps({"path": "b.wav", **FACTS, "words": [{"text": "la", "start": 0}]}),
            "m.jsonl:2: key 'words.0.end' is missing",
        ),
        (json.dumps({"path": "a.wav", **FACTS}), "m.jsonl:2: path 'a.wav' is already on line 1"),
        ('{"path": "gone.wav"}', "m.jsonl:2: "),
    ],
)
def test_a_wrong_line_is_named_by_file_and_number(tmp_path, second_line, message):
    path = lines_of(tmp_path / "m.jsonl", {"path": "a.wav", **FACTS})
    with path.open("a") as file:
        file.write(second_line + "\n")
    with pytest.raises(UserError) as error:
        read_manifest(path)
    assert str(error.value).startswith(f"{tmp_path}/{message}")


def test_missing_empty_and_damaged_manifests_are_one_sentence(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "bad.jsonl.gz").write_bytes(b"no gzip")
    cut = gzip.compress(b'{"path": "a"}' * 100)[:-9]
    (tmp_path / "cut.jsonl.gz").write_bytes(cut)
    texts = {}
    for name in ("gone.jsonl", "empty.jsonl", "bad.jsonl.gz", "cut.jsonl.gz"):
        with pytest.raises(UserError) as error:
            read_manifest(tmp_path / name)
        texts[name] = str(error.value).removeprefix(f"{tmp_path}/{name}: ")
    assert texts["gone.jsonl"].startswith("no such manifest; make one with: audiogen scan")
    assert texts["empty.jsonl"].startswith("holds no tracks")
    assert texts["bad.jsonl.gz"].startswith("cannot be read as a manifest")
    assert texts["cut.jsonl.gz"].startswith("cannot be read as a manifest")


def test_a_split_is_a_manifest_of_its_own(tmp_path):
    names = ["train", "", "test"]
    records = [{"path": f"{n}.wav", **FACTS, "split": name} for n, name in enumerate(names)]
    manifest = read_manifest(lines_of(tmp_path / "m.jsonl", *records))
    assert [track.path for track in manifest.in_split("train").tracks] == ["0.wav"]
    assert manifest.in_split("validation").tracks == ()
    assert manifest.in_split("test").folder == manifest.folder
