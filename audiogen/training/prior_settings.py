"""What a prior's config file may leave out, and where it comes from: codes and vocabulary."""

import math
from typing import Any

from pydantic import NonNegativeInt, PositiveInt

from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.config import Settings, validated
from audiogen.data.code_store import CodeStore
from audiogen.errors import UserError
from audiogen.prior.model import PriorConfig
from audiogen.training.setup import TrainingConfig


class PriorShape(PriorConfig):
    """A prior whose facts about the codes may be left to the codes: one file, several levels."""

    level: NonNegativeInt | None = None  # type: ignore[assignment]
    sample_rate: PositiveInt | None = None  # type: ignore[assignment]
    hop_length: PositiveInt | None = None  # type: ignore[assignment]
    codebook_size: PositiveInt | None = None  # type: ignore[assignment]


class PriorRun(Settings):
    """A whole training of a prior: what a config file holds."""

    prior: PriorShape
    training: TrainingConfig


def complete(
    shape: PriorShape, level: int, store: CodeStore, vocabulary: Vocabulary
) -> PriorConfig:
    """Fill in what the config file leaves out, and refuse what contradicts the data.

    Raises:
        UserError: one sentence with the key, what the settings say, and what is so.
    """
    num_levels = len(store.hop_lengths)
    if level >= num_levels:
        raise UserError(f"--level {level}: the codec has levels 0 to {num_levels - 1}")
    facts = {
        "level": level,
        "sample_rate": store.sample_rate,
        "hop_length": store.hop_lengths[level],
        "codebook_size": store.codebook_sizes[level],
    }
    values = shape.model_dump()
    _fill(values, facts, shape, "prior")
    if shape.labels:
        sizes = {"num_artists": len(vocabulary.artists), "num_genres": len(vocabulary.genres)}
        _fill_sizes(values["labels"], sizes, "prior.labels")
    if shape.lyrics:
        _fill_sizes(values["lyrics"], {"alphabet_size": len(vocabulary.alphabet)}, "prior.lyrics")
    _fill_upper(values, shape, level, store)
    return validated(PriorConfig, values, source="settings")


def _fill(values: dict[str, Any], facts: dict[str, int], given: Settings, path: str) -> None:
    for key, fact in facts.items():
        value = values[key] if key in given.model_fields_set else None
        if value is not None and value != fact:
            raise UserError(
                f"{path}.{key}: {value} in the settings, {fact} in the codes; leave it out"
            )
        values[key] = fact


def _fill_sizes(values: dict[str, Any], sizes: dict[str, int], path: str) -> None:
    # Tables may have room to spare, as those of the released models do.
    for key, size in sizes.items():
        if values[key] is None:
            values[key] = size
        elif values[key] < size:
            raise UserError(
                f"{path}.{key}: {values[key]} rows do not hold the {size} that the vocabulary "
                "has; leave it out"
            )


def _fill_upper(values: dict[str, Any], shape: PriorShape, level: int, store: CodeStore) -> None:
    is_top = level == len(store.hop_lengths) - 1
    if is_top and shape.upper:
        raise UserError(
            f"prior.upper: level {level} is the coarsest, there are no codes above it; use the "
            "settings of a top prior"
        )
    if is_top:
        return
    if not shape.upper:
        raise UserError(
            f"prior.upper: missing; level {level} is written from the codes of level {level + 1}, "
            "use the settings of an upsampler"
        )
    upper, given = values["upper"], shape.upper.model_fields_set
    _fill(upper, {"codebook_size": store.codebook_sizes[level + 1]}, shape.upper, "prior.upper")
    ratio = store.hop_lengths[level + 1] // store.hop_lengths[level]
    if "num_steps" not in given:
        upper["num_steps"] = max(1, round(math.log(ratio, upper["stride"])))
    if upper["stride"] ** upper["num_steps"] != ratio:
        raise UserError(
            f"prior.upper: {upper['num_steps']} steps of stride {upper['stride']} do not make the "
            f"{ratio} frames that level {level} has for one code of level {level + 1}"
        )
