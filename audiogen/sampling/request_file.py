"""request.json: everything asked for and everything that decides what comes of it."""

import importlib.metadata
import platform
import secrets
import shlex
from pathlib import Path
from typing import Any

import torch

from audiogen.config import validated
from audiogen.errors import UserError
from audiogen.files import sha256_of
from audiogen.model_folder import ModelFolder
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song_folder import SongFolder

DRAWN_SEEDS = 2**31
"""Seeds that are drawn lie below this, so that people can type them."""


def with_seed(request: SongRequest) -> SongRequest:
    """Draw a seed where none was asked for."""
    if request.seed is not None:
        return request
    return request.changed(seed=secrets.randbelow(DRAWN_SEEDS))


def describe(
    request: SongRequest, folder: ModelFolder, output: Path, device: torch.device
) -> dict[str, Any]:
    """Return the content of request.json."""
    return request.to_json() | {
        "prompt": None if request.prompt is None else str(request.prompt.resolve()),
        "prompt_sha256": None if request.prompt is None else sha256_of(request.prompt),
        "model": {"path": str(folder.path.resolve()), "hash": folder.model_hash()},
        "device": device.type,
        # Products on a GPU may be split differently for another batch size.
        "same_alone_and_in_a_batch": device.type == "cpu",
        "versions": {
            "audiogen": _version("audiogen"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "command": command(request, folder, output),
    }


def found_request(songs: SongFolder) -> SongRequest:
    """Return the request of an earlier run.

    Raises:
        UserError: there is none, or it is damaged.
    """
    found = songs.read_request()
    known = {name: value for name, value in found.items() if name in SongRequest.model_fields}
    return validated(SongRequest, known, source=str(songs.request_path))


def found_model(output: Path) -> Path:
    """Return the model folder that the song in `output` is made with.

    Raises:
        UserError: there is no song, or its request is damaged.
    """
    songs = SongFolder(output)
    try:
        return Path(songs.read_request()["model"]["path"])
    except (KeyError, TypeError):
        raise UserError(f"{songs.request_path}: damaged, names no model") from None


def check_same(songs: SongFolder, asked: SongRequest | None, folder: ModelFolder) -> SongRequest:
    """Return the request to go on with; what was asked this time must agree with it.

    Settings that were left out this time count as agreeing.

    Raises:
        UserError: a setting, the prompt's content or the model differs; says which.
    """
    found = found_request(songs)
    recorded = songs.read_request()
    if asked is not None:
        for path, mine, theirs in _differences(asked, found):
            raise UserError(
                f"{songs.path}: was begun with {path} = {theirs!r}, not {mine!r}; resume it "
                "without this setting, or choose another folder with -o"
            )
    if recorded.get("model", {}).get("hash") != folder.model_hash():
        raise UserError(
            f"{songs.path}: the model {folder.path} is not the one that this song was begun with, "
            "or has been trained since; choose another folder with -o"
        )
    return found


def command(request: SongRequest, folder: ModelFolder, output: Path) -> str:
    """Write the shell command that makes this song again."""
    words = ["audiogen", "sample", "--model", str(folder.path)]
    for name in ("lyrics", "artist"):
        if getattr(request, name):
            words += [f"--{name}", getattr(request, name)]
    for genre in request.genre:
        words += ["--genre", genre]
    words += ["--seconds", _number(request.seconds)]
    if request.total_seconds is not None:
        words += ["--total-seconds", _number(request.total_seconds)]
    words += ["--seed", str(request.seed)]
    if request.candidates > 1:
        words += ["--candidates", str(request.candidates)]
    if request.prompt is not None:
        words += ["--prompt", str(request.prompt)]
    if request.levels is not None:
        words += ["--levels", ",".join(map(str, request.levels))]
    for name in ("temperature", "top_k", "top_p"):
        values = getattr(request.sampling, name)
        if values != type(request.sampling).model_fields[name].default:
            words += [f"--{name.replace('_', '-')}", ",".join(map(_number, values))]
    return shlex.join([*words, "-o", f"{output}-again"])


def _differences(asked: SongRequest, found: SongRequest) -> list[tuple[str, Any, Any]]:
    """List (setting, asked, found) of what was set this time and differs."""
    differences = []
    for name in sorted(asked.model_fields_set):
        mine, theirs = getattr(asked, name), getattr(found, name)
        if name == "prompt" and mine is not None:
            mine = mine.resolve()
        if mine is None or mine == theirs:
            continue
        if name != "sampling":
            differences.append((name, mine, theirs))
            continue
        for key in sorted(mine.model_fields_set):
            if getattr(mine, key) != getattr(theirs, key):
                differences.append((key, getattr(mine, key), getattr(theirs, key)))
    return differences


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
