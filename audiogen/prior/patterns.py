"""Which earlier positions a layer sees, and which layer has which pattern.

A sequence is a grid of `num_rows` rows, read row by row. Dense layers see everything before them;
row, column and previous-row layers together reach it in three steps at a fraction of the cost
(Child et al. 2019; Dhariwal et al. 2020, section 4). Cross layers see the lyrics' states, prefix
layers the beginning of a sequence that opens with the lyrics. Arithmetic only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Pattern = Literal["dense", "row", "column", "previous_row", "cross", "prefix"]

FACTORIZED: tuple[Pattern, ...] = ("row", "column", "previous_row")
"""One round of the grid: after these three layers a position has seen all before it."""

NamedOrder = Literal[
    "dense",
    "row_column",
    "row_column_previous",
    "row_column_previous_then_cross",
    "five_rounds_then_cross",
    "three_rounds_then_cross",
    "row_column_previous_then_dense",
    "row_column_previous_with_late_cross",
    "row_column_previous_with_rare_cross",
    "row_column_previous_with_rare_prefix",
]
"""Orders of layers that released models and presets use; a round is row, column, previous row."""


@dataclass(frozen=True)
class Grid:
    """A sequence of positions as rows and columns.

    Args:
        length: positions of the whole sequence.
        num_rows: rows; divides the length where `row_length` is asked for.
        num_prefix: lyric tokens that the sequence opens with.
    """

    length: int
    num_rows: int
    num_prefix: int = 0

    @property
    def row_length(self) -> int:
        """Positions of a row."""
        if self.length % self.num_rows:
            raise ValueError(f"{self.length} positions do not make {self.num_rows} equal rows")
        return self.length // self.num_rows

    @property
    def prefix_length(self) -> int:
        """Positions that a prefix layer reads: the lyrics and up to `num_rows` codes after them.

        Released models need exactly this rounding, although it counts rows, not row lengths.
        """
        return min((self.num_prefix // self.num_rows + 1) * self.num_rows, self.length)


def layer_patterns(layers: NamedOrder | Sequence[Pattern], num_layers: int) -> tuple[Pattern, ...]:
    """Return the pattern of every layer: by a named order, or a list that repeats."""
    if isinstance(layers, str):
        return tuple(map(_ORDERS[layers], range(num_layers)))
    return tuple(map(_repeating(*layers), range(num_layers)))


def needs_rows(pattern: Pattern) -> bool:
    """Say whether a pattern looks at the rows of the grid."""
    return pattern in FACTORIZED


def _repeating(*patterns: Pattern) -> Callable[[int], Pattern]:
    return lambda layer: patterns[layer % len(patterns)]


def _late_cross(layer: int) -> Pattern:
    """Three rounds without lyrics; from then on every tenth layer is a cross layer."""
    if layer < 9:
        return FACTORIZED[layer % 3]
    place = (layer - 9) % 10
    return "cross" if place == 9 else FACTORIZED[place % 3]


def _every_sixteenth(*special: Pattern) -> Callable[[int], Pattern]:
    """Rounds in which every sixteenth layer is replaced by one of `special`, by its number."""

    def pattern(layer: int) -> Pattern:
        kinds = special if layer % 16 == 15 else FACTORIZED
        return kinds[layer % 3]

    return pattern


# Beside each: its number in the original's table. Numbers 3 to 5 (summaries) were never used.
_ORDERS: dict[str, Callable[[int], Pattern]] = {
    "dense": _repeating("dense"),  # 0
    "row_column": _repeating("row", "column"),  # 1
    "row_column_previous": _repeating(*FACTORIZED),  # 2
    "row_column_previous_then_cross": _repeating(*FACTORIZED, "cross"),  # 6
    "five_rounds_then_cross": _repeating(*FACTORIZED * 5, "cross"),  # 7
    "three_rounds_then_cross": _repeating(*FACTORIZED * 3, "cross"),  # 8
    "row_column_previous_then_dense": _repeating(*FACTORIZED, "dense"),  # 9
    "row_column_previous_with_late_cross": _late_cross,  # 10
    "row_column_previous_with_rare_cross": _every_sixteenth("cross", "cross", "dense"),  # 11
    "row_column_previous_with_rare_prefix": _every_sixteenth("prefix", "prefix", "dense"),  # 12
}
assert set(_ORDERS) == set(get_args(NamedOrder))
