"""Which part of which track is clip i: arithmetic only, a pure function of (seed, item).

Every track is divided into slots of about a clip's length. One epoch visits every slot of every
track once, in an order that a keyed permutation computes item by item, so nothing is stored and
nothing needs to be restored. Within its slot a clip is shifted at random and then kept inside the
track; so the first and the last frame of a song, where shifts pile up, are seen often.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiogen.errors import UserError

ROUNDS = 6
"""Rounds of the Feistel network; four are already hard to tell from chance."""


class Clip(NamedTuple):
    """A clip starts at `start` of the track with the index `track`."""

    track: int
    start: int


class ClipPlan:
    """The clips of a collection, in a shuffled order without end."""

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        clip_length: int,
        seed: int,
        multiple: int = 1,
        *,
        unit: str = "samples",
    ) -> None:
        """Plan clips of `clip_length` out of tracks with these lengths.

        Tracks shorter than a clip are left out. Starts are multiples of `multiple`. `unit` names
        what is counted, in error messages.

        Raises:
            UserError: no track is as long as a clip.
        """
        if clip_length < 1 or multiple < 1:
            raise ValueError(f"clip_length {clip_length} and multiple {multiple} must be positive")
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self.clip_length, self.seed, self.multiple = clip_length, seed, multiple
        slots = np.where(self._lengths >= clip_length, -(-self._lengths // clip_length), 0)
        self._first_slot = np.concatenate([[0], np.cumsum(slots)])
        self.num_clips = int(self._first_slot[-1])
        """Items of one epoch."""
        if self.num_clips == 0:
            longest = max((int(length) for length in self._lengths), default=0)
            raise UserError(
                f"no track is long enough: a clip takes {clip_length} {unit}, the longest of "
                f"{len(self._lengths)} tracks has {longest}; use a shorter clip or longer songs"
            )

    def clip(self, item: int) -> Clip:
        """Return clip number `item` of the endless order, counted from 0."""
        if item < 0:
            raise ValueError(f"item {item} must not be negative")
        epoch, place = divmod(item, self.num_clips)
        slot = permuted(place, self.num_clips, key=(self.seed, epoch))
        return self._in_slot(slot, uniform(self.seed, item))

    def evenly(self, count: int) -> list[Clip]:
        """Return at most `count` fixed clips, spread over the whole collection."""
        count = min(count, self.num_clips)
        return [
            self._in_slot((2 * number + 1) * self.num_clips // (2 * count), 0.5)
            for number in range(count)
        ]

    def _in_slot(self, slot: int, shift: float) -> Clip:
        track = int(np.searchsorted(self._first_slot, slot, side="right")) - 1
        number = slot - int(self._first_slot[track])
        num_slots = int(self._first_slot[track + 1] - self._first_slot[track])
        length = int(self._lengths[track])
        middle = int((number + shift) * length / num_slots)
        start = min(max(middle - self.clip_length // 2, 0), length - self.clip_length)
        return Clip(track, start - start % self.multiple)


def uniform(*key: int) -> float:
    """Return a number in [0, 1) that is a pure function of integers."""
    return (_bits(*key) >> 11) / 2**53


def permuted(place: int, size: int, key: tuple[int, ...]) -> int:
    """Return where the permutation of range(`size`) named by `key` sends `place`.

    A Feistel network permutes the next power of four; places outside are walked on until they
    fall inside, which keeps it a permutation.
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    while True:
        place = _feistel(place, half, key)
        if place < size:
            return place


def _feistel(place: int, half: int, key: tuple[int, ...]) -> int:
    mask = (1 << half) - 1
    left, right = place >> half, place & mask
    for number in range(ROUNDS):
        left, right = right, left ^ (_bits(*key, number, right) & mask)
    return left << half | right


def _bits(*key: int) -> int:
    """Return 64 bits that are a pure function of integers of any size."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
