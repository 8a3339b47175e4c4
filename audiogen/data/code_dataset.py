"""Clips of codes of one level, with the codes of the level above it, numbered without end."""

from typing import NotRequired, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from audiogen.data.clips import Clip, ClipPlan
from audiogen.data.code_store import CodeStore
from audiogen.errors import UserError


class CodeClip(TypedDict):
    """One clip."""

    codes: Tensor  # (frame,) int64
    upper_codes: NotRequired[Tensor]  # (upper_frame,) int64; the same stretch of sound
    track: int  # index in store.tracks
    start: int  # first frame at this level


class CodeDataset(Dataset[CodeClip]):
    """Clips of the tracks of one split; item i is a pure function of (seed, i)."""

    def __init__(
        self,
        store: CodeStore,
        split: str,
        level: int,
        context_length: int,
        seed: int,
        has_upper: bool,
    ) -> None:
        """Plan clips of `context_length` frames of `level`.

        With `has_upper`, clips start where a frame of the level above starts.

        Raises:
            UserError: the split has no track, none is long enough, there is no level above, or a
                clip does not cover whole frames of it.
        """
        self.store, self.level, self.context_length = store, level, context_length
        self.upper_ratio = _upper_ratio(store, level) if has_upper else None
        if self.upper_ratio and context_length % self.upper_ratio:
            raise UserError(
                f"context_length {context_length} is no multiple of {self.upper_ratio}, the frames "
                f"of level {level} in one frame of level {level + 1}"
            )
        inside = np.array([track.split == split for track in store.tracks])
        if not inside.any():
            names = ", ".join(repr(name) for name in store.splits)
            raise UserError(f"{store.folder}: no track in split '{split}'; it has {names}")
        lengths = np.where(inside, store.num_frames(level), 0)
        unit = f"frames of level {level}"
        self.plan = ClipPlan(lengths, context_length, seed, self.upper_ratio or 1, unit=unit)

    def __len__(self) -> int:
        """Return the items of one epoch; items go on beyond it."""
        return self.plan.num_clips

    def __getitem__(self, item: int) -> CodeClip:
        """Read item `item` of the endless order."""
        return self._read(self.plan.clip(item))

    def evenly(self, count: int) -> list[CodeClip]:
        """Read at most `count` fixed clips, spread over the split."""
        return [self._read(clip) for clip in self.plan.evenly(count)]

    def num_samples(self, track: int) -> int:
        """Return the audio samples that the codes of a track stand for."""
        return int(self.store.num_frames(self.level)[track]) * self.store.hop_lengths[self.level]

    def _read(self, clip: Clip) -> CodeClip:
        codes = self.store.read(self.level, clip.track, clip.start, self.context_length)
        made: CodeClip = {
            "codes": torch.from_numpy(codes),
            "track": clip.track,
            "start": clip.start,
        }
        if self.upper_ratio:
            start, length = (n // self.upper_ratio for n in (clip.start, self.context_length))
            upper = self.store.read(self.level + 1, clip.track, start, length)
            made["upper_codes"] = torch.from_numpy(upper)
        return made


def _upper_ratio(store: CodeStore, level: int) -> int:
    if level + 1 >= len(store.hop_lengths):
        raise UserError(f"level {level} is the top level of {store.folder}: no codes above it")
    return store.hop_lengths[level + 1] // store.hop_lengths[level]
