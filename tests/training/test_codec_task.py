import json
import math

import pytest
import torch

from audiogen.codec.model import CodecConfig
from audiogen.data.audio_file import read_audio, write_audio
from audiogen.data.manifest import Track, write_manifest
from audiogen.errors import Interrupted, UserError
from audiogen.model_folder import ModelFolder
from audiogen.training.checkpoint import load_newest
from audiogen.training.codec_task import CodecRun, CodecTask, train_codec
from audiogen.training.task import TrainOptions

SAMPLE_RATE = 4000
TINY = {
    "codec": {
        "sample_rate": SAMPLE_RATE,
        "codebook_size": 16,
        "codebook_dim": 8,
        "width": 8,
        "depth": 1,
        "width_multipliers": [1, 1],
        "depth_multipliers": [1, 1],
        "num_downsamplings": [2, 1],
        "loss": {
            "multi_spectral": [{"fft_size": 256, "hop_length": 64, "window_length": 128}],
        },
    },
    "training": {
        "steps": 4,
        "batch_size": 2,
        "save_every": 2,
        "log_every": 1,
        "warmup_steps": 0,
        "num_validation_clips": 2,
        "ema_decay": 0.5,
    },
    "data": {"clip_length": 2048, "bandwidth_seconds": 2},
}


def tiny_run(**training):
    return CodecRun.model_validate(TINY | {"training": TINY["training"] | training})


@pytest.fixture
def manifest(tmp_path):
    """Three songs of two seconds, a chord each; the last is held out."""
    tracks = []
    for number in range(3):
        time = torch.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
        pitches = (220 * 2 ** (number / 3), 330.0)
        waveform = sum(torch.sin(2 * math.pi * pitch * time) for pitch in pitches) / 3
        name = f"song_{number}.wav"
        write_audio(tmp_path / name, waveform[None], SAMPLE_RATE)
        split = "validation" if number == 2 else "train"
        tracks.append(
            Track(path=name, duration=2.0, sample_rate=SAMPLE_RATE, channels=1, split=split)
        )
    write_manifest(tmp_path / "manifest.jsonl", tracks)
    return tmp_path / "manifest.jsonl"


def interrupt_after(monkeypatch, steps):
    """Send SIGINT while step number `steps` is made."""
    import os
    import signal

    plain = CodecTask.follow_

    def follow_(self, kept, step):
        if step + 2 == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, kept, step)

    monkeypatch.setattr(CodecTask, "follow_", follow_)
    return lambda: monkeypatch.setattr(CodecTask, "follow_", plain)


def test_two_and_two_steps_of_the_codec_equal_four_bit_for_bit(manifest, tmp_path, monkeypatch):
    assert train_codec(tiny_run(), manifest, tmp_path / "whole", TrainOptions())
    restore = interrupt_after(monkeypatch, 2)
    with pytest.raises(Interrupted, match="step 2 of 4"):
        train_codec(tiny_run(), manifest, tmp_path / "parts", TrainOptions())
    restore()
    # The averaged weights of the stop are a codec already.
    assert ModelFolder(tmp_path / "parts").load_codec().codebooks_initialized
    assert train_codec(tiny_run(), manifest, tmp_path / "parts", TrainOptions(resume=True))

    whole, _ = load_newest(tmp_path / "whole" / "training" / "codec")
    parts, _ = load_newest(tmp_path / "parts" / "training" / "codec")
    assert whole.step == parts.step == 4
    for name in ("model", "averaged", "optimizer"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=0, atol=0)
    folders = [ModelFolder(tmp_path / name) for name in ("whole", "parts")]
    assert folders[0].codec_hash() == folders[1].codec_hash()


def test_a_finished_codec_is_recognized_and_not_trained_again(manifest, tmp_path, capsys):
    train_codec(tiny_run(), manifest, tmp_path / "model", TrainOptions())
    before = (tmp_path / "model" / "codec" / "model.safetensors").stat().st_mtime_ns
    assert train_codec(tiny_run(), manifest, tmp_path / "model", TrainOptions(resume=True))
    assert "the training of codec is finished already" in capsys.readouterr().out
    assert (tmp_path / "model" / "codec" / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="already holds a training of codec"):
        train_codec(tiny_run(), manifest, tmp_path / "model", TrainOptions())


def test_the_model_folder_gets_the_averaged_codec_and_where_it_came_from(manifest, tmp_path):
    run = tiny_run()
    train_codec(run, manifest, tmp_path / "model", TrainOptions())
    folder = ModelFolder(tmp_path / "model")
    checkpoint, _ = load_newest(folder.training_folder("codec"))
    torch.testing.assert_close(
        dict(folder.load_codec().state_dict()), checkpoint.averaged, rtol=0, atol=0
    )
    provenance = folder.provenance("codec")
    assert provenance["run"] == run.digest()
    assert (provenance["steps"], provenance["finished"]) == (4, True)
    report = json.loads((folder.training_folder("codec") / "validation.json").read_text())
    assert provenance["validation"] == report
    assert report.keys() == {
        f"validation/level_{level}/{name}"
        for level in (0, 1)
        for name in ("spectral_convergence_db", "codebook_usage")
    }
    assert all(0 < report[f"validation/level_{level}/codebook_usage"] <= 1 for level in (0, 1))


def test_codebooks_move_and_the_constants_of_the_data_are_measured(manifest, tmp_path):
    train_codec(tiny_run(), manifest, tmp_path / "model", TrainOptions())
    folder = tmp_path / "model" / "training" / "codec"
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    changes = [line.get("codec/level_1/codebook_change", 1) for line in lines]
    assert len(changes) == 5
    assert all(change > 0 for change in changes)
    _, variance, _ = ModelFolder(tmp_path / "model").load_codec().bandwidth.tolist()
    # Two sines of a third each: twice (1/3)^2 / 2. Clips cut periods.
    assert variance == pytest.approx(1 / 9, rel=0.05)


def test_previews_are_written_and_validation_happens_at_intervals(manifest, tmp_path):
    run = tiny_run(steps=2, preview_every=1, validate_every=1)
    train_codec(run, manifest, tmp_path / "model", TrainOptions())
    folder = tmp_path / "model" / "training" / "codec"
    names = {path.name for path in (folder / "previews").iterdir()}
    assert names == {"original.wav"} | {
        f"step-{step}.level_{level}.wav" for step in (1, 2) for level in (0, 1)
    }
    assert read_audio(folder / "previews" / "step-2.level_1.wav").shape == (1, 8000)
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    validated = [line["step"] for line in logged if "validation/level_0/codebook_usage" in line]
    assert validated == [1, 2]


def test_wandb_is_never_imported_where_nothing_is_tracked(manifest, tmp_path):
    import subprocess
    import sys

    program = f"""
import sys
from pathlib import Path
from audiogen.training.codec_task import CodecRun, train_codec
from audiogen.training.task import TrainOptions
run = CodecRun.model_validate({tiny_run(steps=1).to_json()!r})
train_codec(run, Path({str(manifest)!r}), Path({str(tmp_path / "model")!r}), TrainOptions())
assert "wandb" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_first_weights_may_be_another_models(manifest, tmp_path):
    train_codec(tiny_run(), manifest, tmp_path / "first", TrainOptions())
    first = ModelFolder(tmp_path / "first").load_codec()
    # A learning rate that moves nothing shows where the weights began.
    run = tiny_run(steps=1, learning_rate=1e-12)
    options = TrainOptions(init_from=tmp_path / "first")
    train_codec(run, manifest, tmp_path / "second", options)
    second = ModelFolder(tmp_path / "second").load_codec()
    for (name, one), other in zip(first.named_parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)

    wider = tiny_run().changed(codec=TINY["codec"] | {"width": 16})
    with pytest.raises(UserError, match="--init-from .*first: its weights do not fit"):
        train_codec(wider, manifest, tmp_path / "third", options)


def test_clips_that_do_not_divide_into_codes_are_refused_when_the_settings_are_read():
    with pytest.raises(ValueError, match="clip_length 2047 must be a multiple of .* 8"):
        CodecRun.model_validate(TINY | {"data": {"clip_length": 2047}})
    with pytest.raises(ValueError, match="clip_length 64 must be 129 or more"):
        CodecRun.model_validate(TINY | {"data": {"clip_length": 64}})
    assert CodecRun(training={"steps": 1, "batch_size": 1}).codec == CodecConfig()


def test_songs_shorter_than_a_clip_are_one_sentence(manifest, tmp_path):
    run = tiny_run().changed(data={"clip_length": 80000})
    with pytest.raises(UserError, match="no track is long enough"):
        train_codec(run, manifest, tmp_path / "model", TrainOptions())
