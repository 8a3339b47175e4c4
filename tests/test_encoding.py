import pytest
import torch

from audiogen.data.audio_file import write_audio
from audiogen.data.code_store import CodeStore
from audiogen.data.manifest import Track, write_manifest
from audiogen.encoding import encode_collection
from audiogen.errors import Interrupted, UserError
from audiogen.model_folder import ModelFolder
from audiogen.progress import Progress

SAMPLE_RATE = 1000


@pytest.fixture
def manifest(tmp_path):
    """Four songs of noise, of different lengths."""
    generator = torch.Generator().manual_seed(0)
    tracks = []
    for number in range(4):
        waveform = torch.rand(1, 900 + 37 * number, generator=generator) - 0.5
        name = f"song_{number}.wav"
        write_audio(tmp_path / name, waveform, SAMPLE_RATE)
        seconds = waveform.shape[1] / SAMPLE_RATE
        split = "validation" if number == 3 else "train"
        tracks.append(
            Track(path=name, duration=seconds, sample_rate=SAMPLE_RATE, channels=1, split=split)
        )
    write_manifest(tmp_path / "manifest.jsonl", tracks)
    return tmp_path / "manifest.jsonl"


def read_all(folder, model: ModelFolder):
    store = CodeStore.open(folder, model.codec_hash())
    return [
        [store.read(level, track, 0, store.num_frames(level)[track]).tolist() for level in range(3)]
        for track in range(len(store.tracks))
    ]


def test_every_level_of_every_track_is_stored_aligned(model, manifest, tmp_path):
    encode_collection(manifest, model, tmp_path / "codes")
    store = CodeStore.open(tmp_path / "codes", model.codec_hash())
    assert [track.path for track in store.tracks] == [f"song_{n}.wav" for n in range(4)]
    top = store.num_frames(2)
    assert top.tolist() == [900 // 16, 937 // 16, 974 // 16, 1011 // 16]
    assert store.num_frames(0).tolist() == (top * 8).tolist()


def test_an_interrupted_run_goes_on_and_ends_the_same(model, manifest, tmp_path, monkeypatch):
    encode_collection(manifest, model, tmp_path / "whole")
    import os
    import signal

    plain = Progress.advance

    def advance(self, *args, **fields):
        plain(self, *args, **fields)
        if self.done == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "advance", advance)
    with pytest.raises(Interrupted, match="after 2 of 4 tracks"):
        encode_collection(manifest, model, tmp_path / "parts")
    monkeypatch.undo()
    encode_collection(manifest, model, tmp_path / "parts", resume=True)
    assert read_all(tmp_path / "parts", model) == read_all(tmp_path / "whole", model)


def test_a_file_that_vanished_is_named_and_left_out(model, manifest, tmp_path, capsys):
    (tmp_path / "song_1.wav").unlink()
    encode_collection(manifest, model, tmp_path / "codes")
    assert "song_1.wav" in capsys.readouterr().out
    assert len(CodeStore.open(tmp_path / "codes").tracks) == 3


def test_a_collection_without_any_usable_file_is_an_error(model, manifest, tmp_path):
    for path in tmp_path.glob("*.wav"):
        path.unlink()
    with pytest.raises(UserError, match="none of the 4 tracks"):
        encode_collection(manifest, model, tmp_path / "codes")
