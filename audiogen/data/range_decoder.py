"""Ranges of one open audio file, sample for sample, whatever its format's seeking is worth.

Measured with libsndfile 1.2.2: seeks in WAV and FLAC are exact; in Opus after a short run-up; in
MP3 and Vorbis a seek may land up to a block off and stay there, even a seek to the place where the
file stands, so those are read from the start in one go.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from audiogen.data import ffmpeg
from audiogen.errors import UserError

if TYPE_CHECKING:
    from soundfile import SoundFile

NO_SEEKING = frozenset({"VORBIS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"})
INEXACT_SEEKING = NO_SEEKING | {"OPUS"}
OPUS_RUN_UP_SECONDS = 1
BLOCK_SAMPLES = 2**18
MAX_SAMPLES = 2**40
"""Above this a number of samples is libsndfile's sign for an unknown length (streamed FLAC)."""
MP3_SLACK = 2 * 1152
"""Samples by which an MP3 header may be wrong about a file that is whole: two of its frames."""


def soundfile():  # noqa: ANN201 (the module itself, imported only where it is used)
    """Return the soundfile module; a machine without it gets one sentence."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise UserError(
            f"audio cannot be read: soundfile does not load ({error}); run: pip install soundfile"
        ) from None
    return soundfile


def reason(error: Exception) -> str:
    """Return what libsndfile says, without its prefixes."""
    text = str(getattr(error, "error_string", error)).removeprefix("Error : ")
    return text.split(". ")[0].strip().rstrip(".") or "unknown reason"


@contextmanager
def opened(path: Path) -> Iterator["SoundFile"]:
    """Open an audio file; M4A and AAC are decoded to a temporary WAV first.

    Raises:
        UserError: the file is missing, empty, damaged or of no known format.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such audio file; if it was moved, run: audiogen scan")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; copy it again or remove it")
    with ffmpeg.readable(path) as wav:
        try:
            file = soundfile().SoundFile(wav)
        except soundfile().SoundFileError as error:
            raise UserError(
                f"{path}: not readable as audio ({reason(error)}); replace it or remove it"
            ) from None
        with file:
            if file.frames > MAX_SAMPLES:
                raise UserError(f"{path}: its header does not say how long it is; convert it anew")
            yield file


class RangeDecoder:
    """Decodes ranges of an open file whose starts and ends never go back."""

    def __init__(self, file: "SoundFile", path: Path) -> None:
        self._file, self._path = file, path
        if file.subtype in INEXACT_SEEKING:
            # soundfile follows each read with a seek to where it is, unless the file has none.
            file.seekable = lambda: False
        self._position = 0
        # The last range, for the part of it that the next one repeats.
        self._held = torch.zeros(file.channels, 0)
        self._held_start = 0

    def read(self, first: int, last: int) -> Tensor:
        """Decode samples [first, last), at the file's rate -> (channel, sample) float32.

        Raises:
            UserError: the file is damaged there, or ends before its header says.
        """
        kept = self._held[:, max(0, first - self._held_start) :]
        if kept.shape[1] == 0:
            self._go_to(first)
        self._held = torch.cat([kept, self._next(last - self._position)], dim=1)
        self._held_start = first
        return self._held

    def _go_to(self, target: int) -> None:
        if self._file.subtype not in NO_SEEKING:
            run_up = OPUS_RUN_UP_SECONDS * self._file.samplerate
            start = max(0, target - run_up) if self._file.subtype == "OPUS" else target
            if start > self._position:
                self._file.seek(start)
                self._position = start
        while self._position < target:
            self._next(min(BLOCK_SAMPLES, target - self._position))

    def _next(self, count: int) -> Tensor:
        try:
            samples = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile().SoundFileError as error:
            raise UserError(
                f"{self._path}: damaged or truncated after "
                f"{self._seconds(self._position)} ({reason(error)}); replace it or remove it"
            ) from None
        missing = count - len(samples)
        if missing > (MP3_SLACK if self._file.subtype.startswith("MPEG") else 0):
            raise UserError(
                f"{self._path}: truncated: its header promises {self._seconds(self._file.frames)}, "
                f"the sound ends at {self._seconds(self._position + len(samples))}; copy it again "
                "or remove it"
            )
        self._position += count
        return torch.from_numpy(np.pad(samples, ((0, missing), (0, 0))).T.copy())

    def _seconds(self, samples: int) -> str:
        return f"{samples / self._file.samplerate:.2f} s"


def blocks(path: Path) -> Iterator[Tensor]:
    """Decode a whole file in order, in pieces (channel, sample) at its own rate."""
    with opened(path) as file:
        decoder = RangeDecoder(file, path)
        edges = [*range(0, file.frames, BLOCK_SAMPLES), file.frames]
        for first, last in itertools.pairwise(edges):
            yield decoder.read(first, last)
