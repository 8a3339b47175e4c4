"""Metrics and audio to wandb, tensorboard or nowhere. The one place that imports either.

Neither is imported unless asked for. wandb's own WANDB_MODE=offline keeps a run on this machine.
"""

import importlib
import secrets
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from audiogen import files
from audiogen.errors import UserError

TrackerName = Literal["wandb", "tensorboard", "none"]


class Tracker:
    """Tracks nothing; and the interface of those that do."""

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Record metrics, named `group/name`, of one step."""

    def audio(self, name: str, path: Path, step: int) -> None:
        """Record the sound of a WAV file."""

    def close(self) -> None:
        """Write out what is left."""


class WandbTracker(Tracker):
    """A run of Weights & Biases; a resume goes on in the same run."""

    def __init__(self, folder: Path, name: str, config: dict[str, Any]) -> None:
        wandb = _import("wandb")
        self._wandb = wandb
        stored = folder / "wandb_run.json"
        run_id = files.read_json(stored)["id"] if stored.exists() else secrets.token_hex(4)
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project="audiogen", name=name, id=run_id, resume="allow", config=config, dir=folder
        )
        self._run.define_metric("*", step_metric="train/step")
        files.write_json(stored, {"id": run_id})

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Record metrics of one step."""
        # The step is a metric too: wandb drops lines whose own step lies behind its last one,
        # as those of a resume from an earlier checkpoint do.
        self._run.log(metrics | {"train/step": step})

    def audio(self, name: str, path: Path, step: int) -> None:
        """Record the sound of a WAV file."""
        self._run.log({name: self._wandb.Audio(str(path)), "train/step": step})

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class TensorboardTracker(Tracker):
    """Event files for tensorboard, in the training folder."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        module = _import("torch.utils.tensorboard", needs="tensorboard")
        self._writer = module.SummaryWriter(str(folder / "tensorboard"))
        self._writer.add_text("config", f"```\n{config}\n```")

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Record metrics of one step."""
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def audio(self, name: str, path: Path, step: int) -> None:
        """Record the sound of a WAV file."""
        from audiogen.data.audio_file import probe, read_audio

        waveform = read_audio(path)  # (1, sample)
        self._writer.add_audio(name, waveform, step, sample_rate=probe(path).sample_rate)

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()


def open_tracker(
    choice: TrackerName, folder: Path, *, name: str, config: dict[str, Any]
) -> Tracker:
    """Open the tracker that was asked for; `folder` is the part's training folder.

    Raises:
        UserError: its package is not installed.
    """
    if choice == "wandb":
        return WandbTracker(folder, name, config)
    if choice == "tensorboard":
        return TensorboardTracker(folder, config)
    return Tracker()


def _import(module: str, needs: str | None = None) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        package = needs or module
        raise UserError(
            f"--track {package}: the package {package} is not installed; "
            f"pip install {package}, or use --track none"
        ) from None
