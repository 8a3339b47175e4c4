"""One shard of a code store on disk: a file of codes for each level, and an index of songs.

A song counts once its line stands in the index, which is written after its codes are on the disk.
So a kill at any moment leaves only bytes behind the last line, which readers ignore and the next
writer cuts off.
"""

import errno
import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from audiogen.data.manifest import Track
from audiogen.errors import UserError

CODE_DTYPE = np.dtype("<u2")
INDEX = "index.jsonl"
SHARD_NAME = re.compile(r"shard-(\d+)-of-(\d+)")


@dataclass(frozen=True)
class IndexEntry:
    """One finished song."""

    track: Track
    frames: int  # at the top level
    offsets: tuple[int, ...]  # first frame in the file of each level, finest first
    crc32: int  # of the codes of all levels, finest first
    generation: (
        int  # which run of the writer made it; where a file was encoded twice, the last wins
    )

    @property
    def key(self) -> tuple[str, str]:
        """What tells this song from others: its path and the hash of its bytes."""
        return self.track.path, self.track.sha256

    def to_line(self) -> bytes:
        """Return the line of the index."""
        record = {
            "track": self.track.model_dump(mode="json", exclude_defaults=True),
            "frames": self.frames,
            "offsets": self.offsets,
            "crc32": self.crc32,
            "generation": self.generation,
        }
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()


def shard_folders(store: Path) -> list[Path]:
    """Return the shards of a store, in a fixed order."""
    found = [(SHARD_NAME.fullmatch(path.name), path) for path in store.glob("shard-*-of-*")]
    ranked = [(int(match[2]), int(match[1]), path) for match, path in found if match]
    return [path for _, _, path in sorted(ranked)]


def level_file(shard: Path, level: int) -> Path:
    """Return the file that holds the codes of one level, frame after frame."""
    return shard / f"level_{level}.u16"


def read_index(shard: Path) -> list[IndexEntry]:
    """Read the finished songs of a shard; a last line without an end was never finished."""
    path = shard / INDEX
    content = path.read_bytes() if path.is_file() else b""
    lines = content.split(b"\n")[:-1]
    return [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]


def check_lengths(shard: Path, entries: Sequence[IndexEntry], ratios: Sequence[int]) -> None:
    """Check that the code files hold every indexed song.

    Raises:
        UserError: a code file is missing or truncated.
    """
    for level, needed in enumerate(end_frames(entries, ratios)):
        path = level_file(shard, level)
        size = path.stat().st_size if path.is_file() else 0
        if size < needed * CODE_DTYPE.itemsize:
            raise UserError(
                f"{path}: truncated: the index needs {needed * CODE_DTYPE.itemsize} bytes, the "
                f"file has {size}; remove the folder {shard} and run the same encode with --resume"
            )


def end_frames(entries: Sequence[IndexEntry], ratios: Sequence[int]) -> list[int]:
    """Return how many frames of each level the index accounts for."""
    return [
        max((entry.offsets[level] + entry.frames * ratio for entry in entries), default=0)
        for level, ratio in enumerate(ratios)
    ]


class ShardWriter:
    """Appends songs to one shard, after cutting off what an earlier run left unfinished."""

    def __init__(self, shard: Path, ratios: Sequence[int], generation: int) -> None:
        """Open `shard`; `ratios` are the frames of each level in one frame of the top level."""
        self._ratios, self._generation = tuple(ratios), generation
        shard.mkdir(parents=True, exist_ok=True)
        entries = read_index(shard)
        check_lengths(shard, entries, ratios)
        self._ends = end_frames(entries, ratios)
        sizes = [end * CODE_DTYPE.itemsize for end in self._ends]
        self._files = [_open_at(level_file(shard, level), size) for level, size in enumerate(sizes)]
        self._index = _open_at(shard / INDEX, _whole_lines(shard / INDEX))
        _sync_folder(shard)

    def append(self, track: Track, codes: Sequence[np.ndarray]) -> None:
        """Write the codes (frame,) of all levels of a song, then its line in the index."""
        arrays = [np.ascontiguousarray(level, dtype=CODE_DTYPE) for level in codes]
        crc32 = 0
        for array, file in zip(arrays, self._files, strict=True):
            crc32 = zlib.crc32(array.data, crc32)
            _write_all(file, array.data.cast("B"))
        frames = len(arrays[-1])
        offsets = tuple(self._ends)
        entry = IndexEntry(track, frames, offsets, crc32, self._generation)
        _write_all(self._index, memoryview(entry.to_line()))
        self._ends = [end + frames * r for end, r in zip(self._ends, self._ratios, strict=True)]

    def close(self) -> None:
        """Close the files."""
        for file in (*self._files, self._index):
            file.close()


def _parse(line: bytes, place: str) -> IndexEntry:
    try:
        record = json.loads(line)
        track = Track.model_validate(record["track"])
        numbers = record["frames"], tuple(record["offsets"]), record["crc32"]
        return IndexEntry(track, *numbers, record["generation"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:80]
        raise UserError(
            f"{place}: damaged index ({reason}); remove its folder and encode again"
        ) from None


def _whole_lines(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1 if path.is_file() else 0


def _open_at(path: Path, size: int) -> FileIO:
    """Open a file to append behind its first `size` bytes; what follows them is cut off."""
    file = FileIO(path, "r+" if path.is_file() else "w+")
    file.truncate(size)
    file.seek(size)
    return file


def _write_all(file: FileIO, content: memoryview) -> None:
    """Write everything and wait until it is on the disk."""
    try:
        while content:
            content = content[file.write(content) :]
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{file.name}: the disk is full; free some space and go on with --resume"
            ) from error
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
