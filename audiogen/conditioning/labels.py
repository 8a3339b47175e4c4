"""What a clip of music should be, as numbers: from a description to a batch of labels.

A `Description` speaks of a whole song in words, `Labels` of a batch of windows in ids. The
`LabelEncoder` goes from the first to the second, for one window of the song.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from audiogen.conditioning.lyric_window import LyricWindow, SungPath, sung_path, window_around
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.data.manifest import Track, Word
from audiogen.errors import UserError


@dataclass(frozen=True)
class Description:
    """A whole song in words. Keep it for all windows of the song: it remembers its `path`."""

    num_samples: int  # audio samples of the whole song, at the model's sample rate
    artist: str = ""
    genres: tuple[str, ...] = ()
    lyrics: str = ""
    words: tuple[Word, ...] = ()  # the lyrics' words with their times, in order
    duration: float = 0.0  # seconds of the whole song; the clock of `words`

    def __post_init__(self):
        if self.num_samples < 1:
            raise ValueError(f"a song of {self.num_samples} samples has no place for a window")
        if self.words and self.duration <= 0:
            raise ValueError("words with times need the song's duration in seconds")

    @cached_property
    def path(self) -> SungPath | None:
        """Where in the lyrics the singer is; None where words with times do not tell."""
        return sung_path(self.lyrics, self.words)

    @classmethod
    def of_track(cls, track: Track, num_samples: int) -> Self:
        """Describe a track of a manifest that is `num_samples` long at the model's sample rate."""
        return cls(
            num_samples=num_samples,
            artist=track.artist,
            genres=track.genre,
            lyrics=track.lyrics,
            # A manifest without durations has no clock to hold the words against.
            words=track.words if track.duration > 0 else (),
            duration=track.duration,
        )


@dataclass(frozen=True)
class Labels:
    """Labels of a batch of windows. Samples are counted at the model's sample rate."""

    artist: Tensor  # (batch,) int64
    genres: Tensor  # (batch, slot) int64; -1 is an empty slot
    total_length: Tensor  # (batch,) int64 audio samples of the whole song
    offset: Tensor  # (batch,) int64 first audio sample of the window
    lyrics: Tensor  # (batch, token) int64; no tokens where the model reads no lyrics
    labels_dropped: Tensor  # (batch,) bool: artist, genre and timing are withheld
    lyrics_dropped: Tensor  # (batch,) bool: lyrics are withheld

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.artist)

    @classmethod
    def stack(cls, labels: Sequence["Labels"]) -> Self:
        """Join the windows of several labels into one batch, in order."""
        if not labels:
            raise ValueError("no labels to stack")
        names = [field.name for field in fields(cls)]
        return cls(**{name: torch.cat([getattr(one, name) for one in labels]) for name in names})

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Return the labels on a device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def select(self, index: int | slice | Sequence[int] | Tensor) -> Self:
        """Return some windows of the batch; a single number gives a batch of one."""
        if isinstance(index, int):
            index = [index]
        elif not isinstance(index, slice | Tensor):
            index = list(index)
        return self._map(lambda tensor: tensor[index])

    def without_labels(self) -> Self:
        """Return labels whose artist, genre and timing are withheld, for guidance."""
        return replace(self, labels_dropped=torch.ones_like(self.labels_dropped))

    def without_lyrics(self) -> Self:
        """Return labels whose lyrics are withheld, for guidance."""
        return replace(self, lyrics_dropped=torch.ones_like(self.lyrics_dropped))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        names = [field.name for field in fields(self)]
        return type(self)(**{name: change(getattr(self, name)) for name in names})


class LabelEncoder:
    """Turns a description into the labels of one window of the song.

    Args:
        vocabulary: the names and letters of the model.
        max_genres: genres that fit; 0 for a model that is told neither artist nor genre.
        num_lyric_tokens: lyric characters that a window reads; 0 for a model without lyrics.
    """

    def __init__(self, vocabulary: Vocabulary, max_genres: int, num_lyric_tokens: int):
        if num_lyric_tokens % 2:
            raise ValueError(f"num_lyric_tokens must be even, not {num_lyric_tokens}")
        self.vocabulary = vocabulary
        self.max_genres = max_genres
        self.num_lyric_tokens = num_lyric_tokens

    def encode(self, description: Description, offset: int, length: int) -> Labels:
        """Label the `length` samples from sample `offset` on, as a batch of one.

        `length` is the model's whole context, even where a shorter window is made, so that the
        lyrics move evenly. Positions beyond the song's end count as its end.

        Raises:
            UserError: an artist or genre is not in the vocabulary, or there are too many genres.
        """
        tokens = self.lyric_window(description, offset, length).tokens
        return Labels(
            artist=torch.tensor([self._artist(description)]),
            genres=torch.tensor([self._genre_slots(description)], dtype=torch.int64),
            total_length=torch.tensor([description.num_samples]),
            offset=torch.tensor([offset]),
            lyrics=torch.tensor([tokens], dtype=torch.int64),
            labels_dropped=torch.tensor([False]),
            lyrics_dropped=torch.tensor([False]),
        )

    def lyric_window(self, description: Description, offset: int, length: int) -> LyricWindow:
        """Choose the lyrics that belong to `length` samples from sample `offset` on.

        Shorter lyrics are padded on the left. Of longer ones, the characters around the one that
        is sung at the middle of the window are chosen: where the words have times, by them;
        elsewhere as if all characters took equally long (Dhariwal et al. 2020, section 5).
        """
        if not self.num_lyric_tokens:
            return LyricWindow([], [])
        tokens = self.vocabulary.encode_lyrics(description.lyrics)
        center = _center_character(description, len(tokens), offset + length / 2)
        return window_around(tokens, center, self.num_lyric_tokens)

    def _artist(self, description: Description) -> int:
        return self.vocabulary.artist_id(description.artist) if self.max_genres else 0

    def _genre_slots(self, description: Description) -> list[int]:
        if self.max_genres == 0:
            return []
        ids = self.vocabulary.genre_ids(description.genres) or [0]
        if len(ids) > self.max_genres:
            raise UserError(
                f"genres {', '.join(description.genres)}: {len(ids)} are too many; "
                f"{self.max_genres} fit in this model"
            )
        return ids + [-1] * (self.max_genres - len(ids))


def drop_labels_at_random(
    labels: Labels, label_probability: float, lyric_probability: float, uniform: Tensor
) -> Labels:
    """Withhold labels and, independently, lyrics of some windows, so that guidance can be learned.

    Args:
        labels: what is known; what is withheld already stays so.
        label_probability: share of windows that lose artist, genre and timing.
        lyric_probability: share of windows that lose their lyrics.
        uniform: (batch, 2) numbers in [0, 1), the caller's draws: labels, lyrics.
    """
    uniform = uniform.to(labels.artist.device)
    return replace(
        labels,
        labels_dropped=labels.labels_dropped | (uniform[:, 0] < label_probability),
        lyrics_dropped=labels.lyrics_dropped | (uniform[:, 1] < lyric_probability),
    )


def _center_character(description: Description, num_characters: int, sample: float) -> int:
    """Find the character that is sung at a sample of the song."""
    if description.path is not None:
        seconds = sample * description.duration / description.num_samples
        return int(description.path.character_at(seconds))
    return int(num_characters * sample / description.num_samples)
