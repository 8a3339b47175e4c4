"""Where a training begins: anew, at a checkpoint, or not at all. And what it refuses."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from audiogen.config import Settings
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder
from audiogen.progress import say
from audiogen.training.checkpoint import Checkpoint, checkpoints, load_newest
from audiogen.training.setup import TrainingConfig, open_accelerator


@dataclass(frozen=True)
class RunFacts:
    """What a resume must find unchanged."""

    config: dict[str, Any]  # the whole resolved settings, as JSON values
    digest: str  # their hash
    data: str  # hash of the data, its order included

    @classmethod
    def of(cls, run: Settings, data: str) -> "RunFacts":
        """Describe a run by its settings and the hash of its data."""
        return cls(run.to_json(), run.digest(), data)


@dataclass(frozen=True)
class Beginning:
    """What lies in the model folder of the part to train."""

    checkpoint: Checkpoint | None = None
    finished: bool = False
    remarks: tuple[str, ...] = ()  # sentences for the person at the keyboard


def begin_training(
    folder: ModelFolder,
    part: str,
    facts: RunFacts,
    config: TrainingConfig,
    *,
    resume: bool,
    remarks: Iterable[str] = (),
) -> tuple[Beginning, Accelerator]:
    """Decide where to begin, join the processes, seed torch, and say what is to be known.

    Args:
        folder: the model.
        part: what is trained.
        facts: of the run that is about to begin.
        config: of the loop.
        resume: whether to go on with what is there.
        remarks: further sentences, said where the training is not finished already.

    Raises:
        UserError: as for `find_beginning`.
    """
    provenance = folder.provenance(part) if part in folder.parts() else None
    beginning = find_beginning(folder.training_folder(part), facts, provenance, resume=resume)
    accelerator = open_accelerator(config)
    if beginning.finished:
        remarks = [f"{folder.path}: the training of {part} is finished already"]
    if accelerator.is_main_process:
        for remark in (*beginning.remarks, *remarks):
            say(remark)
    torch.manual_seed(config.seed)
    return beginning, accelerator


def find_beginning(
    folder: Path, facts: RunFacts, provenance: dict[str, Any] | None, *, resume: bool
) -> Beginning:
    """Decide where to begin.

    Args:
        folder: the part's training folder.
        facts: of the run that is about to begin.
        provenance: how the weights in the model folder were trained; None where there are none.
        resume: whether to go on with what is there.

    Raises:
        UserError: there is something and `resume` was not asked for, or what is there was
            trained with other settings or other data.
    """
    part = folder.name
    checkpoint, remarks = load_newest(folder) if resume else (None, [])
    finished = provenance is not None and bool(provenance.get("finished"))
    if not resume and (provenance is not None or checkpoints(folder)):
        raise UserError(
            f"{folder.parent.parent}: already holds a training of {part}; go on with --resume, "
            "or choose another --model folder"
        )
    if checkpoint is not None:
        refuse_changes(checkpoint.run, facts, folder)
    elif finished and provenance is not None and provenance.get("run") != facts.digest:
        raise UserError(
            f"{folder.parent.parent}: {part} was finished with other settings; train into another "
            "folder, for example with --init-from"
        )
    elif provenance is not None and not finished:
        raise UserError(
            f"{folder}: the state of an unfinished training is gone; train into another folder, "
            "for example with --init-from"
        )
    elif resume and not finished:
        remarks = [f"{part}: nothing to resume in {folder}; starting anew"]
    return Beginning(checkpoint, finished, tuple(remarks))


def refuse_changes(stored: dict[str, Any], facts: RunFacts, folder: Path) -> None:
    """Compare settings and data with those of a checkpoint.

    Raises:
        UserError: they differ; the sentence names the keys.
    """
    differences = _differences(stored["config"], facts.config)
    if differences:
        raise UserError(
            f"{folder}: was trained with other settings ({'; '.join(differences)}); resume with "
            "the same ones, or train into another folder"
        )
    if stored["data"] != facts.data:
        raise UserError(
            f"{folder}: was trained with other data than are there now; resume with the same "
            "data, or train into another folder"
        )


def hash_of(lines: Iterable[str]) -> str:
    """Hash texts in their order, for example the tracks of a training; 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def take_weights_(module: nn.Module, source: nn.Module, folder: Path) -> None:
    """Begin with the weights of `source`, which was loaded from the model folder `folder`.

    Raises:
        UserError: names or shapes differ; the sentence names the first.
    """
    ours, theirs = module.state_dict(), source.state_dict()
    for name in sorted(ours.keys() | theirs.keys()):
        shapes = [tuple(s[name].shape) if name in s else "absent" for s in (ours, theirs)]
        if shapes[0] != shapes[1]:
            raise UserError(
                f"--init-from {folder}: its weights do not fit these settings ({name}: "
                f"{shapes[1]} there, {shapes[0]} here); use the settings of that model"
            )
    module.load_state_dict(theirs)


def _differences(stored: Any, now: Any, path: str = "") -> list[str]:
    if isinstance(stored, dict) and isinstance(now, dict):
        keys = sorted(stored.keys() | now.keys())
        pairs = ((f"{path}.{key}".lstrip("."), stored.get(key), now.get(key)) for key in keys)
        return [line for key, old, new in pairs for line in _differences(old, new, key)]
    return [] if stored == now else [f"{path}: {stored!r} then, {now!r} now"]
