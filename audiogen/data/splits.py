"""Which songs are held out for validation: by song, the same on every machine."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiogen.data.manifest import Track

VALIDATION_SHARE = 0.1


def with_splits(tracks: Sequence["Track"]) -> tuple["Track", ...]:
    """Give every track a split, "train" or "validation", unless some track names one already.

    Copies of one recording go to one side together. About a tenth of the songs is held out: at
    least one where there are two or more, and never all of them. Moving or renaming files whose
    bytes are known changes nothing.
    """
    if any(track.split for track in tracks):
        return tuple(tracks)
    songs = same_recordings(tracks)
    draws = [min(_draw(tracks[position]) for position in song) for song in songs]
    in_order = sorted(range(len(songs)), key=lambda index: draws[index])
    count = sum(draw < VALIDATION_SHARE for draw in draws)
    held_out = in_order[: min(max(count, 1), len(songs) - 1)]
    validation = {position for index in held_out for position in songs[index]}
    return tuple(
        track.model_copy(update={"split": "validation" if position in validation else "train"})
        for position, track in enumerate(tracks)
    )


def same_recordings(tracks: Sequence["Track"]) -> list[list[int]]:
    """Group the positions of tracks that are copies of one recording.

    Copies have equal bytes, or equal artist and title (one song in several formats).
    """
    parent = list(range(len(tracks)))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    first: dict[tuple[str, ...], int] = {}
    for position, track in enumerate(tracks):
        for name in _names(track):
            parent[root(position)] = root(first.setdefault(name, position))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for position in range(len(tracks)):
        groups[root(position)].append(position)
    return list(groups.values())


def _names(track: "Track") -> list[tuple[str, ...]]:
    names: list[tuple[str, ...]] = []
    if track.sha256:
        names.append(("sha256", track.sha256))
    # A title alone ("Intro", "Track 1") says too little.
    if track.title.strip() and track.artist.strip():
        names.append(("title", track.artist.casefold().strip(), track.title.casefold().strip()))
    return names


def _draw(track: "Track") -> float:
    digest = hashlib.sha256((track.sha256 or track.path).encode()).digest()
    return int.from_bytes(digest[:8], "little") / 2**64
