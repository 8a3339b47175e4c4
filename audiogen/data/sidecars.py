"""Labels of a song from what lies beside its audio: tags, lyric files, a JSON file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audiogen.data.audio_file import AudioInfo
from audiogen.data.lrc import parse_lrc
from audiogen.data.manifest import Track, why_invalid
from audiogen.errors import UserError
from audiogen.files import read_json, sha256_of

TAG_KEYS = ("title", "artist", "genre")

Problems = list[tuple[Path, str]]


def track_of(audio: Path, path: str, info: AudioInfo) -> tuple[Track, Problems]:
    """Make the record of one file: tags of the file, over them lyric files, over them the JSON.

    Args:
        audio: the audio file.
        path: what the record calls it, relative to the manifest.
        info: the file's header.

    Returns:
        The record, and the sidecars that could not be used with the reason for each.
    """
    problems: Problems = []
    labels: dict[str, Any] = {key: info.tags[key].strip() for key in TAG_KEYS if key in info.tags}
    for suffix, reader in ((".lyrics.txt", _plain), (".lrc", _timed), (".json", _json)):
        sidecar = audio.with_name(audio.stem + suffix)
        if not sidecar.is_file():
            continue
        try:
            labels |= reader(sidecar, info)
        except UserError as error:
            problems.append((sidecar, str(error).removeprefix(f"{sidecar}: ")))
    # The file knows best what it holds.
    measured = {
        "path": path,
        "duration": info.duration,
        "sample_rate": info.sample_rate,
        "channels": info.num_channels,
        "sha256": sha256_of(audio),
    }
    return Track.model_validate(labels | measured), problems


def _plain(sidecar: Path, _info: AudioInfo) -> dict[str, Any]:
    return {"lyrics": _text(sidecar).strip()}


def _timed(sidecar: Path, info: AudioInfo) -> dict[str, Any]:
    timed = parse_lrc(_text(sidecar), info.duration)
    return {"lyrics": timed.lyrics, "words": timed.words, **timed.labels}


def _json(sidecar: Path, _info: AudioInfo) -> dict[str, Any]:
    values = read_json(sidecar)
    if not isinstance(values, dict):
        raise UserError(f'{sidecar}: expected one JSON object, like {{"artist": "..."}}')
    stand_in = {"path": "song", "duration": 0, "sample_rate": 1, "channels": 1}
    try:
        Track.model_validate(values | stand_in)
    except ValidationError as error:
        raise UserError(f"{sidecar}: {why_invalid(error)}") from None
    return {key: value for key, value in values.items() if value is not None}


def _text(sidecar: Path) -> str:
    try:
        return sidecar.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{sidecar}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{sidecar}: cannot be read ({error.strerror})") from None
