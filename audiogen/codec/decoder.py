"""Latent of one level -> waveform. Each level has a decoder of its own, up to the waveform."""

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor, nn

from audiogen.codec.convolution import (
    Convolution,
    StackSettings,
    UpsamplingGroup,
    from_rows,
    to_rows,
)


class Decoder(nn.Module):
    """Upsampling groups in a row: (batch, codebook_dim, frame) -> (batch, channel, sample).

    `groups` are stored in the order of execution, coarsest first. The arguments are those of
    Encoder: `num_downsamplings` and `strides` are given finest first here too.
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
        finest_first = list(zip(num_downsamplings, strides, strict=True))
        self.groups = nn.ModuleList(
            UpsamplingGroup(codebook_dim, codebook_dim, width, depth, num_steps, stride, **stack)
            for num_steps, stride in reversed(finest_first)
        )
        self.project = Convolution(codebook_dim, channels, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Map (batch, codebook_dim, frame) to (batch, channel, frame * hop_length)."""
        for group in self.groups:
            latent = group(latent)
        return from_rows(self.project(to_rows(latent)))
