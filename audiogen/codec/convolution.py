"""Dilated residual stacks, down- and upsampling: what encoder, decoder and conditioner are made of.

Source: Jukebox, VQ-VAE architecture. Groups take (batch, channel, sample); the layers inside them
take "rows", the same tensor as an image of height one, (batch, channel, 1, sample). On a CPU the
rows are stored channels-last: measured 2 to 3 times faster than one-dimensional convolutions.
Parameters keep the shapes of one-dimensional convolutions, (out, in, kernel).
"""

from typing import TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def to_rows(x: Tensor) -> Tensor:
    """View or copy `x` (batch, channel, sample) as rows (batch, channel, 1, sample)."""
    if x.device.type == "cpu" and x.stride(1) != 1:
        # A plain copy in the order batch, sample, channel. Asking for the channels-last format
        # would change nothing where there is one channel, and the next layer could not tell.
        x = x.transpose(1, 2).clone(memory_format=torch.contiguous_format).transpose(1, 2)
    return x.unsqueeze(2)


def from_rows(rows: Tensor) -> Tensor:
    """View rows (batch, channel, 1, sample) as (batch, channel, sample)."""
    return rows.squeeze(2)


class Convolution(nn.Conv1d):
    """A one-dimensional convolution over rows."""

    padding: tuple[int, ...]  # in numbers, never by name

    def forward(self, rows: Tensor) -> Tensor:
        """Convolve rows (batch, in, 1, sample) to (batch, out, 1, frame)."""
        return F.conv2d(
            rows,
            self.weight.unsqueeze(2),
            self.bias,
            stride=(1, self.stride[0]),
            padding=(0, self.padding[0]),
            dilation=(1, self.dilation[0]),
        )


class TransposedConvolution(nn.ConvTranspose1d):
    """A one-dimensional transposed convolution over rows."""

    padding: tuple[int, ...]

    def forward(self, rows: Tensor) -> Tensor:  # type: ignore[override]
        """Spread rows (batch, in, 1, frame) to (batch, out, 1, frame * stride)."""
        return F.conv_transpose2d(
            rows,
            self.weight.unsqueeze(2),
            self.bias,
            stride=(1, self.stride[0]),
            padding=(0, self.padding[0]),
        )


def downsampling(in_dim: int, out_dim: int, stride: int) -> Convolution:
    """Build the layer that makes floor(sample / stride) frames of its samples.

    The kernel spans two strides (one sample less where the stride is odd, so that lengths agree).
    """
    padding = stride // 2
    return Convolution(in_dim, out_dim, stride + 2 * padding, stride=stride, padding=padding)


def upsampling(in_dim: int, out_dim: int, stride: int) -> TransposedConvolution:
    """Build the layer that makes `stride` samples of each of its frames."""
    padding = stride // 2
    return TransposedConvolution(
        in_dim, out_dim, stride + 2 * padding, stride=stride, padding=padding
    )


def dilations(depth: int, growth: int, cycle: int | None, reverse: bool = False) -> list[int]:
    """List the dilation of each block: growth ** (block mod cycle), widest first if `reverse`."""
    ascending = [growth ** (block % cycle if cycle else block) for block in range(depth)]
    return ascending[::-1] if reverse else ascending


class ResidualBlock(nn.Module):
    """A dilated convolution and a mix of channels, added to what came in."""

    def __init__(
        self, width: int, hidden: int, dilation: int, scale: float, zero_init: bool
    ) -> None:
        super().__init__()
        self.scale = scale
        self.dilated = Convolution(width, hidden, 3, padding=dilation, dilation=dilation)
        self.mix = Convolution(hidden, width, 1)
        if zero_init:
            assert self.mix.bias is not None
            nn.init.zeros_(self.mix.weight)
            nn.init.zeros_(self.mix.bias)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (batch, width, 1, sample) to the same shape; without gradients, in place."""
        # In place wherever the old value is not needed again: each large activation that is not
        # allocated is one that is not page-faulted.
        hidden = self.dilated(F.relu(rows)).relu_()
        change = self.mix(hidden)
        if not torch.is_grad_enabled():
            return rows.add_(change, alpha=self.scale)
        if self.scale != 1.0:
            change = change.mul_(self.scale)
        return change.add_(rows)


class StackSettings(TypedDict, total=False):
    """The settings of a ResidualStack, for what is made of such stacks."""

    dilation_growth: int
    dilation_cycle: int | None
    reverse_dilation: bool
    residual_scale: float
    hidden_multiplier: float
    zero_init: bool
    checkpointing: bool


class ResidualStack(nn.Module):
    """Residual blocks whose dilation grows from block to block.

    Args:
        width: channels.
        depth: number of blocks.
        dilation_growth: factor from the dilation of one block to the next.
        dilation_cycle: after how many blocks the dilation starts at 1 again; None for never.
        reverse_dilation: widest dilation first.
        residual_scale: factor of what each block adds.
        hidden_multiplier: channels inside a block over `width`.
        zero_init: start as the identity.
        checkpointing: recompute blocks in the backward pass instead of keeping their activations.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        *,
        dilation_growth: int = 3,
        dilation_cycle: int | None = None,
        reverse_dilation: bool = False,
        residual_scale: float = 1.0,
        hidden_multiplier: float = 1.0,
        zero_init: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        hidden = int(width * hidden_multiplier)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, hidden, dilation, residual_scale, zero_init)
            for dilation in dilations(depth, dilation_growth, dilation_cycle, reverse_dilation)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (batch, width, 1, sample) to the same shape; without gradients, in place."""
        recompute = self.checkpointing and torch.is_grad_enabled()
        for block in self.blocks:
            rows = checkpoint(block, rows, use_reentrant=False) if recompute else block(rows)
        return rows


class DownsamplingGroup(nn.Module):
    """Steps of [downsampling, residual stack], then a convolution to `out_dim`.

    (batch, in_dim, sample) -> (batch, out_dim, floor(sample / stride ** num_steps)). Further
    keyword arguments are those of ResidualStack.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        width: int,
        depth: int,
        num_steps: int,
        stride: int = 2,
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            nn.Sequential(
                downsampling(width if step else in_dim, width, stride),
                ResidualStack(width, depth, **stack),
            )
            for step in range(num_steps)
        )
        self.project = Convolution(width if num_steps else in_dim, out_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_dim, sample) to (batch, out_dim, frame)."""
        rows = to_rows(x)
        for step in self.steps:
            rows = step(rows)
        return from_rows(self.project(rows))


class UpsamplingGroup(nn.Module):
    """A convolution to `width`, then steps of [residual stack, upsampling]; the last to `out_dim`.

    (batch, in_dim, frame) -> (batch, out_dim, frame * stride ** num_steps).

    Args:
        in_dim: channels that come in.
        out_dim: channels that go out.
        width: channels inside.
        depth: residual blocks in each step.
        num_steps: number of upsampling steps, one or more.
        stride: frames that each step makes of one.
        stack: further keyword arguments are those of ResidualStack: dilation_growth=3,
            dilation_cycle=None, reverse_dilation=False, residual_scale=1.0,
            hidden_multiplier=1.0, zero_init=False, checkpointing=False.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        width: int,
        depth: int,
        num_steps: int,
        stride: int = 2,
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        self.project = Convolution(in_dim, width, 3, padding=1)
        self.steps = nn.ModuleList(
            nn.Sequential(
                ResidualStack(width, depth, **stack),
                upsampling(width, out_dim if step == num_steps - 1 else width, stride),
            )
            for step in range(num_steps)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_dim, frame) to (batch, out_dim, frame * stride ** num_steps)."""
        rows = self.project(to_rows(x))
        for step in self.steps:
            rows = step(rows)
        return from_rows(rows)
