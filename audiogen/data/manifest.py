"""Track records: one JSON line for each song, read, checked, split and written.

Paths in a manifest are relative to the manifest. Keys that we do not know are kept.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audiogen.data.audio_file import probe
from audiogen.data.splits import with_splits
from audiogen.errors import UserError
from audiogen.files import replacing

PATH_ALIASES = ("audio_filepath", "file_name")
"""Names that other tools use for `path`."""

MEASURED = ("duration", "sample_rate", "channels")
"""What a file's header tells where a manifest of another tool does not."""


class Word(BaseModel):
    """One sung word and when it sounds, in seconds from the start of the song."""

    model_config = ConfigDict(frozen=True)

    text: str
    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)


class Section(BaseModel):
    """One part of a song (verse, chorus), in seconds."""

    model_config = ConfigDict(frozen=True)

    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)
    label: str


class Track(BaseModel):
    """What is known about one recording."""

    model_config = ConfigDict(frozen=True, extra="allow")

    path: str = Field(min_length=1)
    duration: float = Field(ge=0, allow_inf_nan=False)
    sample_rate: int = Field(gt=0)
    channels: int = Field(gt=0)
    title: str = ""
    artist: str = ""
    genre: tuple[str, ...] = ()
    lyrics: str = ""
    words: tuple[Word, ...] = ()
    sections: tuple[Section, ...] = ()
    language: str = ""
    split: str = ""
    sha256: str = ""

    @model_validator(mode="before")
    @classmethod
    def _know_other_names(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        # null says nothing about a key that we know, so its default stands.
        values = {k: v for k, v in values.items() if v is not None or k not in cls.model_fields}
        for alias in PATH_ALIASES:
            if "path" not in values and alias in values:
                values["path"] = values.pop(alias)
        return values

    @field_validator("genre", mode="before")
    @classmethod
    def _text_is_one_genre(cls, value: Any) -> Any:
        genres = [value] if isinstance(value, str) else value
        if not isinstance(genres, list | tuple):
            return genres
        return [genre for genre in genres if genre != ""]


@dataclass(frozen=True)
class Manifest:
    """The tracks of a collection and the folder that their paths are relative to."""

    folder: Path
    tracks: tuple[Track, ...]

    def audio_path(self, track: Track) -> Path:
        """Return where the audio of `track` lies."""
        return self.folder / track.path

    def in_split(self, name: str) -> "Manifest":
        """Return the manifest of one split only ("train", "validation"); it may be empty."""
        return replace(self, tracks=tuple(track for track in self.tracks if track.split == name))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest (JSON Lines; `.gz` is unpacked).

    Where no track names a split, songs are divided into train and validation. Durations, sample
    rates and channels that are missing are read from the files.

    Raises:
        UserError: no such file, no track in it, or a line that is wrong ("file:line: what").
    """
    folder = Path(path).resolve().parent
    tracks: list[Track] = []
    first_line: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        track = _parse(line, folder, f"{path}:{number}")
        if track.path in first_line:
            seen = first_line[track.path]
            raise UserError(f"{path}:{number}: path '{track.path}' is already on line {seen}")
        first_line[track.path] = number
        tracks.append(track)
    if not tracks:
        raise UserError(f"{path}: holds no tracks; make one with: audiogen scan FOLDER -o {path}")
    return Manifest(folder, with_splits(tracks))


def write_manifest(path: Path, tracks: Iterable[Track]) -> None:
    """Write one line for each track, whole or not at all; keys at their default are left out."""
    lines = [to_json_line(track) for track in tracks]
    content = "".join(lines).encode("utf-8")
    if path.suffix == ".gz":
        # No time stamp, so that equal tracks make equal bytes.
        content = gzip.compress(content, mtime=0)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def to_json_line(track: Track) -> str:
    """Return the manifest line of `track`, with its line end."""
    record = track.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(record, ensure_ascii=False) + "\n"


def why_invalid(error: ValidationError) -> str:
    """Say in one phrase what is wrong with a record: the key, the rule, the value."""
    detail = error.errors()[0]
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"key '{key}' is missing"
    if not key:
        return 'a line must be one JSON object, like {"path": "song.wav", ...}'
    shown = repr(detail["input"])
    return f"key '{key}': {detail['msg'].lower()} (got {shown[:60]})"


def _parse(line: str, folder: Path, place: str) -> Track:
    try:
        values = json.loads(line)
        return Track.model_validate(_with_measures(values, folder))
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not JSON ({error.msg} at column {error.colno})") from None
    except ValidationError as error:
        raise UserError(f"{place}: {why_invalid(error)}") from None
    except UserError as error:
        raise UserError(f"{place}: {error}") from None


def _with_measures(values: Any, folder: Path) -> Any:
    if not isinstance(values, dict) or all(values.get(key) is not None for key in MEASURED):
        return values
    path = next((values[key] for key in ("path", *PATH_ALIASES) if values.get(key)), None)
    if not isinstance(path, str):
        return values
    info = probe(folder / path)
    found = dict(zip(MEASURED, (info.duration, info.sample_rate, info.num_channels), strict=True))
    return found | {key: value for key, value in values.items() if value is not None}


def _lines(path: Path) -> Iterator[str]:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        # Not splitlines(): that also breaks at separators which JSON allows inside text.
        yield from content.decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such manifest; make one with: audiogen scan FOLDER -o {path}"
        ) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a manifest ({error})") from None
