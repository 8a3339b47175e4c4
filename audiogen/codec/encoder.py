"""Waveform -> latent of one level. Each level has an encoder of its own, from the waveform."""

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor, nn

from audiogen.codec.convolution import DownsamplingGroup, StackSettings


class Encoder(nn.Module):
    """Downsampling groups in a row: (batch, channel, sample) -> (batch, codebook_dim, frame).

    Args:
        channels: audio channels.
        codebook_dim: channels of the latent, also between groups.
        width: channels inside a group.
        depth: residual blocks after each downsampling.
        num_downsamplings: steps of each group, finest first; level L has L + 1 groups.
        strides: stride of each group's steps.
        stack: further settings of ResidualStack.
    """

    def __init__(
        self,
        channels: int,
        codebook_dim: int,
        width: int,
        depth: int,
        num_downsamplings: Sequence[int],
        strides: Sequence[int],
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        self.groups = nn.ModuleList(
            DownsamplingGroup(
                codebook_dim if group else channels,
                codebook_dim,
                width,
                depth,
                num_steps,
                stride,
                **stack,
            )
            for group, (num_steps, stride) in enumerate(
                zip(num_downsamplings, strides, strict=True)
            )
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Map (batch, channel, sample) to (batch, codebook_dim, floor(sample / hop_length))."""
        latent = waveform
        for group in self.groups:
            latent = group(latent)
        return latent
