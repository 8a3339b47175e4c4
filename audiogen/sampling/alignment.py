"""When each character of the lyrics is sung, as far as the model's attention tells.

Some heads of a lyric model look at the letters that they sing. Which ones is found per song: a
head that follows the text has a path through (frame, character) that only moves forward and
holds much of its attention. The same search with time reversed tells how much of that any
attention would hold, so the difference is the head's score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

TRUSTED_SCORE = 0.15
"""Share of the attention on the path, beyond that of a backward path, that counts as alignment."""

NEIGHBORS = 2
"""Characters on each side of the path whose attention counts as on the path."""

MIN_COVERED = 0.3
"""Share of the lyrics due in the song that a trusted path must pass."""


@dataclass(frozen=True)
class Alignment:
    """When the characters of the lyrics begin."""

    starts: np.ndarray  # (character,) float64 seconds, never falling
    end: float  # seconds; where the last character ends
    method: str  # "attention" | "linear"
    score: float | None = None  # of the best head, trusted or not
    layer: int | None = None
    head: int | None = None

    def to_json(self, lyrics: str) -> dict[str, object]:
        """Describe the alignment with the time of every character, in seconds."""
        return {
            "method": self.method,
            "layer": self.layer,
            "head": self.head,
            "score": None if self.score is None else round(self.score, 4),
            "trusted_score": TRUSTED_SCORE,
            "characters": list(lyrics),
            "starts": [round(float(start), 3) for start in self.starts],
            "end": round(self.end, 3),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        starts = np.asarray(values["starts"], dtype=np.float64)
        score, layer, head = values["score"], values["layer"], values["head"]
        return cls(starts, values["end"], values["method"], score, layer, head)


@dataclass(frozen=True)
class WordTime:
    """One word of the lyrics and when it is sung, in seconds."""

    text: str
    start: float
    end: float


def linear_alignment(num_characters: int, total_seconds: float) -> Alignment:
    """Spread the characters evenly over the whole song."""
    starts = np.arange(num_characters) * (total_seconds / max(num_characters, 1))
    return Alignment(starts, total_seconds, "linear")


def align(
    heads: Mapping[tuple[int, int], np.ndarray],
    scores: Mapping[tuple[int, int], float],
    column_seconds: float,
    total_seconds: float,
) -> Alignment:
    """Read the times from the head that follows the text best.

    Args:
        heads: (layer, head) -> attention (column, character) of the song as far as it was made;
            a row sums to 1 or less.
        scores: (layer, head) -> how well it follows the text, as `diagonal_score` says.
        column_seconds: Length of a column.
        total_seconds: Length of the song that it is part of.

    Returns:
        The times of the best head; evenly spread times where no head is to be trusted.
    """
    layer, head = best = max(scores, key=lambda key: scores[key])
    columns, num_characters = heads[best].shape
    path = forward_path(heads[best])
    due = num_characters * min(columns * column_seconds / total_seconds, 1.0)
    covered = (path[-1] - path[0]) / max(due, 1)
    if scores[best] < TRUSTED_SCORE or covered < MIN_COVERED:
        linear = linear_alignment(num_characters, total_seconds)
        return replace(linear, score=scores[best], layer=layer, head=head)
    starts = _times_on_path(path, num_characters, column_seconds, total_seconds)
    return Alignment(starts, total_seconds, "attention", scores[best], layer, head)


def diagonal_score(attention: np.ndarray) -> float:
    """Score in [-1, 1] how far `attention` (column, character) moves forward through the text."""
    if attention.shape[1] == 0:
        return 0.0
    return _held(attention) - _held(attention[::-1])


def forward_path(attention: np.ndarray) -> np.ndarray:
    """Find the path that never goes back and holds the most attention near it.

    Args:
        attention: (column, character).

    Returns:
        (column,) the character of each column.
    """
    near = _with_neighbors(attention)
    columns, characters = near.shape
    best, came_from = near[0], np.zeros((columns, characters), dtype=np.int64)
    for column in range(1, columns):
        # The best place at or before each character in the column before.
        reached = np.maximum.accumulate(best)
        came_from[column] = _last_rise(best, reached)
        best = reached + near[column]
    path = np.zeros(columns, dtype=np.int64)
    path[-1] = best.argmax()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return path


def word_times(lyrics: str, alignment: Alignment) -> list[list[WordTime]]:
    """List the words of each line with their times."""
    bounds = np.append(alignment.starts, alignment.end)
    lines: list[list[WordTime]] = []
    first = 0
    for line in lyrics.split("\n"):
        lines.append(_words_of(line, first, bounds))
        first += len(line) + 1
    return lines


def lrc(lines: list[list[WordTime]]) -> str:
    """Write the time of every line in the LRC format: [mm:ss.hundredths]line."""
    timed = [(line[0].start, " ".join(word.text for word in line)) for line in lines if line]
    return "".join(f"[{_lrc_clock(start)}]{text}\n" for start, text in timed)


def _held(attention: np.ndarray) -> float:
    path = forward_path(attention)
    return float(_with_neighbors(attention)[np.arange(len(path)), path].mean())


def _with_neighbors(attention: np.ndarray) -> np.ndarray:
    padded = np.pad(attention, ((0, 0), (NEIGHBORS, NEIGHBORS)))
    width = attention.shape[1]
    shifted = (padded[:, shift : shift + width] for shift in range(2 * NEIGHBORS + 1))
    return sum(shifted, start=np.zeros_like(attention))


def _last_rise(best: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """For each character, the place at or before it where `reached` got its value."""
    places = np.arange(len(best))
    return np.maximum.accumulate(np.where(best == reached, places, 0))


def _times_on_path(
    path: np.ndarray, num_characters: int, column_seconds: float, total_seconds: float
) -> np.ndarray:
    """Turn a path into the start of every character; beyond its ends time runs evenly."""
    characters, first_column = np.unique(path, return_index=True)
    known_characters = np.append(characters, num_characters)
    known_times = np.append(first_column * column_seconds, total_seconds)
    if path[0] > 0:
        known_characters = np.insert(known_characters, 0, 0)
        known_times = np.insert(known_times, 0, 0.0)
    # The last column may reach a little beyond the song.
    known_times = np.minimum(known_times, total_seconds)
    return np.interp(np.arange(num_characters), known_characters, known_times)


def _words_of(line: str, first: int, bounds: np.ndarray) -> list[WordTime]:
    words, place = [], first
    for text in line.split(" "):
        if text.strip():
            start, end = bounds[place], bounds[min(place + len(text), len(bounds) - 1)]
            words.append(WordTime(text.strip(), round(float(start), 3), round(float(end), 3)))
        place += len(text) + 1
    return words


def _lrc_clock(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
