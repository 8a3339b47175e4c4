"""Place in the song -> an embedding a frame: how long the song is, how far along the frame."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator
from torch import Tensor, nn

from audiogen.config import Settings


class TimingConfig(Settings):
    """How finely a prior is told its place in the song."""

    num_bins: Annotated[int, Field(ge=1)] = 128
    """Rows of each of the three tables."""

    min_seconds: NonNegativeFloat = 0.0
    """Shortest song told apart; a shorter one counts as this long."""

    max_seconds: PositiveFloat = 600.0
    """Longest song told apart, and last position; what lies beyond counts as this."""

    null: bool = True
    """Learn an embedding for withheld timing. Without it timing is never withheld."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.min_seconds >= self.max_seconds:
            raise ValueError(
                f"min_seconds {self.min_seconds} must be below max_seconds {self.max_seconds}"
            )
        return self


class TimingBins(NamedTuple):
    """Rows of the three tables, each in [0, num_bins)."""

    total_length: Tensor  # (batch, 1) int64: length of the song
    absolute: Tensor  # (batch, frame) int64: time since the song began
    relative: Tensor  # (batch, frame) int64: share of the song that has passed


class TimingEmbedding(nn.Module):
    """Sum of three embeddings: length of the song, absolute and relative position of the frame.

    Args:
        config: ranges and table size.
        dim: width of the prior.
        init_scale: the prior's; embeddings begin as normal numbers of 0.01 times it.
        sample_rate: of the audio samples that lengths and offsets are counted in.
    """

    def __init__(self, config: TimingConfig, dim: int, init_scale: float, sample_rate: int):
        super().__init__()
        self.config = config
        self.sample_rate = sample_rate
        self.total_length = nn.Embedding(config.num_bins, dim)
        self.absolute = nn.Embedding(config.num_bins, dim)
        self.relative = nn.Embedding(config.num_bins, dim)
        self.null = nn.Parameter(torch.empty(dim)) if config.null else None
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.01 * init_scale)

    def forward(
        self,
        total_length: Tensor,
        offset: Tensor,
        window_length_samples: int,
        num_frames: int,
        dropped: Tensor | None = None,
    ) -> Tensor:
        """Embed the place of every frame of windows as (batch, frame, dim).

        Args:
            total_length: (batch,) audio samples of the whole song.
            offset: (batch,) first audio sample of the window.
            window_length_samples: audio samples that the frames span.
            num_frames: frames of the window, evenly spread over it.
            dropped: (batch,) bool: the null embedding takes the place of timing there. Without a
                null embedding timing counts, dropped or not.
        """
        bins = self.bins(total_length, offset, window_length_samples, num_frames)
        embedding = (
            self.total_length(bins.total_length)
            + self.absolute(bins.absolute)
            + self.relative(bins.relative)
        )
        if self.null is None or dropped is None:
            return embedding
        return torch.where(dropped[:, None, None], self.null, embedding)

    def bins(
        self, total_length: Tensor, offset: Tensor, window_length_samples: int, num_frames: int
    ) -> TimingBins:
        """Choose the rows of the tables. Arguments as in `forward`.

        All arithmetic is in float32, as in the original: bins near an edge depend on it.
        """
        shortest = self.config.min_seconds * self.sample_rate
        longest = self.config.max_seconds * self.sample_rate
        total = total_length.float().unsqueeze(-1)  # (batch, 1)
        start = offset.float().unsqueeze(-1)
        end = (offset + window_length_samples).float().unsqueeze(-1)
        # The end belongs to the next window: frame i lies i / num_frames along.
        along = torch.arange(num_frames, device=offset.device).float() / num_frames
        absolute = start + (end - start) * along
        start, end = start / total, (end / total).clamp(max=1.0)
        relative = start + (end - start) * along
        return TimingBins(
            self._bin(total, shortest, longest),
            self._bin(absolute, 0.0, longest),
            self._bin(relative, 0.0, 1.0),
        )

    def _bin(self, value: Tensor, low: float, high: float) -> Tensor:
        num_bins = self.config.num_bins
        share = (value - low) / (high - low)
        return (num_bins * share).floor().long().clamp(0, num_bins - 1)
