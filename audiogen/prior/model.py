"""The prior: what the music should be, and the codes so far -> logits of the next code.

One model for three jobs (Dhariwal et al. 2020, sections 4 and 5): the top level reads labels,
timing and lyrics; the upsamplers read labels and the codes of the level above.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiogen.conditioning.labels import Labels
from audiogen.conditioning.lyrics import alphabet_size, lyric_bits
from audiogen.prior.cache import Cache
from audiogen.prior.conditioner import Conditioner, Conditioning
from audiogen.prior.config import PriorConfig
from audiogen.prior.kernels import row_product
from audiogen.prior.transformer import Transformer

__all__ = ["Conditioning", "Prior", "PriorConfig", "PriorOutput"]


class PriorOutput(NamedTuple):
    """What a teacher-forced pass gives; bits are means, over the batch too."""

    loss: Tensor  # () bits, lyrics weighted by their share
    code_bits: Tensor  # () bits a code
    lyric_bits: Tensor | None  # () bits a lyric token
    logits: Tensor  # (batch, frame, codebook_size) float32


class Prior(nn.Module):
    """A language model of the codes of one level.

    Raises:
        UserError: a table's size is not known yet (see the sizes of labels and lyrics).
    """

    def __init__(self, config: PriorConfig):
        super().__init__()
        self.config = config
        dim, init_scale = config.dim, config.init_scale
        # In prefix mode one table holds both: lyric tokens first, codes after them.
        self.first_code = alphabet_size(config.lyrics) if config.lyrics and config.num_prefix else 0
        num_symbols = self.first_code + config.codebook_size
        self.embedding = nn.Embedding(num_symbols, dim)
        self.position = nn.Parameter(torch.empty(config.grid.length, dim))
        self.transformer = _transformer(config)
        self.head = None if config.tied_embedding else nn.Linear(dim, num_symbols, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02 * init_scale)
        nn.init.normal_(self.position, std=0.01 * init_scale)
        self.conditioner = Conditioner(config)

    def forward(
        self, codes: Tensor, labels: Labels | None = None, upper_codes: Tensor | None = None
    ) -> PriorOutput:
        """Predict every frame of `codes` from those before it.

        Args:
            codes: (batch, frame) int64, the whole context or its beginning.
            labels: of each window; needed where the config has labels, timing or lyrics.
            upper_codes: (batch, upper_frame) int64 of the level above, as many as span `codes`.
        """
        conditioning = self.conditioner(labels, upper_codes)
        symbols = self._symbols(codes, conditioning)
        logits = self._sequence_logits(symbols, conditioning)
        prefix = self.config.num_prefix
        code_bits = _bits(logits[:, prefix:], symbols[:, prefix:]).mean()
        words = self._lyric_bits(logits, symbols, labels, conditioning)
        loss = self._weighted(code_bits, words, codes.shape[1])
        return PriorOutput(loss, code_bits, words, logits[:, prefix:, self.first_code :])

    def bits_per_clip(
        self, codes: Tensor, labels: Labels | None = None, upper_codes: Tensor | None = None
    ) -> Tensor:
        """Return the mean bits a code of each window, (batch,). Arguments as in `forward`."""
        conditioning = self.conditioner(labels, upper_codes)
        symbols = self._symbols(codes, conditioning)
        logits = self._sequence_logits(symbols, conditioning)
        prefix = self.config.num_prefix
        return _bits(logits[:, prefix:], symbols[:, prefix:]).mean(dim=1)

    def _lyric_bits(
        self, logits: Tensor, symbols: Tensor, labels: Labels | None, told: Conditioning
    ) -> Tensor | None:
        prefix = self.config.num_prefix
        if prefix:
            return _bits(logits[:, :prefix], symbols[:, :prefix]).mean()
        if told.lyric_logits is None or labels is None:
            return None
        return lyric_bits(told.lyric_logits, labels.lyrics)

    def _weighted(self, code_bits: Tensor, words: Tensor | None, num_frames: int) -> Tensor:
        """Average over all tokens, a lyric token counting `loss_fraction` of a code."""
        lyrics = self.config.lyrics
        if words is None or lyrics is None:
            return code_bits
        total = lyrics.loss_fraction * words * lyrics.num_tokens + code_bits * num_frames
        return total / (lyrics.num_tokens + num_frames)

    def condition(
        self, labels: Labels | None = None, upper_codes: Tensor | None = None
    ) -> Conditioning:
        """Compute what a batch of windows is told; once a window, for all its steps.

        On a CPU the windows are computed one by one, so that one alone gets the same bits.

        Args:
            labels: needed where the config has labels, timing or lyrics.
            upper_codes: (batch, upper_frame) int64; may span the beginning of the context alone.
        """
        batch = max(len(given) for given in (labels, upper_codes, [0]) if given is not None)
        if batch == 1 or not self._on_cpu:
            return self.conditioner(labels, upper_codes)
        windows = []
        for item in range(batch):
            label = None if labels is None else labels.select(item)
            upper = None if upper_codes is None else upper_codes[item : item + 1]
            windows.append(self.conditioner(label, upper))
        return Conditioning.joined(windows)

    def new_cache(self, batch: int, dtype: torch.dtype | None = None) -> Cache:
        """Allocate what drawing the codes of `batch` windows needs; `reset` it between windows.

        Args:
            batch: windows that are drawn together.
            dtype: of keys and values; that of the weights, if None.
        """
        weight = self.embedding.weight
        like = torch.empty(0, device=weight.device, dtype=dtype or weight.dtype)
        lyrics, encoder = self.config.lyrics, self.conditioner.lyric_encoder
        num_memory = lyrics.num_tokens if lyrics and encoder is not None else 0
        return self.transformer.new_cache(batch, like, num_memory)

    def prefill(self, codes: Tensor, conditioning: Conditioning, cache: Cache) -> Tensor:
        """Read the first codes of a window in one pass; on a CPU, one pass a window.

        Args:
            codes: (batch, frame) int64, given codes; none of them at the start of a song.
            conditioning: of this window.
            cache: empty; it then holds what `decode_step` needs.

        Returns:
            Logits (batch, codebook_size) float32 of the frame after `codes`.
        """
        self._check_prefill(codes, cache)
        if len(codes) == 1 or not self._on_cpu:
            return self._prefill(codes, conditioning, cache)
        logits = [
            self._prefill(code.unsqueeze(0), conditioning.window(item), cache.window(item))
            for item, code in enumerate(codes)
        ]
        cache.position = self.config.num_prefix + codes.shape[1] + 1
        return torch.cat(logits)

    def _prefill(self, codes: Tensor, conditioning: Conditioning, cache: Cache) -> Tensor:
        x = self._embed(self._symbols(codes, conditioning), conditioning)
        x = self.transformer(x, conditioning.memory, cache)[:, -1]
        return self._next_logits(x, codes.shape[1], conditioning)

    def _check_prefill(self, codes: Tensor, cache: Cache) -> None:
        batch, num_frames = codes.shape
        if cache.position:
            raise ValueError(f"cache holds {cache.position} positions; reset it for a new window")
        if batch != cache.batch:
            raise ValueError(f"cache was allocated for {cache.batch} windows, cannot hold {batch}")
        if num_frames >= self.config.context_length:
            raise ValueError(
                f"{num_frames} codes leave no frame to draw in a context of "
                f"{self.config.context_length}"
            )

    def decode_step(self, codes: Tensor, conditioning: Conditioning, cache: Cache) -> Tensor:
        """Read the next code of every window.

        The arithmetic for one window does not depend on the others (see `kernels`).

        Args:
            codes: (batch,) int64, of the frame that the last logits were for.
            conditioning: of this window.
            cache: as `prefill` and earlier steps left it.

        Returns:
            Logits (batch, codebook_size) float32 of the frame after it.
        """
        position = cache.position
        frame = position - self.config.num_prefix
        if frame >= self.config.context_length:
            raise ValueError(f"the window of {frame} frames is full")
        x = F.embedding(codes + self.first_code, self.embedding.weight) + self.position[position]
        if conditioning.per_frame is not None:
            x = x + conditioning.per_frame[:, frame]
        return self._next_logits(self.transformer.step(x, cache), frame, conditioning)

    def hidden_before(self, layer: int, codes: Tensor, conditioning: Conditioning) -> Tensor:
        """Return what a layer reads in a teacher-forced pass, (batch, position, dim)."""
        x = self._embed(self._symbols(codes, conditioning)[:, :-1], conditioning)
        for block in self.transformer.layers[:layer]:
            x = block(x, conditioning.memory)
        return x

    def _symbols(self, codes: Tensor, conditioning: Conditioning) -> Tensor:
        """Return the rows of the embedding table that a sequence consists of, (batch, position)."""
        if conditioning.lyric_tokens is None:
            return codes
        return torch.cat([conditioning.lyric_tokens, codes + self.first_code], dim=1)

    def _embed(self, symbols: Tensor, conditioning: Conditioning) -> Tensor:
        """Embed the start, then `symbols` (batch, position), as (batch, position + 1, dim)."""
        x = self.embedding(symbols)
        start = conditioning.start.unsqueeze(1).expand(len(x), 1, -1)
        x = torch.cat([start.to(x.dtype), x], dim=1)
        x = x + self.position[: x.shape[1]]
        return self._with_per_frame(x, conditioning)

    def _with_per_frame(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Add what every frame is told; a lyric prefix is told nothing."""
        if conditioning.per_frame is None:
            return x
        prefix = self.config.num_prefix
        num_frames = x.shape[1] - prefix
        if num_frames > conditioning.per_frame.shape[1]:
            have = conditioning.per_frame.shape[1]
            raise ValueError(f"upper codes span {have} frames, cannot condition {num_frames}")
        told = conditioning.per_frame[:, :num_frames]
        return x + F.pad(told, (0, 0, prefix, 0))

    def _sequence_logits(self, symbols: Tensor, conditioning: Conditioning) -> Tensor:
        """Return logits of every position, (batch, position, symbol) float32."""
        x = self._embed(symbols[:, :-1], conditioning)
        x = self.transformer(x, conditioning.memory)
        if self.config.conditioning_after:
            x = self._with_per_frame(x, conditioning)
        return F.linear(x, self._table).float()

    def _next_logits(self, x: Tensor, frame: int, conditioning: Conditioning) -> Tensor:
        """Return logits of one frame over the codes alone, (batch, codebook_size) float32."""
        if self.config.conditioning_after and conditioning.per_frame is not None:
            x = x + conditioning.per_frame[:, frame]
        # Lyric tokens are no codes: the original could draw them, and then played code 0.
        return row_product(x, self._table[self.first_code :]).float()

    @property
    def _on_cpu(self) -> bool:
        return self.position.device.type == "cpu"

    @property
    def _table(self) -> Tensor:
        """Rows that logits are products with, (symbol, dim)."""
        return self.embedding.weight if self.head is None else self.head.weight


def _transformer(config: PriorConfig) -> Transformer:
    return Transformer(
        config.dim,
        config.patterns,
        config.num_heads,
        config.grid,
        attention_multiplier=config.attention_multiplier,
        feed_forward_multiplier=config.mlp_multiplier,
        activation=config.activation,
        residual_scale=config.residual_scale,
        init_scale=config.init_scale,
        checkpointing=config.checkpointing,
    )


def _bits(logits: Tensor, symbols: Tensor) -> Tensor:
    """Return the bits of every symbol (batch, position) under `logits`."""
    return F.cross_entropy(logits.mT, symbols, reduction="none") / math.log(2)
