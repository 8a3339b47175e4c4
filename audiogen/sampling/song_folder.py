"""What a song leaves on disk, and picks up again.

    songs/<name>/
      request.json          everything asked for, the seed drawn, the model's hash, versions
      progress.jsonl        a line a finished window, with its codes
      codes.safetensors     all levels, as far as they are; (item, frame) each
      level_2.wav ...       in item_0/, item_1/, ... where there are several items
      alignment.json  lyrics.lrc  index.html

The lines of progress.jsonl are what a resume reads: each is appended and synced as a whole, so
whatever ends the process costs one window at most. A torn last line counts as not written.
"""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from audiogen import files
from audiogen.errors import UserError

PROMPT = "prompt"


@dataclass(frozen=True)
class MadeSpan:
    """The codes of frames [start, end) of one level, as one line of progress.jsonl holds them."""

    level: int
    start: int
    codes: Tensor  # (item, frame) int64
    window: int | str  # number of the window in its level, or PROMPT

    @property
    def end(self) -> int:
        """The frame after the last one."""
        return self.start + self.codes.shape[1]


class SongFolder:
    """One song on disk; knows names and formats, not what they mean."""

    def __init__(self, path: Path, num_items: int = 1) -> None:
        self.path = path
        self.num_items = num_items

    # What was asked

    @property
    def request_path(self) -> Path:
        """Everything asked for."""
        return self.path / "request.json"

    @property
    def has_request(self) -> bool:
        """Say whether a song was begun here."""
        return self.request_path.exists()

    def check_free(self) -> None:
        """Check that a new song may begin here.

        Raises:
            UserError: the folder holds something already.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; a song needs a folder of its own")
        # Files that begin with a dot are what a killed process had not finished.
        if self.path.is_dir() and any(p.name[0] != "." for p in self.path.iterdir()):
            cure = "--resume to go on with it, or " if self.has_request else ""
            raise UserError(f"{self.path}: is not empty; choose {cure}another folder with -o")

    def read_request(self) -> dict[str, Any]:
        """Return what an earlier run asked for.

        Raises:
            UserError: there is no song here, or its request is damaged.
        """
        if not self.has_request:
            raise UserError(f"{self.path}: has no request.json, so there is no song to resume here")
        request = files.read_json(self.request_path)
        if not isinstance(request, dict):
            raise UserError(f"{self.request_path}: damaged, holds no request")
        return request

    # Progress

    @property
    def progress_path(self) -> Path:
        """A line a finished window."""
        return self.path / "progress.jsonl"

    def append_span(self, span: MadeSpan) -> None:
        """Record finished codes; they survive whatever happens next."""
        codes = span.codes.cpu().numpy().astype("<u2")
        line = {"level": span.level, "window": span.window, "start": span.start, "end": span.end}
        self._append(line | {"codes": base64.b64encode(codes.tobytes()).decode()})

    def append_level_complete(self, level: int) -> None:
        """Record that a level's codes, sound and alignment are all written."""
        self._append({"level": level, "complete": True})

    def read_progress(self) -> tuple[list[MadeSpan], set[int]]:
        """Return the finished spans in order, and the levels that are complete.

        A torn last line is cut off, so that the next one starts cleanly.

        Raises:
            UserError: a line before the last is damaged.
        """
        spans: list[MadeSpan] = []
        complete: set[int] = set()
        for number, line in enumerate(self._whole_lines(), start=1):
            try:
                values = json.loads(line)
                if values.get("complete"):
                    complete.add(values["level"])
                else:
                    spans.append(self._span(values))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(
                    f"{self.progress_path}:{number}: damaged ({error}); delete this line and the "
                    "lines after it to go on from there"
                ) from None
        return spans, complete

    def _span(self, values: dict[str, Any]) -> MadeSpan:
        flat = np.frombuffer(base64.b64decode(values["codes"], validate=True), "<u2")
        frames = values["end"] - values["start"]
        codes = torch.from_numpy(flat.astype(np.int64)).reshape(self.num_items, frames)
        return MadeSpan(values["level"], values["start"], codes, values["window"])

    def _whole_lines(self) -> list[bytes]:
        if not self.progress_path.exists():
            return []
        data = self.progress_path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self.progress_path, len(whole))
        return whole.splitlines()

    def _append(self, line: dict[str, Any]) -> None:
        with self.progress_path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    # Results

    @property
    def codes_path(self) -> Path:
        """The codes of all levels."""
        return self.path / "codes.safetensors"

    @property
    def page_path(self) -> Path:
        """The page to listen to the song with."""
        return self.path / "index.html"

    def item_path(self, item: int) -> Path:
        """The folder of one item's sound: the song folder itself where there is only one item."""
        return self.path if self.num_items == 1 else self.path / f"item_{item}"

    def audio_path(self, item: int, level: int) -> Path:
        """The sound of one item, decoded from the codes of one level."""
        return self.item_path(item) / f"level_{level}.wav"

    def alignment_path(self, item: int) -> Path:
        """The times of one item's lyrics, character by character."""
        return self.item_path(item) / "alignment.json"

    def lrc_path(self, item: int) -> Path:
        """The times of one item's lines, for players that show lyrics."""
        return self.item_path(item) / "lyrics.lrc"


def save_codes(path: Path, codes: dict[int, Tensor], metadata: dict[str, str]) -> None:
    """Save the codes of each level, (item, frame) int64, as `level_0`, `level_1`, ..."""
    files.write_tensors(path, {f"level_{level}": codes[level] for level in codes}, metadata)


def load_codes(path: Path) -> tuple[dict[int, Tensor], dict[str, str]]:
    """Read what `save_codes` wrote.

    Raises:
        UserError: the file is missing, damaged, or holds no codes.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith("level_")]  # noqa: SIM118
            codes = {int(name.removeprefix("level_")): file.get_tensor(name) for name in names}
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: no readable codes ({error})") from None
    if not codes or any(value.dim() != 2 for value in codes.values()):
        raise UserError(f"{path}: holds no codes of a song (level_0, level_1, ...)")
    return codes, metadata


def joined(spans: Iterable[MadeSpan], level: int, codes: Tensor) -> int:
    """Write the spans of one level into `codes` (item, frame); return how many frames they fill.

    Raises:
        ValueError: the spans leave a gap or are longer than `codes`.
    """
    end = 0
    for span in spans:
        if span.level != level:
            continue
        if span.start != end or span.end > codes.shape[1]:
            raise ValueError(
                f"level {level}: frames [{span.start}, {span.end}) do not follow frame {end} "
                f"of {codes.shape[1]}"
            )
        codes[:, span.start : span.end] = span.codes
        end = span.end
    return end
