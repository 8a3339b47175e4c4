"""What somebody asks for, and what it comes to with one model: the plan of a song."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from audiogen.conditioning.labels import Description
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.config import Settings
from audiogen.errors import UserError
from audiogen.sampling.logits import SamplingConfig

MAX_SECONDS = 3600
MAX_SEED = 2**62

Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)]


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SongRequest(Settings):
    """Everything that decides a song, except the model."""

    lyrics: str = ""
    genre: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    artist: str = ""

    seconds: Seconds = 20.0
    """Length to make, a prompt included."""

    total_seconds: Seconds | None = None
    """Length of the song that it is taken to be the beginning of; by default `seconds`."""

    seed: int | None = Field(None, ge=0, lt=MAX_SEED)
    """Drawn where not given. Item k of a batch has seed + k."""

    candidates: int = Field(1, ge=1, le=256)
    """Items to make from the same words and labels."""

    prompt: Path | None = None
    """A sound file that every item goes on from."""

    levels: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(None, min_length=1)
    """Levels to make, from the coarsest on; by default all."""

    sampling: SamplingConfig = SamplingConfig()

    @field_validator("levels")
    @classmethod
    def _order_levels(cls, levels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return levels and tuple(sorted(set(levels), reverse=True))

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.total_seconds is not None and self.total_seconds < self.seconds:
            raise ValueError(
                f"total_seconds is the length of the whole song: {self.total_seconds:g} s cannot "
                f"hold the {self.seconds:g} s to make"
            )
        return self

    @property
    def whole_seconds(self) -> float:
        """Length of the song that this is part of."""
        return self.total_seconds or self.seconds


@dataclass(frozen=True)
class SongPlan:
    """A request in the sizes of one model. Level 0 is the finest."""

    request: SongRequest  # with its seed
    sample_rate: int
    channels: int
    hop_lengths: tuple[int, ...]  # audio samples a frame, finest level first

    @property
    def seeds(self) -> list[int]:
        """One an item."""
        first = self.request.seed
        assert first is not None
        return [first + item for item in range(self.request.candidates)]

    @property
    def num_samples(self) -> int:
        """Audio samples that are kept."""
        return round(self.request.seconds * self.sample_rate)

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels to make, coarsest first."""
        return self.request.levels or tuple(reversed(range(len(self.hop_lengths))))

    def num_frames(self, level: int) -> int:
        """Frames of a level: the samples asked for, rounded up to whole codes of the top level."""
        top_hop = self.hop_lengths[-1]
        return -(-self.num_samples // top_hop) * top_hop // self.hop_lengths[level]

    def ratio(self, level: int) -> int:
        """Frames of `level` in one frame of the level above; 1 at the top."""
        if level + 1 == len(self.hop_lengths):
            return 1
        return self.hop_lengths[level + 1] // self.hop_lengths[level]

    @property
    def description(self) -> Description:
        """The whole song in words, for the label encoder."""
        total = round(self.request.whole_seconds * self.sample_rate)
        made = self.num_frames(len(self.hop_lengths) - 1) * self.hop_lengths[-1]
        return Description(
            # The last frame may reach beyond the asked length, and every frame is in the song.
            num_samples=max(total, made),
            artist=self.request.artist,
            genres=self.request.genre,
            lyrics=self.request.lyrics,
        )

    def check(self) -> None:
        """Check lengths, levels and lists against the model.

        Raises:
            UserError: one sentence about the first thing that does not fit.
        """
        num_levels, top_hop = len(self.hop_lengths), self.hop_lengths[-1]
        if self.num_samples < top_hop:
            raise UserError(
                f"seconds: {self.request.seconds:g} is less than one code of level "
                f"{num_levels - 1}; ask for {top_hop / self.sample_rate:.3g} or more"
            )
        if self.levels != tuple(range(num_levels - 1, num_levels - 1 - len(self.levels), -1)):
            top_down = ",".join(str(level) for level in reversed(range(num_levels)))
            raise UserError(
                f"levels: {','.join(map(str, self.levels))} is no beginning of {top_down}; each "
                "level is made from the one above it, and this model's top level is "
                f"{num_levels - 1}"
            )
        for level in self.levels:
            self.request.sampling.at(level, num_levels)


def check_words(
    request: SongRequest, vocabulary: Vocabulary, *, reads_labels: bool, reads_lyrics: bool
) -> None:
    """Check artist, genres and lyrics against what the model knows.

    Raises:
        UserError: a name or a letter that the model has not met, or words that it cannot use.
    """
    if (request.artist or request.genre) and not reads_labels:
        raise UserError("this model was trained without labels; leave --artist and --genre out")
    vocabulary.artist_id(request.artist)
    vocabulary.genre_ids(request.genre)
    if not request.lyrics:
        return
    if not reads_lyrics:
        raise UserError("this model was trained without lyrics and cannot sing; leave them out")
    missing = vocabulary.missing_characters(request.lyrics)
    if missing:
        shown = " ".join(repr(letter) for letter in missing)
        raise UserError(
            f"lyrics: the model never met {shown}; write them with the letters that it knows: "
            f"{''.join(letter for letter in vocabulary.alphabet if letter.isprintable())}"
        )
