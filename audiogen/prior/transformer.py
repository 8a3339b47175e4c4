"""Blocks of attention and feed-forward layers, and the stack of them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from audiogen.prior.attention import Attention, CrossAttention
from audiogen.prior.cache import Cache, LayerCache
from audiogen.prior.kernels import row_product
from audiogen.prior.patterns import Grid, Pattern

Activation = Literal["quick_gelu", "gelu", "relu"]


def quick_gelu(x: Tensor) -> Tensor:
    """Return x · sigmoid(1.702 x), the cheap GELU of the original (not the tanh one)."""
    return F.silu(x * 1.702) / 1.702


_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "quick_gelu": quick_gelu,
    "gelu": F.gelu,
    "relu": F.relu,
}


class FeedForward(nn.Module):
    """Two linear layers with an activation between them, one position at a time."""

    def __init__(self, dim: int, hidden_dim: int, activation: Activation):
        super().__init__()
        self.input = nn.Linear(dim, hidden_dim)
        self.activation = _ACTIVATIONS[activation]
        self.output = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, position, dim) to the same shape."""
        return self.output(self.activation(self.input(x)))

    def step(self, x: Tensor) -> Tensor:
        """Map (batch, dim) to the same shape, every row on its own."""
        hidden = self.activation(row_product(x, self.input.weight, self.input.bias))
        return row_product(hidden, self.output.weight, self.output.bias)


class Block(nn.Module):
    """Attention, then a feed-forward layer, each normalized before and added after.

    Args:
        residual_scale: factor of what is added (the original: 1, or 1 / number of layers).
        init_scale: weights begin as normal numbers of 0.02 times it. Cross layers begin with
            zeros in their output projections, so that they change nothing at first.
    """

    def __init__(
        self,
        dim: int,
        attention_dim: int,
        feed_forward_dim: int,
        num_heads: int,
        pattern: Pattern,
        grid: Grid,
        *,
        activation: Activation = "quick_gelu",
        residual_scale: float = 1.0,
        init_scale: float = 1.0,
    ):
        super().__init__()
        kind = CrossAttention if pattern == "cross" else Attention
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = kind(dim, attention_dim, num_heads, pattern, grid)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, feed_forward_dim, activation)
        self.residual_scale = residual_scale
        self._initialize(init_scale, zero_outputs=pattern == "cross")

    def _initialize(self, init_scale: float, zero_outputs: bool) -> None:
        for layer in (module for module in self.modules() if isinstance(module, nn.Linear)):
            nn.init.normal_(layer.weight, std=0.02 * init_scale)
            nn.init.zeros_(layer.bias)
        if zero_outputs:
            nn.init.zeros_(self.attention.output.weight)
            nn.init.zeros_(self.feed_forward.output.weight)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, cache: LayerCache | None = None
    ) -> Tensor:
        """Map (batch, position, dim) to the same shape; fill the cache, if there is one."""
        attended = self.attention(self.attention_norm(x), memory, cache)
        middle = x + attended
        fed = self.feed_forward(self.feed_forward_norm(middle))
        return self._joined(x, attended, middle, fed)

    def step(self, x: Tensor, cache: LayerCache, position: int) -> Tensor:
        """Map (batch, dim) at one position to the same shape."""
        attended = self.attention.step(self.attention_norm(x), cache, position)
        middle = x + attended
        fed = self.feed_forward.step(self.feed_forward_norm(middle))
        return self._joined(x, attended, middle, fed)

    def _joined(self, x: Tensor, attended: Tensor, middle: Tensor, fed: Tensor) -> Tensor:
        if self.residual_scale == 1.0:
            return middle + fed
        return x + (attended + fed) * self.residual_scale


class Transformer(nn.Module):
    """A stack of blocks, each with its own pattern.

    Args:
        dim: width of input and output.
        patterns: what each layer sees, first layer first.
        num_heads: divides the attention's width.
        grid: the rows that patterns refer to.
        attention_multiplier: width of queries, keys and values, as a share of `dim`.
        feed_forward_multiplier: width inside the feed-forward layers, as a share of `dim`.
        residual_scale: divide what each block adds by the number of layers.
        checkpointing: compute activations again in the backward pass instead of keeping them.
    """

    def __init__(
        self,
        dim: int,
        patterns: Sequence[Pattern],
        num_heads: int,
        grid: Grid,
        *,
        attention_multiplier: float = 0.25,
        feed_forward_multiplier: float = 1.0,
        activation: Activation = "quick_gelu",
        residual_scale: bool = False,
        init_scale: float = 1.0,
        checkpointing: bool = False,
    ):
        super().__init__()
        widths = (int(dim * attention_multiplier), int(dim * feed_forward_multiplier))
        scale = 1 / len(patterns) if residual_scale else 1.0
        block = partial(Block, activation=activation, residual_scale=scale, init_scale=init_scale)
        self.layers = nn.ModuleList(
            block(dim, *widths, num_heads, pattern, grid) for pattern in patterns
        )
        self.checkpointing = checkpointing

    @property
    def blocks(self) -> list[Block]:
        """The layers, with the type that a ModuleList hides."""
        return cast(list[Block], list(self.layers))

    def forward(
        self, x: Tensor, memory: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Map a sequence's beginning (batch, position, dim) to the same shape.

        Args:
            x: positions from the first on, as many as there are.
            memory: (batch, token, dim) states for cross layers.
            cache: filled with what later steps will need.
        """
        for number, layer in enumerate(self.layers):
            if self.checkpointing and self.training and torch.is_grad_enabled():
                x = checkpoint(layer, x, memory, use_reentrant=False)
            else:
                x = layer(x, memory, cache.layers[number] if cache else None)
        if cache is not None:
            cache.position = x.shape[1]
        return x

    def step(self, x: Tensor, cache: Cache) -> Tensor:
        """Map the next position (batch, dim) to the same shape."""
        for layer, layer_cache in zip(self.blocks, cache.layers, strict=True):
            x = layer.step(x, layer_cache, cache.position)
        cache.position += 1
        return x

    def new_cache(self, batch: int, like: Tensor, num_memory: int = 0) -> Cache:
        """Allocate what all layers remember of `batch` windows.

        Args:
            batch: windows that are drawn together.
            like: a tensor on the device, and of the type, that entries should have.
            num_memory: states that cross layers attend to.
        """
        caches = [layer.attention.new_cache(batch, like, num_memory) for layer in self.blocks]
        return Cache(caches, batch)
