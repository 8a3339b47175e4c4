"""Settings of the codec; the defaults are the shape of the released Jukebox codec."""

from itertools import accumulate
from operator import mul

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from audiogen.codec.losses import CodecLossConfig
from audiogen.config import Settings


class CodecConfig(Settings):
    """The waveform codec: one autoencoder a level. Level 0 is the finest."""

    sample_rate: PositiveInt = 44100
    channels: PositiveInt = 1

    codebook_size: int = Field(2048, ge=2, le=65536)
    codebook_dim: PositiveInt = 64

    width: PositiveInt = 32
    """Channels of the convolutions, before the level's multiplier."""

    depth: PositiveInt = 4
    """Residual blocks after each downsampling, before the level's multiplier."""

    width_multipliers: tuple[PositiveInt, ...] = (2, 1, 1)
    depth_multipliers: tuple[PositiveInt, ...] = (2, 1, 1)

    num_downsamplings: tuple[PositiveInt, ...] = Field((3, 2, 2), min_length=1)
    """Downsampling steps of each level beyond the level below it."""

    downsampling_stride: PositiveInt | tuple[PositiveInt, ...] = 2
    """Samples that one step makes one of; one value, or one a level."""

    dilation_growth: PositiveInt = 3
    """Factor from the dilation of one residual block to the next."""

    dilation_cycle: PositiveInt | None = None
    """Number of blocks after which the dilation starts at 1 again."""

    reverse_decoder_dilation: bool = True
    """Widest dilation first in the decoder."""

    residual_scale: bool = False
    """Scale what a block adds by 1 / sqrt(blocks of its stack)."""

    hidden_multiplier: PositiveFloat = 1.0
    """Channels inside a residual block over those outside."""

    zero_init: bool = False
    """Start every residual block as the identity."""

    checkpointing: bool = False
    """Recompute residual blocks in the backward pass: less memory, more time."""

    ema_decay: float = Field(0.99, gt=0, lt=1)
    """Share of the codebook's averages that one update keeps."""

    restart_threshold: float = Field(1.0, ge=0)
    """Average uses a step under which a code is restarted from the batch; 0 for never."""

    loss: CodecLossConfig = CodecLossConfig()

    @model_validator(mode="after")
    def _check_levels(self) -> "CodecConfig":
        for name in ("width_multipliers", "depth_multipliers", "downsampling_stride"):
            values = getattr(self, name)
            if isinstance(values, tuple) and len(values) != self.num_levels:
                raise ValueError(
                    f"{name} has {len(values)} entries, num_downsamplings has {self.num_levels}; "
                    "each needs one a level"
                )
        if int(self.width * self.hidden_multiplier) < 1:
            raise ValueError(
                f"hidden_multiplier {self.hidden_multiplier} leaves no channel of {self.width}"
            )
        return self

    @property
    def num_levels(self) -> int:
        """Number of autoencoders."""
        return len(self.num_downsamplings)

    @property
    def strides(self) -> tuple[int, ...]:
        """Stride of the steps of each level, finest first."""
        if isinstance(self.downsampling_stride, tuple):
            return self.downsampling_stride
        return (self.downsampling_stride,) * self.num_levels

    @property
    def hop_lengths(self) -> tuple[int, ...]:
        """Audio samples a code frame, finest level first."""
        steps = zip(self.strides, self.num_downsamplings, strict=True)
        return tuple(accumulate((stride**count for stride, count in steps), mul))
