"""Attention of one layer: the whole sequence at once in training, one position while drawing.

No pattern needs a mask tensor: rows and columns become sequences of their own, and the previous
row is wholly visible.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from audiogen.prior.cache import LayerCache, new_layer_cache
from audiogen.prior.kernels import fused_attention, row_product
from audiogen.prior.patterns import Grid, Pattern

_SPLIT = "batch position (part head head_dim) -> part batch head position head_dim"
_GRID = "batch head (row column) head_dim"
_ROWS = "(batch row) head column head_dim"
_COLUMNS = "(batch column) head row head_dim"
_MERGE = "batch head position head_dim -> batch position (head head_dim)"


def attend(query: Tensor, key: Tensor, value: Tensor, pattern: Pattern, grid: Grid) -> Tensor:
    """Attend over the first positions of a sequence; all are (batch, head, position, head_dim).

    Sequences may be shorter than the grid; what would come later changes nothing before it.
    """
    if pattern == "dense":
        return fused_attention(query, key, value, is_causal=True)
    if pattern == "prefix":
        return _attend_prefix(query, key, value, grid.prefix_length)
    num, length = query.shape[2], grid.row_length
    missing = -num % length
    query, key, value = (F.pad(part, (0, 0, 0, missing)) for part in (query, key, value))
    by_pattern = {"row": _attend_row, "column": _attend_column, "previous_row": _attend_previous}
    return by_pattern[pattern](query, key, value, length)[:, :, :num]


def _attend_prefix(query: Tensor, key: Tensor, value: Tensor, length: int) -> Tensor:
    key, value = key[:, :, :length], value[:, :, :length]
    inside = fused_attention(query[:, :, :length], key, value, is_causal=True)
    if query.shape[2] <= length:
        return inside
    return torch.cat([inside, fused_attention(query[:, :, length:], key, value)], dim=2)


def _attend_row(query: Tensor, key: Tensor, value: Tensor, length: int) -> Tensor:
    return _attend_within(_ROWS, query, key, value, length, is_causal=True)


def _attend_column(query: Tensor, key: Tensor, value: Tensor, length: int) -> Tensor:
    return _attend_within(_COLUMNS, query, key, value, length, is_causal=True)


def _attend_previous(query: Tensor, key: Tensor, value: Tensor, length: int) -> Tensor:
    # The first row sees a row of zeros instead of nothing, so its attention gives zeros.
    key, value = (F.pad(part[:, :, :-length], (0, 0, length, 0)) for part in (key, value))
    return _attend_within(_ROWS, query, key, value, length, is_causal=False)


def _attend_within(
    groups: str, query: Tensor, key: Tensor, value: Tensor, length: int, *, is_causal: bool
) -> Tensor:
    """Attend inside each of `groups`, as if it were a sequence of its own."""
    batch, split = len(query), f"{_GRID} -> {groups}"
    query, key, value = (rearrange(part, split, column=length) for part in (query, key, value))
    out = fused_attention(query, key, value, is_causal=is_causal)
    return rearrange(out, f"{groups} -> {_GRID}", batch=batch)


class Attention(nn.Module):
    """Self-attention of one pattern.

    `projection` gives query, key and value, in this order.

    Args:
        dim: width of input and output.
        attention_dim: width of queries, keys and values, over all heads.
        num_heads: divides `attention_dim`; a head's numbers lie together.
        pattern: what a position sees.
        grid: the rows that patterns refer to.
    """

    num_parts = 3

    def __init__(self, dim: int, attention_dim: int, num_heads: int, pattern: Pattern, grid: Grid):
        super().__init__()
        self.pattern, self.grid = pattern, grid
        self.num_heads, self.head_dim = num_heads, attention_dim // num_heads
        self.projection = nn.Linear(dim, self.num_parts * attention_dim)
        self.output = nn.Linear(attention_dim, dim)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, cache: LayerCache | None = None
    ) -> Tensor:
        """Attend within `x` (batch, position, dim), which begins the sequence; fill the cache."""
        parts = rearrange(self.projection(x), _SPLIT, part=3, head=self.num_heads)
        if cache is not None:
            cache.fill(parts[1:])
        query, key, value = parts.unbind()
        out = attend(query, key, value, self.pattern, self.grid)
        return self.output(rearrange(out, _MERGE))

    def step(self, x: Tensor, cache: LayerCache, position: int) -> Tensor:
        """Attend from `x` (batch, dim) at `position` to what the cache holds and `x` itself."""
        parts = row_product(x, self.projection.weight, self.projection.bias)
        parts = parts.view(len(x), 3, self.num_heads, self.head_dim).transpose(0, 1)
        cache.store(position, parts[1:])
        out = attend_to_cache(parts[0], cache.visible(position))
        return row_product(out, self.output.weight, self.output.bias)

    def new_cache(self, batch: int, like: Tensor, num_memory: int = 0) -> LayerCache:
        """Allocate what this layer remembers of `batch` windows, in the type of `like`."""
        shape = (batch, self.num_heads, self.head_dim)
        return new_layer_cache(self.pattern, self.grid, *shape, like, num_memory)

    def probabilities(self, x: Tensor, memory: Tensor | None, head: int) -> Tensor:
        """Return how much each position sees of the others, float32 (batch, position, position).

        Only for dense and prefix layers; a prefix layer's last axis ends with the prefix.
        """
        if self.pattern not in ("dense", "prefix"):
            raise ValueError(f"a {self.pattern} layer sees no lyrics; choose a prefix layer")
        parts = rearrange(self.projection(x), _SPLIT, part=3, head=self.num_heads)
        query, key = parts[:2, :, head].float()
        if self.pattern == "prefix":
            key = key[:, : self.grid.prefix_length]
        scores = query @ key.transpose(1, 2) * self.head_dim**-0.5
        return scores.masked_fill(_later(scores), -torch.inf).softmax(dim=-1)


class CrossAttention(Attention):
    """Attention to the lyrics' states, all of them visible from every position.

    `projection` gives the query, `memory_projection` key and value, in this order.
    """

    num_parts = 1

    def __init__(self, dim: int, attention_dim: int, num_heads: int, pattern: Pattern, grid: Grid):
        super().__init__(dim, attention_dim, num_heads, pattern, grid)
        self.memory_projection = nn.Linear(dim, 2 * attention_dim)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, cache: LayerCache | None = None
    ) -> Tensor:
        """Attend from `x` (batch, position, dim) to `memory` (batch, token, dim)."""
        query = rearrange(self.projection(x), _SPLIT, part=1, head=self.num_heads)[0]
        entries = rearrange(self.memory_projection(memory), _SPLIT, part=2, head=self.num_heads)
        if cache is not None:
            cache.fill(entries)
        return self.output(rearrange(fused_attention(query, *entries), _MERGE))

    def step(self, x: Tensor, cache: LayerCache, position: int) -> Tensor:
        """Attend from `x` (batch, dim) to the states that the cache was filled with."""
        query = row_product(x, self.projection.weight, self.projection.bias)
        query = query.view(len(x), self.num_heads, self.head_dim)
        out = attend_to_cache(query, cache.entries)
        return row_product(out, self.output.weight, self.output.bias)

    def probabilities(self, x: Tensor, memory: Tensor | None, head: int) -> Tensor:
        """Return how much each position sees of the states, float32 (batch, position, token)."""
        query = rearrange(self.projection(x), _SPLIT, part=1, head=self.num_heads)[0]
        entries = rearrange(self.memory_projection(memory), _SPLIT, part=2, head=self.num_heads)
        scores = query[:, head].float() @ entries[0, :, head].float().transpose(1, 2)
        return (scores * self.head_dim**-0.5).softmax(dim=-1)


def attend_to_cache(query: Tensor, entries: Tensor | None) -> Tensor:
    """Attend from one position (batch, head, head_dim) to keys and values; (batch, dim).

    Args:
        entries: (2, batch, head, slot, head_dim), or None where nothing is visible.
    """
    if entries is None:
        return query.new_zeros(len(query), query.shape[1] * query.shape[2])
    key, value = entries.unbind()
    return fused_attention(query.unsqueeze(2), key, value).flatten(1)


def _later(scores: Tensor) -> Tensor:
    """Return which keys lie after their query, (position, key) bool."""
    queries = torch.arange(scores.shape[-2], device=scores.device).unsqueeze(-1)
    return torch.arange(scores.shape[-1], device=scores.device) > queries
