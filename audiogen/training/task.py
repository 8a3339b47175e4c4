"""What the loop asks of a task, and what people ask of a training."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from audiogen.training.tracking import TrackerName


@dataclass(frozen=True)
class TrainOptions:
    """How one run of a training goes, beside its settings."""

    resume: bool = False
    """Go on from the newest checkpoint; without one, start."""

    track: TrackerName = "none"

    max_minutes: float | None = None
    """Save and return after this long."""

    init_from: Path | None = None
    """A model folder whose weights of the same part are the first weights."""


@dataclass
class StepOutput:
    """What the forward pass of one micro-batch made."""

    loss: Tensor  # ()
    metrics: dict[str, Tensor]  # () each, on the device; named group/name
    kept: Any = field(default=None, repr=False)  # what `follow_` needs


class Preview(NamedTuple):
    """A sound made while training."""

    name: str
    path: Path


class Task(ABC):
    """What is trained. The loop owns the order: step, validate, preview, save."""

    part: str
    """Its folder in the model folder: "codec" or "prior_2"."""

    model: nn.Module
    """The trained weights; on the device before the loop begins."""

    dataset: Dataset[Any]
    """Clips by item number, for every item that a training can reach."""

    codes_per_clip: int
    """Codes (of all levels trained) in a clip, for the rate."""

    def collate(self, clips: list[Any]) -> Any:
        """Join clips into a micro-batch on the CPU."""
        return torch.utils.data.default_collate(clips)

    def start_(self, batches: list[Any]) -> None:  # noqa: B027 (most tasks need nothing)
        """Prepare state that moves without gradients, from this rank's first step of batches."""

    @abstractmethod
    def forward(self, model: nn.Module, batch: Any) -> StepOutput:
        """Run the training pass; `model` is the task's, wrapped for the processes."""

    def follow_(self, kept: list[Any], step: int) -> dict[str, Tensor]:
        """Move state without gradients, once a sound step; `kept` is one a micro-batch."""
        return {}

    @abstractmethod
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measure the averaged model on held-out clips."""

    def preview(self, model: nn.Module, step: int, folder: Path) -> list[Preview]:
        """Make sounds with the averaged model."""
        return []

    def close(self, model: nn.Module) -> dict[str, Any]:
        """Measure the averaged model at the end; the report goes into its provenance."""
        return self.validate(model)

    @abstractmethod
    def save(self, state: Mapping[str, Tensor], provenance: dict[str, Any]) -> None:
        """Write the averaged weights into the model folder."""
