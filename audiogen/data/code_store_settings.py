"""What all codes of one store have in common: the codec that made them, and its sizes."""

from itertools import pairwise
from pathlib import Path
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from audiogen.config import Settings, validated
from audiogen.errors import UserError
from audiogen.files import read_json

FORMAT = 1
STORE = "store.json"
"""Settings of the whole store, beside its shards."""


class StoreSettings(Settings):
    """What all codes of one store have in common; stored as store.json."""

    format: int = FORMAT
    codec_hash: str
    sample_rate: PositiveInt
    hop_lengths: tuple[PositiveInt, ...] = Field(min_length=1)  # finest level first
    codebook_sizes: tuple[PositiveInt, ...]

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if len(self.codebook_sizes) != len(self.hop_lengths):
            raise ValueError("hop_lengths and codebook_sizes must name the same levels")
        if max(self.codebook_sizes) > 2**16:
            raise ValueError("codes are stored in 16 bits: codebooks have at most 65536 entries")
        if any(upper % lower or upper == lower for lower, upper in pairwise(self.hop_lengths)):
            raise ValueError("each hop length must be a multiple of the one before it")
        return self

    @property
    def ratios(self) -> tuple[int, ...]:
        """Frames of each level in one frame of the top level."""
        return tuple(self.hop_lengths[-1] // hop_length for hop_length in self.hop_lengths)


def read_settings(folder: Path) -> StoreSettings:
    """Read the settings of the store in `folder`; where there is none, one sentence."""
    path = folder / STORE
    if not path.is_file():
        raise UserError(f"{folder}: no code store there ({STORE} is missing); run: audiogen encode")
    values = read_json(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: damaged, expected a JSON object")
    if values.get("format", FORMAT) != FORMAT:
        raise UserError(
            f"{path}: format {values['format']}, this version reads {FORMAT}; update audiogen"
        )
    return validated(StoreSettings, values, source=str(path))


def refuse_other_codec(folder: Path, settings: StoreSettings, codec_hash: str) -> None:
    """Refuse a store whose codes another codec made."""
    if settings.codec_hash != codec_hash:
        raise UserError(
            f"{folder}: these codes were made by codec {settings.codec_hash}, the model's codec is "
            f"{codec_hash}; encode the songs into a new folder, or use the model that made them"
        )
