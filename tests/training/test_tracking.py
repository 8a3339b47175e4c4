import json
import subprocess
import sys

import pytest
import torch

from audiogen.data.audio_file import write_audio
from audiogen.errors import UserError
from audiogen.training import tracking
from audiogen.training.tracking import open_tracker


def test_without_tracking_wandb_and_tensorboard_are_never_imported(tmp_path):
    program = f"""
import sys
from pathlib import Path
import audiogen.training.loop
from audiogen.training.tracking import open_tracker
tracker = open_tracker("none", Path({str(tmp_path)!r}), name="a", config={{}})
tracker.log({{"codec/loss": 1.0}}, 1)
tracker.audio("a", Path("absent.wav"), 1)
tracker.close()
assert "wandb" not in sys.modules and "tensorboard" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tracking.importlib, "import_module", missing)
    with pytest.raises(UserError, match="--track wandb: the package wandb is not installed"):
        open_tracker("wandb", tmp_path, name="a", config={})
    with pytest.raises(UserError, match="the package tensorboard is not installed"):
        open_tracker("tensorboard", tmp_path, name="a", config={})


def test_wandb_offline_keeps_losses_and_audio_and_resumes_its_run(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    sound = tmp_path / "sound.wav"
    write_audio(sound, torch.zeros(1, 100), 8000)
    for _ in range(2):
        tracker = open_tracker("wandb", tmp_path, name="a", config={"codec": {"width": 8}})
        tracker.log({"codec/loss": 1.0}, 1)
        tracker.audio("codec/level_0", sound, 1)
        tracker.close()
    run_id = json.loads((tmp_path / "wandb_run.json").read_text())["id"]
    runs = list((tmp_path / "wandb").glob("offline-run-*"))
    assert runs
    # Runs of one second get a number behind the id.
    assert all(run_id in run.name for run in runs)
    assert list((tmp_path / "wandb").glob("offline-run-*/files/media/audio/codec/*.wav"))


def test_tensorboard_keeps_losses_and_audio(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sound = tmp_path / "sound.wav"
    write_audio(sound, torch.zeros(1, 100), 8000)
    tracker = open_tracker("tensorboard", tmp_path, name="a", config={"codec": {"width": 8}})
    tracker.log({"codec/loss": 1.5}, 3)
    tracker.audio("codec/level_0", sound, 3)
    tracker.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"audio": 0}).Reload()
    assert [(e.step, e.value) for e in events.Scalars("codec/loss")] == [(3, 1.5)]
    assert [e.step for e in events.Audio("codec/level_0")] == [3]
