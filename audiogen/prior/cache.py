"""The keys and values that layers remember while codes are drawn.

A cache is allocated once for a batch, holds what its layer's pattern can still see and no more,
and lies in memory so that a step reads one contiguous piece an item and head. Positions are
Python numbers: nothing waits for the device.
"""

import copy
from collections.abc import Sequence

from torch import Tensor

from audiogen.prior.patterns import Grid, Pattern


class LayerCache:
    """Keys and values of one layer, for a pattern that sees the last positions of a sequence.

    `entries` is (key or value, batch, head, slot..., head_dim). This class remembers the first
    `capacity` positions, as dense and prefix layers need.
    """

    def __init__(self, shape: Sequence[int], slots: Sequence[int], like: Tensor):
        batch, num_heads, head_dim = shape
        # Slots that were never written are never read; zeros keep them finite all the same.
        self.entries = like.new_zeros(2, batch, num_heads, *slots, head_dim)
        self.capacity = slots[0]

    def store(self, position: int, entry: Tensor) -> None:
        """Remember `entry` (2, batch, head, head_dim), the key and value of one position."""
        if position < self.capacity:
            self.entries.select(3, position).copy_(entry)

    def visible(self, position: int) -> Tensor | None:
        """Return what a query sees, (2, batch, head, slot, head_dim), or None for nothing."""
        return self.entries.narrow(3, 0, min(position + 1, self.capacity))

    def fill(self, entries: Tensor) -> None:
        """Remember a window's first positions, (2, batch, head, position, head_dim), at once."""
        num = min(entries.shape[3], self.capacity)
        self.entries[:, :, :, :num] = entries[:, :, :, :num]

    def window(self, item: int) -> "LayerCache":
        """Return one window's part, which shares its memory with the whole."""
        part = copy.copy(self)
        part.entries = self.entries[:, item : item + 1]
        return part


class RowCache(LayerCache):
    """The entries of the row that is being written."""

    def store(self, position: int, entry: Tensor) -> None:
        """Remember `entry` in the place of its row and column."""
        self.entries.select(3, position % self.capacity).copy_(entry)

    def visible(self, position: int) -> Tensor:
        """Return the row up to `position`."""
        return self.entries.narrow(3, 0, position % self.capacity + 1)

    def fill(self, entries: Tensor) -> None:
        """Remember what later positions can see of `entries`."""
        num = entries.shape[3]
        begin = (num - 1) // self.capacity * self.capacity
        self.entries[:, :, :, : num - begin] = entries[:, :, :, begin:]


class ColumnCache(LayerCache):
    """All entries, (..., column, row, head_dim): a step reads one column, which is contiguous."""

    def store(self, position: int, entry: Tensor) -> None:
        """Remember `entry` in the place of its row and column."""
        row, column = divmod(position, self.capacity)
        self.entries.select(3, column).select(3, row).copy_(entry)

    def visible(self, position: int) -> Tensor:
        """Return the column down to `position`."""
        row, column = divmod(position, self.capacity)
        return self.entries.select(3, column).narrow(3, 0, row + 1)

    def fill(self, entries: Tensor) -> None:
        """Remember what later positions can see of `entries`."""
        rows, rest = divmod(entries.shape[3], self.capacity)
        whole = entries[:, :, :, : rows * self.capacity]
        if rows:
            whole = whole.unflatten(3, (rows, self.capacity))
            self.entries[:, :, :, :, :rows] = whole.transpose(3, 4)
        if rest:
            self.entries[:, :, :, :rest, rows] = entries[:, :, :, -rest:]


class PreviousRowCache(LayerCache):
    """The entries of two rows, by turns: the one being written, and the one before it."""

    def __init__(self, shape: Sequence[int], slots: Sequence[int], like: Tensor):
        super().__init__(shape, slots, like)
        self.row_length = slots[1]

    def store(self, position: int, entry: Tensor) -> None:
        """Remember `entry` in the place of its row and column."""
        row, column = divmod(position, self.row_length)
        self.entries.select(3, row % 2).select(3, column).copy_(entry)

    def visible(self, position: int) -> Tensor | None:
        """Return the row before that of `position`, or None in the first row."""
        row = position // self.row_length
        return self.entries.select(3, (row - 1) % 2) if row else None

    def fill(self, entries: Tensor) -> None:
        """Remember what later positions can see of `entries`."""
        num = entries.shape[3]
        last = (num - 1) // self.row_length
        for row in range(max(last - 1, 0), last + 1):
            piece = entries[:, :, :, row * self.row_length : (row + 1) * self.row_length]
            self.entries[:, :, :, row % 2, : piece.shape[3]] = piece


class Cache:
    """What a whole transformer remembers of a batch of windows.

    `position` counts the positions read so far, lyric prefix included. Attributes are read by
    the prior alone; a sampler allocates one with `Prior.new_cache` and calls `reset` between
    windows.
    """

    def __init__(self, layers: Sequence[LayerCache], batch: int):
        self.layers = tuple(layers)
        self.batch = batch
        self.position = 0

    def reset(self) -> None:
        """Forget everything, for the next window."""
        self.position = 0

    def window(self, item: int) -> "Cache":
        """Return one window's part, which shares its memory with the whole."""
        return Cache([layer.window(item) for layer in self.layers], batch=1)

    @property
    def num_bytes(self) -> int:
        """Memory that the entries take."""
        return sum(layer.entries.nbytes for layer in self.layers)


def new_layer_cache(
    pattern: Pattern,
    grid: Grid,
    batch: int,
    num_heads: int,
    head_dim: int,
    like: Tensor,
    num_memory: int = 0,
) -> LayerCache:
    """Allocate the cache of one layer, on the device and in the type of `like`.

    Args:
        num_memory: states that a cross layer attends to.
    """
    shape = (batch, num_heads, head_dim)
    if pattern == "row":
        return RowCache(shape, (grid.row_length,), like)
    if pattern == "column":
        return ColumnCache(shape, (grid.row_length, grid.num_rows), like)
    if pattern == "previous_row":
        return PreviousRowCache(shape, (2, grid.row_length), like)
    sizes = {"dense": grid.length, "prefix": grid.prefix_length, "cross": num_memory}
    return LayerCache(shape, (sizes[pattern],), like)
