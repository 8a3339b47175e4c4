"""The settings of a prior, and the rules between them."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from audiogen.conditioning.label_embedding import LabelConfig
from audiogen.conditioning.lyrics import LyricConfig
from audiogen.conditioning.timing import TimingConfig
from audiogen.conditioning.upper_codes import UpperCodeConfig
from audiogen.config import Settings
from audiogen.prior.patterns import Grid, NamedOrder, Pattern, layer_patterns, needs_rows
from audiogen.prior.transformer import Activation


class PriorConfig(Settings):
    """A Transformer over the codes of one level, and what it is told about the music."""

    level: NonNegativeInt
    """Level whose codes it draws; 0 is the finest."""

    sample_rate: PositiveInt = 44100
    hop_length: PositiveInt
    """Audio samples a code frame of this level."""

    codebook_size: PositiveInt = 2048

    context_length: PositiveInt
    """Frames that the model sees."""

    dim: PositiveInt
    num_layers: PositiveInt
    num_heads: PositiveInt = 1

    attention_multiplier: PositiveFloat = 0.25
    """Width of queries, keys and values, as a share of `dim`."""

    mlp_multiplier: PositiveFloat = 1.0
    """Width inside the feed-forward layers, as a share of `dim`."""

    layers: NamedOrder | Annotated[tuple[Pattern, ...], Field(min_length=1)] = "row_column_previous"
    """What each layer sees: a named order, or a list of patterns that repeats."""

    num_rows: PositiveInt = 16
    """Rows of the grid that row, column and previous-row layers see; divides the sequence."""

    init_scale: PositiveFloat = 1.0
    """Factor of the standard deviation of all first weights."""

    activation: Activation = "quick_gelu"

    residual_scale: bool = False
    """Divide what each layer adds by the number of layers."""

    tied_embedding: bool = True
    """Use the table of code embeddings as the output projection, too."""

    conditioning_after: bool = True
    """Add timing and upper codes a second time, after the last layer."""

    checkpointing: bool = False
    """In training, compute activations again in the backward pass instead of keeping them."""

    labels: LabelConfig | None = None
    timing: TimingConfig | None = None
    lyrics: LyricConfig | None = None
    upper: UpperCodeConfig | None = None

    @property
    def num_prefix(self) -> int:
        """Lyric tokens that stand before the codes in one sequence."""
        return self.lyrics.num_tokens if self.lyrics and self.lyrics.mode == "prefix" else 0

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """What each layer sees, first layer first."""
        return layer_patterns(self.layers, self.num_layers)

    @property
    def grid(self) -> Grid:
        """The rows of the whole sequence, lyric prefix included."""
        length = self.num_prefix + self.context_length
        return Grid(length, self.num_rows, self.num_prefix)

    @property
    def window_length_samples(self) -> int:
        """Audio samples that a whole context spans."""
        return self.context_length * self.hop_length

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        if any(map(needs_rows, self.patterns)) and self.grid.length % self.num_rows:
            length, prefix = self.grid.length, self.num_prefix
            with_lyrics = f" with {prefix} lyric tokens before it ({length})" if prefix else ""
            raise ValueError(
                f"context_length {self.context_length}{with_lyrics} must be a multiple of "
                f"num_rows {self.num_rows}"
            )
        return self

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        width = int(self.dim * self.attention_multiplier)
        if width < 1 or width % self.num_heads:
            raise ValueError(
                f"dim {self.dim} times attention_multiplier {self.attention_multiplier:g} gives "
                f"attention a width of {width}, no multiple of num_heads {self.num_heads}"
            )
        return self

    @model_validator(mode="after")
    def _check_lyrics(self) -> Self:
        mode = self.lyrics.mode if self.lyrics else None
        if mode == "encoder" and "cross" not in self.patterns:
            raise ValueError(
                f"lyrics.mode 'encoder' needs a layer that is 'cross' among the {self.num_layers}"
            )
        for pattern, its_mode in (("cross", "encoder"), ("prefix", "prefix")):
            if pattern in self.patterns and mode != its_mode:
                raise ValueError(f"a layer that is '{pattern}' needs lyrics.mode '{its_mode}'")
        return self

    @model_validator(mode="after")
    def _check_upper(self) -> Self:
        if self.upper and self.context_length % self.upper.ratio:
            raise ValueError(
                f"context_length {self.context_length} must be a multiple of {self.upper.ratio}, "
                "the frames to one code of the level above"
            )
        return self
