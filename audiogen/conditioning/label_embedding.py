"""Artist and genres -> the start embedding, which stands where the first frame has no past."""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from audiogen.conditioning.labels import Labels
from audiogen.config import Settings
from audiogen.errors import UserError


class LabelConfig(Settings):
    """Which artists and genres a prior is told."""

    num_artists: PositiveInt | None = None
    """Rows of the artist table; null: as many as the vocabulary has (training fills it in)."""

    num_genres: PositiveInt | None = None
    """Rows of the genre table; null: as many as the vocabulary has (training fills it in)."""

    max_genres: PositiveInt = 5
    """Genres that one song can have."""

    null: bool = True
    """Learn an embedding for withheld labels, which guidance needs. Without it none is withheld."""

    drop_probability: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of training windows whose labels are withheld; of no effect where `null` is false."""

    every_frame: bool = False
    """Add the embedding to every frame too. Released models tell it at the start alone, from where
    a short training does not learn to carry it along."""


class LabelEmbedding(nn.Module):
    """One embedding for the artist plus one for each genre.

    Args:
        config: which labels there are.
        dim: width of the prior.
        init_scale: the prior's; embeddings begin as normal numbers of 0.01 times it.

    Raises:
        UserError: a table size is not known yet.
    """

    def __init__(self, config: LabelConfig, dim: int, init_scale: float):
        super().__init__()
        if config.num_artists is None or config.num_genres is None:
            raise UserError(
                "labels.num_artists and labels.num_genres must be numbers to build a prior "
                "(training takes them from the vocabulary of its data)"
            )
        self.artist = nn.Embedding(config.num_artists, dim)
        self.genre = nn.Embedding(config.num_genres, dim)
        self.null = nn.Parameter(torch.empty(dim)) if config.null else None
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.01 * init_scale)

    def forward(self, labels: Labels) -> Tensor:
        """Embed labels as `start` (batch, dim).

        Where `labels.labels_dropped`, the null embedding takes its place; without a null
        embedding the labels count, dropped or not.
        """
        filled = labels.genres >= 0  # (batch, slot)
        genres = F.embedding(labels.genres.clamp(min=0), self.genre.weight)
        start = self.artist(labels.artist) + (genres * filled.unsqueeze(-1)).sum(dim=1)
        if self.null is None:
            return start
        return torch.where(labels.labels_dropped.unsqueeze(-1), self.null, start)
