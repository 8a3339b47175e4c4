import pytest
import torch

from audiogen.prior.cache import new_layer_cache
from audiogen.prior.patterns import Grid

GRID = Grid(length=12, num_rows=3, num_prefix=2)


def entry(position):
    return torch.full((2, 1, 1, 1), float(position))


@pytest.mark.parametrize(
    ("pattern", "position", "expected"),
    [
        ("dense", 3, [0, 1, 2, 3]),
        ("row", 6, [4, 5, 6]),
        ("row", 8, [8]),
        ("column", 9, [1, 5, 9]),
        ("previous_row", 2, None),
        ("previous_row", 7, [0, 1, 2, 3]),
        ("previous_row", 8, [4, 5, 6, 7]),
        ("prefix", 1, [0, 1]),
        ("prefix", 11, [0, 1, 2]),
    ],
)
def test_stored_and_filled_entries_are_seen_alike(pattern, position, expected):
    stored, filled = (new_layer_cache(pattern, GRID, 1, 1, 1, torch.empty(0)) for _ in range(2))
    entries = [entry(number) for number in range(position + 1)]
    for number, one in enumerate(entries):
        stored.store(number, one)
    filled.fill(torch.stack(entries, dim=3))
    for cache in (stored, filled):
        seen = cache.visible(position)
        assert (None if seen is None else seen[0].flatten().tolist()) == expected


def test_entries_take_the_type_of_the_example():
    cache = new_layer_cache("row", GRID, 1, 1, 1, torch.empty(0, dtype=torch.bfloat16))
    assert cache.entries.dtype == torch.bfloat16
