"""Codes of the level above -> an embedding a frame: what an upsampler has to fill in."""

import math

from einops import rearrange
from pydantic import PositiveInt
from torch import Tensor, nn

from audiogen.codec.convolution import UpsamplingGroup
from audiogen.config import Settings


class UpperCodeConfig(Settings):
    """How an upsampler reads the codes of the level above."""

    codebook_size: PositiveInt = 2048
    """Of the level above."""

    width: PositiveInt = 1024
    """Channels of the residual convolutions."""

    depth: PositiveInt = 16
    """Residual blocks before each upsampling step."""

    num_steps: PositiveInt = 2
    """Upsampling steps; the two levels' hops differ by stride ** num_steps."""

    stride: PositiveInt = 2
    """Factor of each step."""

    dilation_growth: PositiveInt = 3
    """Factor from one residual block's dilation to the next."""

    dilation_cycle: PositiveInt | None = 8
    """Blocks after which the dilation begins again at 1; null: never."""

    scale_residuals: bool = False
    """Divide every residual by the square root of the depth (the original: its middle level)."""

    @property
    def ratio(self) -> int:
        """Frames of this level to one frame of the level above."""
        return self.stride**self.num_steps


class UpperCodeEmbedding(nn.Module):
    """Embeds upper codes and spreads them over the finer frames by dilated convolutions.

    Args:
        config: its sizes.
        dim: width of the prior.
        init_scale: the prior's; code embeddings begin as normal numbers of 0.02 times it.
        checkpointing: recompute residual blocks in the backward pass; saves memory, costs time.
    """

    def __init__(
        self, config: UpperCodeConfig, dim: int, init_scale: float, checkpointing: bool = False
    ):
        super().__init__()
        self.code_embedding = nn.Embedding(config.codebook_size, dim)
        nn.init.normal_(self.code_embedding.weight, std=0.02 * init_scale)
        self.upsampling = UpsamplingGroup(
            in_dim=dim,
            out_dim=dim,
            width=config.width,
            depth=config.depth,
            num_steps=config.num_steps,
            stride=config.stride,
            dilation_growth=config.dilation_growth,
            dilation_cycle=config.dilation_cycle,
            reverse_dilation=False,
            residual_scale=1 / math.sqrt(config.depth) if config.scale_residuals else 1.0,
            checkpointing=checkpointing,
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, upper_codes: Tensor) -> Tensor:
        """Embed `upper_codes` (batch, upper_frame) int64 as (batch, upper_frame * ratio, dim)."""
        x = rearrange(self.code_embedding(upper_codes), "batch frame dim -> batch dim frame")
        return self.norm(rearrange(self.upsampling(x), "batch dim frame -> batch frame dim"))
