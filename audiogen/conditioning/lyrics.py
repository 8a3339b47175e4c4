"""Lyric tokens -> states that a prior attends to, and how its prior reads lyrics at all."""

import math
from typing import Annotated, Any, Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from einops import rearrange
from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from torch import Tensor, nn

from audiogen.conditioning.labels import Labels
from audiogen.config import Settings
from audiogen.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]


class LyricConfig(Settings):
    """How a prior reads lyrics.

    With mode "encoder", a small transformer of its own reads them, and layers of the prior attend
    to its states. With mode "prefix", they stand before the codes in one sequence.
    """

    mode: Literal["encoder", "prefix"]

    num_tokens: PositiveInt
    """Characters that a window of the song reads; even."""

    alphabet_size: PositiveInt | None = None
    """Characters, padding included; null: as many as the vocabulary has (training fills it in)."""

    loss_fraction: Annotated[float, Field(ge=0)] = 0.4
    """Weight of a lyric token's loss beside a code's."""

    drop_probability: Share = 0.1
    """Share of training windows whose lyrics are withheld."""

    null: bool = True
    """Learn a state for withheld lyrics (encoder mode). Without it none is withheld there."""

    encoder_dim: PositiveInt = 256
    encoder_num_layers: PositiveInt = 9
    encoder_num_heads: PositiveInt = 2

    encoder_num_rows: PositiveInt = 32
    """Rows of the grid in which the encoder's layers see its tokens; divides `num_tokens`."""

    encoder_init_scale: PositiveFloat = 0.7

    @model_validator(mode="after")
    def _check_encoder(self) -> Self:
        if self.num_tokens % 2:
            raise ValueError(f"num_tokens must be even, not {self.num_tokens}")
        if self.mode == "encoder" and self.num_tokens % self.encoder_num_rows:
            raise ValueError(
                f"num_tokens {self.num_tokens} must be a multiple of encoder_num_rows "
                f"{self.encoder_num_rows}"
            )
        if self.mode == "prefix" and (idle := self._changed_encoder_settings()):
            raise ValueError(f"{', '.join(idle)}: of no effect in mode 'prefix'")
        return self

    def _changed_encoder_settings(self) -> list[str]:
        fields: dict[str, Any] = type(self).model_fields
        encoder = [name for name in fields if name.startswith("encoder_")]
        return [name for name in encoder if getattr(self, name) != fields[name].default]


class LyricStates(NamedTuple):
    """What the lyric encoder made of a batch of lyrics."""

    memory: Tensor  # (batch, token, dim) states for the prior to attend to
    logits: Tensor  # (batch, token, alphabet_size) float32, of the token at the same place


class LyricEncoder(nn.Module):
    """A causal language model of lyrics, whose states the prior attends to.

    The state at a token depends on the tokens before it alone.

    Args:
        config: its sizes; mode "encoder".
        dim: width of the prior, and so of the states.
        init_scale: the prior's, for the head that predicts lyrics.
        transformer: maps (batch, token, encoder_dim) to the same shape, causally.

    Raises:
        UserError: the alphabet's size is not known yet.
    """

    def __init__(self, config: LyricConfig, dim: int, init_scale: float, transformer: nn.Module):
        super().__init__()
        size, width = alphabet_size(config), config.encoder_dim
        self.token_embedding = nn.Embedding(size, width)
        self.position = nn.Parameter(torch.empty(config.num_tokens, width))
        self.start_token = nn.Parameter(torch.empty(width))
        self.transformer = transformer
        self.projection = nn.Linear(width, dim)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, size, bias=False)
        self.null = nn.Parameter(torch.empty(dim)) if config.null else None
        self._initialize(config.encoder_init_scale, init_scale)

    def _initialize(self, encoder_scale: float, init_scale: float) -> None:
        nn.init.normal_(self.token_embedding.weight, std=0.02 * encoder_scale)
        nn.init.normal_(self.position, std=0.01 * encoder_scale)
        nn.init.normal_(self.start_token, std=0.01 * encoder_scale)
        nn.init.normal_(self.projection.weight, std=0.02 * encoder_scale)
        nn.init.zeros_(self.projection.bias)
        nn.init.normal_(self.head.weight, std=0.02 * init_scale)
        if self.null is not None:
            # As large as the states it stands for, which a LayerNorm has made.
            nn.init.normal_(self.null)

    def forward(self, tokens: Tensor, dropped: Tensor | None = None) -> LyricStates:
        """Read `tokens` (batch, token) int64, exactly `num_tokens` of them.

        Where `dropped` (batch,) bool, one learned state takes the place of all; without a null
        state the lyrics count, dropped or not. The logits are always those of the lyrics.
        """
        x = self.token_embedding(tokens)
        start = self.start_token.expand(len(x), 1, -1)
        x = torch.cat([start, x[:, :-1]], dim=1) + self.position
        memory = self.norm(self.projection(self.transformer(x)))
        logits = self.head(memory).float()
        if self.null is not None and dropped is not None:
            null = self.null.to(memory.dtype)
            memory = torch.where(dropped[:, None, None], null, memory)
        return LyricStates(memory, logits)


def alphabet_size(config: LyricConfig) -> int:
    """Return the number of lyric tokens, padding included.

    Raises:
        UserError: it is not known yet.
    """
    if config.alphabet_size is None:
        raise UserError(
            "lyrics.alphabet_size must be a number to build a prior "
            "(training takes it from the vocabulary of its data)"
        )
    return config.alphabet_size


def lyric_bits(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the mean bits a token () of `tokens` (batch, token) under `logits`.

    Padding counts like any token, as in the original, so that bits compare between songs with
    long and short lyrics.
    """
    logits = rearrange(logits.float(), "batch token letter -> (batch token) letter")
    return F.cross_entropy(logits, tokens.flatten()) / math.log(2)


def prefix_tokens(labels: Labels) -> Tensor:
    """Return the lyrics (batch, token) as a prefix reads them: padding where they are dropped."""
    return labels.lyrics.masked_fill(labels.lyrics_dropped.unsqueeze(-1), 0)
