"""Everything that a resume needs, in one folder a checkpoint: whole, hashed, without pickle.

    checkpoint-1200/
      model.safetensors        the trained weights, and state that moves without gradients
      averaged.safetensors     the moving average of the weights
      optimizer.safetensors    moments; optimizer.json: parameter groups
      state.json               step, settings and data of the run
      hashes.json              sha256 of each of these files

The order of the data and all random draws are functions of the step, so no stream is stored.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from audiogen import files
from audiogen.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """The state between two steps; `step` is the number of steps that were made."""

    step: int
    model: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: dict[str, Any]  # as torch.optim.Optimizer.state_dict() gives it
    run: dict[str, Any]  # settings and data hash, as JSON values


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write `checkpoint-<step>` whole or not at all, then delete all but the last `keep`.

    Raises:
        UserError: the disk is full or the folder cannot be written; older checkpoints stay.
    """
    final = folder / f"checkpoint-{checkpoint.step}"
    temporary = folder / f".checkpoint-{checkpoint.step}.partial"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        _write_all(temporary, checkpoint)
        # A folder of this step can only be a damaged one that the resume passed over.
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def load_newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """Read the newest whole checkpoint, and name each damaged one that was passed over.

    Returns:
        The checkpoint (None where there is none) and one sentence a damaged one.

    Raises:
        UserError: there are checkpoints, and all of them are damaged.
    """
    warnings: list[str] = []
    for path in reversed(checkpoints(folder)):
        damage = find_damage(path)
        if damage is None:
            return _read_all(path), warnings
        warnings.append(f"{path}: damaged ({damage}); using the checkpoint before it")
    if warnings:
        raise UserError(
            f"{folder}: every checkpoint is damaged; delete this folder to train from the start"
        )
    return None, warnings


def checkpoints(folder: Path) -> list[Path]:
    """List the checkpoint folders, oldest first."""
    numbered = [(_step_of(path), path) for path in folder.glob("checkpoint-*") if path.is_dir()]
    return [path for step, path in sorted((s, p) for s, p in numbered if s is not None)]


def find_damage(path: Path) -> str | None:
    """Say which file of a checkpoint is missing or altered; None where all are whole."""
    try:
        hashes = files.read_json(path / "hashes.json")
    except UserError:
        return "hashes.json is missing or unreadable"
    for name, expected in hashes.items():
        if not (path / name).is_file():
            return f"{name} is missing"
        if files.sha256_of(path / name) != expected:
            return f"{name} was altered or cut short"
    return None


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Copy a module's state to the CPU, each tensor with memory of its own."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous()
        for name, value in module.state_dict().items()
    }


def _write_all(folder: Path, checkpoint: Checkpoint) -> None:
    moments, groups = _split_optimizer(checkpoint.optimizer)
    files.write_tensors(folder / "model.safetensors", checkpoint.model)
    files.write_tensors(folder / "averaged.safetensors", checkpoint.averaged)
    files.write_tensors(folder / "optimizer.safetensors", moments)
    files.write_json(folder / "optimizer.json", groups)
    files.write_json(folder / "state.json", {"step": checkpoint.step, "run": checkpoint.run})
    hashes = {path.name: files.sha256_of(path) for path in sorted(folder.iterdir())}
    files.write_json(folder / "hashes.json", hashes)


def _read_all(folder: Path) -> Checkpoint:
    state = files.read_json(folder / "state.json")
    moments = safetensors.torch.load_file(folder / "optimizer.safetensors")
    groups = files.read_json(folder / "optimizer.json")
    return Checkpoint(
        step=state["step"],
        model=safetensors.torch.load_file(folder / "model.safetensors"),
        averaged=safetensors.torch.load_file(folder / "averaged.safetensors"),
        optimizer=_join_optimizer(moments, groups),
        run=state["run"],
    )


def _split_optimizer(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            is_tensor = isinstance(value, Tensor)
            (tensors if is_tensor else plain)[f"{index}.{name}"] = (
                value.detach().to("cpu", copy=True).contiguous() if is_tensor else value
            )
    return tensors, {"groups": state["param_groups"], "plain": plain}


def _join_optimizer(tensors: dict[str, Tensor], stored: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {}
    for path, value in (tensors | stored["plain"]).items():
        index, name = path.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = [group | {"betas": tuple(group["betas"])} for group in stored["groups"]]
    return {"state": state, "param_groups": groups}


def _step_of(path: Path) -> int | None:
    digits = path.name.removeprefix("checkpoint-")
    return int(digits) if digits.isdigit() else None
