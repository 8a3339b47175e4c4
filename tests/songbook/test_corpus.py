import json
import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from audiogen.data.audio_file import probe
from audiogen.data.manifest import read_manifest
from audiogen.errors import UserError
from audiogen.files import sha256_of
from audiogen.songbook.corpus import make_corpus
from audiogen.songbook.corpus_check import check_corpus

# A song of one verse, so that a corpus renders in a second.
SONGS = {
    "short-train.abc": ("short-train", "Star so bright in the sky, oh"),
    "short-validation.abc": ("clementine", "Row the boat up the hill, hey"),
}


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for name, (family, words) in SONGS.items():
        header = f"X:1\nT:{name}\nC:nobody\nN:family={family}\nM:4/4\nL:1/4\nQ:116\nK:C\n"
        music = '"C"C E G E | "G7"D F "C"E2 |'
        (folder / name).write_text(f"{header}P:verse\n{music}\nw: {words}\n")
    return folder


def make(folder, songs, **changes):
    arguments = {
        "hours": 0.009,
        "seed": 1,
        "workers": 1,
        "sample_rate": 16000,
        "genres": ["folk", "rock"],
        "form": "short",
        "songs": songs,
        "shown": False,
    }
    return make_corpus(folder, **(arguments | changes))


@pytest.fixture(scope="module")
def corpus(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "made"
    make(folder, songs)
    return folder


def contents(folder):
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth_of(corpus, track):
    return json.loads((corpus / track.model_extra["truth"]).read_text())


def test_the_manifest_describes_the_audio(corpus):
    manifest = read_manifest(corpus / "manifest.jsonl")

    assert {track.split for track in manifest.tracks} == {"train", "validation"}
    for track in manifest.tracks:
        info = probe(manifest.audio_path(track))
        assert info.sample_rate == track.sample_rate == 16000
        assert info.num_samples / 16000 == pytest.approx(track.duration, abs=1e-4)
        assert sha256_of(manifest.audio_path(track)) == track.sha256
        assert track.genre[0] in ("folk", "rock")
        assert track.model_extra["metre"] == "4/4"


def test_words_are_those_of_the_lyrics_in_order_inside_the_song(corpus):
    for track in read_manifest(corpus / "manifest.jsonl").tracks:
        assert [word.text for word in track.words] == track.lyrics.split()
        assert all(word.start < word.end for word in track.words)
        assert all(a.start < b.start for a, b in pairwise(track.words))
        assert track.words[-1].end <= track.duration


def test_the_truth_has_the_times_of_syllables_phonemes_and_notes(corpus):
    for track in read_manifest(corpus / "manifest.jsonl").tracks:
        truth = truth_of(corpus, track)
        for syllable in truth["syllables"]:
            assert syllable["start"] <= syllable["vowel"] < syllable["end"]
        assert {note[3] for note in truth["notes"]} == {"vocals", "lead"}
        assert len(truth["pitch"]) == pytest.approx(track.duration * 100, abs=2)
        assert truth["sections"][-1]["end"] == pytest.approx(track.duration, abs=1e-3)
        assert all(start < end for _, start, end in truth["phonemes"])
        assert truth["beats"]
        assert truth["bars"]
        assert truth["chords"][0][2].split(":")[1] in ("maj", "min", "7")


def test_a_made_corpus_has_no_problems(corpus):
    report = check_corpus(corpus)

    assert report.problems == ()
    assert "train: " in report.text()


def test_a_track_that_is_missing_is_made_again_byte_for_byte(corpus, songs):
    before = contents(corpus)
    track = read_manifest(corpus / "manifest.jsonl").tracks[0]
    (corpus / track.model_extra["truth"]).unlink()
    (corpus / track.path).write_bytes(b"half a file")
    (corpus / "manifest.jsonl").unlink()

    make(corpus, songs, resume=True)

    assert contents(corpus) == before


def test_a_finished_corpus_is_left_alone_by_resume(corpus, songs):
    times = {path: path.stat().st_mtime_ns for path in corpus.rglob("*.flac")}

    make(corpus, songs, resume=True)

    assert {path: path.stat().st_mtime_ns for path in corpus.rglob("*.flac")} == times


def test_other_settings_or_other_files_are_refused(corpus, songs, tmp_path):
    with pytest.raises(UserError, match="already holds a corpus; add --resume"):
        make(corpus, songs)
    with pytest.raises(UserError, match=r"made with other settings \(seed"):
        make(corpus, songs, resume=True, seed=2)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        make(tmp_path, songs)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hours": 0}, "hours: more than 0"),
        ({"validation_share": 0.9}, "validation share: from 0 to 0.5"),
        ({"sample_rate": 10}, "sample rate: from 8000"),
        ({"workers": 0}, "workers: from 1"),
        ({"genres": ["polka"]}, "no genre 'polka'"),
        ({"artists": ["Nobody"]}, "no artist 'Nobody'"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_written(tmp_path, songs, changes, expected):
    with pytest.raises(UserError, match=expected):
        make(tmp_path / "new", songs, **changes)
    assert not (tmp_path / "new").exists()


def test_the_check_finds_damage_and_leaks(corpus, tmp_path):
    manifest = read_manifest(corpus / "manifest.jsonl")
    for track in manifest.tracks:
        target = tmp_path / track.path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(manifest.audio_path(track).read_bytes())
    lines = (corpus / "manifest.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for record in records:
        record["family"] = "one-family"
    records[0]["sha256"] = "0" * 64
    (tmp_path / records[1]["path"]).unlink()
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, records)))

    problems = "\n".join(check_corpus(tmp_path).problems)
    assert f"{records[0]['path']}: other bytes than the manifest says" in problems
    assert f"{records[1]['path']}: missing" in problems
    assert "its truth file is missing" in problems
    assert "family 'one-family' stands in train and validation" in problems


def test_a_folder_without_a_manifest_is_no_corpus(tmp_path):
    with pytest.raises(UserError, match="holds no finished corpus"):
        check_corpus(tmp_path)


@pytest.mark.slow
def test_two_workers_make_the_same_bytes_as_one(corpus, songs, tmp_path):
    make(tmp_path / "two", songs, workers=2)

    assert contents(tmp_path / "two") == contents(corpus)


@pytest.mark.slow
def test_an_interrupted_corpus_goes_on_to_the_same_bytes(songs, tmp_path):
    arguments = {"hours": 0.02, "seed": 1, "workers": 2, "sample_rate": 16000, "form": "short"}
    script = (
        "from pathlib import Path\n"
        "from audiogen.errors import Interrupted\n"
        "from audiogen.songbook.corpus import make_corpus\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        f"        make_corpus(Path({str(tmp_path / 'cut')!r}), songs=Path({str(songs)!r}),\n"
        f"                    genres=['folk', 'rock'], **{arguments!r})\n"
        "    except Interrupted as stop:\n"
        "        print(stop)\n"
    )
    (tmp_path / "run.py").write_text(script)
    environment = os.environ | {"AUDIOGEN_PROGRESS_SECONDS": "0", "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    first = process.stdout.readline()
    # As a terminal does: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stdout.read()
    process.wait()

    assert first.startswith("songbook: ")
    assert "run the same command with --resume to go on" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "cut" / "manifest.jsonl").exists()
    make(tmp_path / "cut", songs, **arguments, resume=True)
    make(tmp_path / "whole", songs, **arguments)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
