"""Clips of codes with their labels: what a prior's training and validation read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from audiogen.conditioning.labels import Description, LabelEncoder, Labels, drop_labels_at_random
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.data.clips import uniform
from audiogen.data.code_dataset import CodeDataset
from audiogen.data.manifest import Track
from audiogen.errors import UserError
from audiogen.prior.model import PriorConfig

LABEL_STREAM, LYRIC_STREAM = 2, 3
"""Tell the draws that withhold labels and lyrics from those of the clip's place."""


class PriorBatch(NamedTuple):
    """A micro-batch of clips."""

    codes: Tensor  # (batch, frame) int64
    labels: Labels
    upper_codes: Tensor | None  # (batch, upper_frame) int64


class LabeledClips(Dataset[PriorBatch]):
    """Clips of codes with the labels of their place, as batches of one.

    Args:
        clips: of one level.
        tracks: of the store, in its order.
        encoder: writes labels in the model's vocabulary.
        config: of the prior.
        seed: of the draws that withhold labels; None withholds none.
    """

    def __init__(
        self,
        clips: CodeDataset,
        tracks: Sequence[Track],
        encoder: LabelEncoder,
        config: PriorConfig,
        seed: int | None,
    ) -> None:
        self.clips, self.tracks, self.encoder = clips, tracks, encoder
        self.config, self.seed = config, seed
        # One a track: finding the words of a long text takes longer than the rest of a clip.
        self._descriptions: dict[int, Description] = {}

    def __getitem__(self, item: int) -> PriorBatch:
        """Give the clip of a running item number; a pure function of it."""
        batch = self.labeled(self.clips[item])
        if self.seed is None:
            return batch
        draws = [uniform(self.seed, item, stream) for stream in (LABEL_STREAM, LYRIC_STREAM)]
        labels, lyrics = self.config.labels, self.config.lyrics
        dropped = drop_labels_at_random(
            batch.labels,
            labels.drop_probability if labels and labels.null else 0.0,
            lyrics.drop_probability if lyrics else 0.0,
            torch.tensor([draws]),
        )
        return batch._replace(labels=dropped)

    def labeled(self, clip: Mapping[str, Any]) -> PriorBatch:
        """Label a clip of codes; nothing is withheld."""
        track, config = clip["track"], self.config
        description = self._description(track)
        offset = clip["start"] * config.hop_length
        labels = self.encoder.encode(description, offset, config.window_length_samples)
        upper = clip.get("upper_codes")
        return PriorBatch(
            torch.as_tensor(clip["codes"])[None],
            labels,
            None if upper is None else torch.as_tensor(upper)[None],
        )

    def _description(self, track: int) -> Description:
        if track not in self._descriptions:
            num_samples = self.clips.num_samples(track)
            described = known_description(self.tracks[track], num_samples, self.encoder)
            self._descriptions[track] = described
        return self._descriptions[track]


def join(clips: Sequence[PriorBatch]) -> PriorBatch:
    """Make one batch of several."""
    upper = [clip.upper_codes for clip in clips if clip.upper_codes is not None]
    return PriorBatch(
        torch.cat([clip.codes for clip in clips]),
        Labels.stack([clip.labels for clip in clips]),
        torch.cat(upper) if upper else None,
    )


def known_description(track: Track, num_samples: int, encoder: LabelEncoder) -> Description:
    """Describe a track by the labels that the model knows and has room for."""
    vocabulary = encoder.vocabulary
    return replace(
        Description.of_track(track, num_samples),
        artist="".join(known((track.artist,), vocabulary)),
        genres=known(track.genre, vocabulary, genres=True)[: encoder.max_genres],
    )


def known(names: Iterable[str], vocabulary: Vocabulary, *, genres: bool = False) -> tuple[str, ...]:
    """Keep the artists, or genres, that a vocabulary holds."""
    look_up: Callable[[str], object] = vocabulary.artist_id
    if genres:
        look_up = lambda name: vocabulary.genre_ids([name])  # noqa: E731
    kept = []
    for name in names:
        try:
            look_up(name)
        except UserError:
            continue
        kept.append(name)
    return tuple(kept)


def remarks_on_labels(
    tracks: Iterable[Track], vocabulary: Vocabulary, config: PriorConfig
) -> list[str]:
    """Say which labels of the training tracks the model cannot take, one sentence a kind."""
    trained = [track for track in tracks if track.split == "train"]
    remarks = []
    artists = {t.artist for t in trained} - {
        a for t in trained for a in known((t.artist,), vocabulary)
    }
    names = {genre for track in trained for genre in track.genre}
    unknown_genres = names - set(known(names, vocabulary, genres=True))
    for kind, unknown in (("artists", artists), ("genres", unknown_genres)):
        if unknown:
            remarks.append(
                f"{kind} that the model's vocabulary lacks count as unknown: {_some(unknown)}"
            )
    letters = sorted({x for t in trained for x in vocabulary.missing_characters(t.lyrics)})
    if letters and config.lyrics:
        remarks.append(
            "characters of the lyrics that the model's alphabet lacks are left blank: "
            + _some(map(repr, letters))
        )
    room = config.labels.max_genres if config.labels else None
    crowded = sum(len(track.genre) > room for track in trained) if room else 0
    if crowded:
        remarks.append(
            f"{crowded} tracks have more than {room} genres (prior.labels.max_genres); the first "
            "ones count"
        )
    return remarks


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    rest = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""
    return ", ".join(ordered[:10]) + rest
