"""All that a prior is told about the music: labels, timing, lyrics, codes of the level above."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audiogen.conditioning.label_embedding import LabelEmbedding
from audiogen.conditioning.labels import Labels
from audiogen.conditioning.lyrics import LyricConfig, LyricEncoder, prefix_tokens
from audiogen.conditioning.timing import TimingEmbedding
from audiogen.conditioning.upper_codes import UpperCodeEmbedding
from audiogen.prior.config import PriorConfig
from audiogen.prior.patterns import Grid, layer_patterns
from audiogen.prior.transformer import Transformer


class Conditioning(NamedTuple):
    """What a batch of windows is told, computed once a window.

    Without labels `start` has a batch of one, and serves any number of windows.
    """

    start: Tensor  # (batch, dim) stands where the first position has no past
    per_frame: Tensor | None  # (batch, frame, dim) timing and upper codes
    memory: Tensor | None  # (batch, token, dim) states of the lyric encoder
    lyric_tokens: Tensor | None  # (batch, token) int64 lyrics that stand before the codes
    lyric_logits: Tensor | None  # (batch, token, alphabet_size) of the lyric encoder

    def window(self, item: int) -> "Conditioning":
        """Return what one window is told, as a batch of one."""
        return Conditioning._make(_window(part, item) for part in self)

    @classmethod
    def joined(cls, windows: Sequence["Conditioning"]) -> "Conditioning":
        """Join what single windows are told, in order."""
        parts = zip(*windows, strict=True)
        return cls._make(None if part[0] is None else torch.cat(part) for part in parts)


class Conditioner(nn.Module):
    """Builds what the config asks for; the rest is None.

    Raises:
        UserError: a table's size is not known yet (see the sizes of labels and lyrics).
    """

    def __init__(self, config: PriorConfig):
        super().__init__()
        self.config = config
        size = (config.dim, config.init_scale)
        self.start_token = None if config.labels else nn.Parameter(torch.empty(config.dim))
        if self.start_token is not None:
            nn.init.normal_(self.start_token, std=0.01 * config.init_scale)
        self.labels = LabelEmbedding(config.labels, *size) if config.labels else None
        timing = config.timing
        self.timing = TimingEmbedding(timing, *size, config.sample_rate) if timing else None
        self.upper_codes = UpperCodeEmbedding(config.upper, *size) if config.upper else None
        self.lyric_encoder = None
        if config.lyrics and config.lyrics.mode == "encoder":
            reader = _lyric_transformer(config.lyrics, config.checkpointing)
            self.lyric_encoder = LyricEncoder(config.lyrics, *size, reader)

    def forward(self, labels: Labels | None, upper_codes: Tensor | None) -> Conditioning:
        """Compute what a batch of windows is told, all of it at once."""
        self._check_given(labels, upper_codes)
        start = self._start(labels)
        per_frame = self._with_start(start, self._per_frame(labels, upper_codes))
        if self.config.lyrics is None:
            return Conditioning(start, per_frame, None, None, None)
        assert labels is not None
        if self.lyric_encoder is None:
            return Conditioning(start, per_frame, None, prefix_tokens(labels), None)
        states = self.lyric_encoder(labels.lyrics, labels.lyrics_dropped)
        return Conditioning(start, per_frame, states.memory, None, states.logits)

    def _check_given(self, labels: Labels | None, upper_codes: Tensor | None) -> None:
        config = self.config
        if labels is None and (config.labels or config.timing or config.lyrics):
            raise ValueError("this prior reads labels, and none were given")
        if upper_codes is None and config.upper:
            raise ValueError("this prior reads the codes of the level above; none were given")
        if upper_codes is not None and not config.upper:
            raise ValueError("this prior reads no codes of a level above")
        if labels is not None and config.lyrics:
            given, needed = labels.lyrics.shape[1], config.lyrics.num_tokens
            if given != needed:
                raise ValueError(f"labels hold {given} lyric tokens, this prior reads {needed}")

    def _start(self, labels: Labels | None) -> Tensor:
        if self.labels is not None:
            return self.labels(labels)
        assert self.start_token is not None
        return self.start_token.unsqueeze(0)

    def _per_frame(self, labels: Labels | None, upper_codes: Tensor | None) -> Tensor | None:
        parts = []
        if self.upper_codes is not None:
            parts.append(self.upper_codes(upper_codes))
        if self.timing is not None:
            assert labels is not None
            # The whole context is told where it lies, however little of it will be drawn.
            window = (self.config.window_length_samples, self.config.context_length)
            places = (labels.total_length, labels.offset)
            parts.append(self.timing(*places, *window, labels.labels_dropped))
        if len(parts) < 2:
            return parts[0] if parts else None
        num_frames = min(part.shape[1] for part in parts)
        return parts[0][:, :num_frames] + parts[1][:, :num_frames]

    def _with_start(self, start: Tensor, per_frame: Tensor | None) -> Tensor | None:
        """Add the labels to every frame, where the settings ask for it."""
        if self.config.labels is None or not self.config.labels.every_frame:
            return per_frame
        if per_frame is None:
            return start.unsqueeze(1).expand(-1, self.config.context_length, -1)
        return per_frame + start.unsqueeze(1)


def _window(part: Tensor | None, item: int) -> Tensor | None:
    # A batch of one serves all windows.
    return part if part is None or len(part) == 1 else part[item : item + 1]


def _lyric_transformer(lyrics: LyricConfig, checkpointing: bool) -> Transformer:
    return Transformer(
        lyrics.encoder_dim,
        layer_patterns("row_column_previous", lyrics.encoder_num_layers),
        lyrics.encoder_num_heads,
        Grid(lyrics.num_tokens, lyrics.encoder_num_rows),
        init_scale=lyrics.encoder_init_scale,
        checkpointing=checkpointing,
    )
