"""Which tracks a corpus holds, in which order and split; arithmetic on names, no sound.

A family joins all songs that share a tune or words. Families, never tracks, go to a split, and
so do artist-genre pairs: `test_pair` hears pairs that training never does.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audiogen.errors import UserError
from audiogen.songbook.arrangement import grid_of, planned_duration, transpositions
from audiogen.songbook.artists import Artist
from audiogen.songbook.form import FormName
from audiogen.songbook.genre import Genre
from audiogen.songbook.groove import TEMPO_FACTORS
from audiogen.songbook.harmony import key_name
from audiogen.songbook.song import Song

VALIDATION_FAMILIES = frozenset({"clementine", "long-long-ago", "yankee-doodle"})
TEST_FAMILIES = frozenset(
    [
        "new-britain",
        "oh-susanna",
        "silent-night",
        "drunken-sailor",
        "auld-lang-syne",
        "john-browns-body",
    ]
)
TEST_SPLITS = ("test_song", "test_pair", "test_both")
TEST_SHARE = 0.05
"""Share of the seconds that each test split gets, where tests are included."""


@dataclass(frozen=True)
class TrackPlan:
    """One track to be made."""

    song: Song
    genre: Genre
    artist: Artist
    shift: int  # semitones from the notated key
    tempo_factor: float
    form: FormName
    split: str
    seed: int

    @property
    def key(self) -> str:
        """The key that sounds, like "Eb:maj"."""
        return key_name(self.song, self.shift)

    @property
    def tempo(self) -> float:
        """Quarter notes a minute of the groove."""
        return grid_of(self.song, self.genre, self.tempo_factor).tempo

    @property
    def metre(self) -> str:
        """Metre of the groove, which sounds; 2/4 is played as 4/4."""
        return grid_of(self.song, self.genre, self.tempo_factor).metre

    @property
    def duration(self) -> float:
        """Planned seconds."""
        return planned_duration(self.song, self.genre, self.tempo_factor, self.form)

    @property
    def name(self) -> str:
        """Name of its files, unique in a corpus: song.artist.genre.key.tempo."""
        root, mode = self.key.split(":")
        key = root.replace("#", "s") + {"maj": "", "min": "m", "dor": "dor"}[mode]
        labels = (self.song.name, self.artist.slug, self.genre.name, key, f"{self.tempo:03.0f}")
        return ".".join(labels)


def split_of(family: str, artist: Artist, genre: Genre) -> str | None:
    """Return the split of a song family sung by an artist in a genre.

    None where it belongs nowhere: a pair that the artist neither trains nor holds out, or a
    validation family in a held-out pair.
    """
    trained = genre.name in artist.trained
    if not trained and genre.name != artist.held_out:
        return None
    if family in TEST_FAMILIES:
        return "test_song" if trained else "test_both"
    if family in VALIDATION_FAMILIES:
        return "validation" if trained else None
    return "train" if trained else "test_pair"


def plan_tracks(
    songs: Sequence[Song],
    genres: Sequence[Genre],
    artists: Sequence[Artist],
    *,
    hours: float,
    seed: int,
    form: FormName,
    validation_share: float,
    include_tests: bool,
) -> list[TrackPlan]:
    """Choose tracks until `hours` of sound are planned; at least one a split that has a share.

    Splits are interleaved by their share of the seconds; inside a split, artist-genre pairs and
    songs take turns, so the first few tracks already hold every pair, and validation its
    families. No (song, artist, genre, key, tempo) comes twice.

    Raises:
        UserError: no pair is trained, or the songbook cannot fill so many hours.
    """
    queues = _queues(songs, genres, artists, seed, form)
    shares = {"train": 1.0, "validation": validation_share}
    shares |= dict.fromkeys(TEST_SPLITS, TEST_SHARE) if include_tests else {}
    shares = {split: share for split, share in shares.items() if share > 0 and queues[split]}
    if "train" not in shares:
        raise UserError("none of these artists sings any of these genres in training")
    shares["train"] = 1.0 - sum(share for split, share in shares.items() if split != "train")
    return _interleaved({split: iter(queues[split]) for split in shares}, shares, hours * 3600)


def _interleaved(
    queues: dict[str, Iterator[TrackPlan]], shares: dict[str, float], seconds: float
) -> list[TrackPlan]:
    tracks: list[TrackPlan] = []
    made = dict.fromkeys(queues, 0.0)
    while sum(made.values()) < seconds or not all(made.values()):
        total = sum(made.values())
        # The split that lags most behind its share; train first.
        split = max(queues, key=lambda name: shares[name] * (total + 1) - made[name])
        track = next(queues[split], None)
        if track is None:
            raise UserError(
                f"the songbook has no more {split} tracks after {total / 3600:.2f} h; ask for "
                "fewer hours, or for more genres and artists"
            )
        tracks.append(track)
        made[split] += track.duration
    return tracks


def _queues(
    songs: Sequence[Song],
    genres: Sequence[Genre],
    artists: Sequence[Artist],
    seed: int,
    form: FormName,
) -> dict[str, "_Queue"]:
    members: dict[str, dict[tuple[str, str], tuple[Artist, Genre, list[Song]]]] = {}
    for artist, genre, song in itertools.product(artists, genres, songs):
        split = split_of(song.family, artist, genre)
        if split and transpositions(song, artist):
            pairs = members.setdefault(split, {})
            pairs.setdefault(_pair_key(artist, genre), (artist, genre, []))[2].append(song)
    splits = ("train", "validation", *TEST_SPLITS)
    return {
        split: _Queue(list(members.get(split, {}).values()), seed, split, form) for split in splits
    }


def _pair_key(artist: Artist, genre: Genre) -> tuple[str, str]:
    return artist.name, genre.name


class _Queue:
    """The tracks of one split, best first; computed as they are asked for."""

    def __init__(
        self,
        pairs: list[tuple[Artist, Genre, list[Song]]],
        seed: int,
        split: str,
        form: FormName,
    ) -> None:
        self._pairs = _taking_turns(pairs, seed)
        self._seed, self._split, self._form = seed, split, form

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def __iter__(self) -> Iterator[TrackPlan]:
        """Yield round after round: every pair once a round, each with another song."""
        most = max(len(songs) for _, _, songs in self._pairs)
        variants = len(TEMPO_FACTORS) * 3
        for number in range(most * variants):
            for place, (artist, genre, songs) in enumerate(self._pairs):
                ordered = sorted(songs, key=lambda song: _draw(self._seed, song.name))
                cycle, index = divmod(number, len(ordered))
                song = ordered[(index + place) % len(ordered)]
                plans = self._variants(song, artist, genre)
                if cycle < len(plans):
                    shift, factor = plans[cycle]
                    yield self._plan(song, artist, genre, shift, factor)

    def _variants(self, song: Song, artist: Artist, genre: Genre) -> list[tuple[int, float]]:
        choices = itertools.product(transpositions(song, artist), TEMPO_FACTORS)
        label = (self._seed, song.name, artist.name, genre.name)
        return sorted(choices, key=lambda choice: _draw(*label, *choice))

    def _plan(
        self, song: Song, artist: Artist, genre: Genre, shift: int, factor: float
    ) -> TrackPlan:
        seed = _draw(self._seed, song.name, artist.name, genre.name, shift, factor)
        return TrackPlan(song, genre, artist, shift, factor, self._form, self._split, seed)


def _taking_turns(
    pairs: list[tuple[Artist, Genre, list[Song]]], seed: int
) -> list[tuple[Artist, Genre, list[Song]]]:
    """Order pairs so that every prefix uses artists and genres as evenly as it can."""
    left = sorted(pairs, key=lambda pair: _draw(seed, pair[0].name, pair[1].name))
    used: Counter[str] = Counter()
    ordered = []
    while left:
        pair = min(left, key=lambda pair: used[pair[0].name] + used[pair[1].name])
        left.remove(pair)
        ordered.append(pair)
        used.update((pair[0].name, pair[1].name))
    return ordered


def _draw(*labels: object) -> int:
    """Return 48 bits that depend on the labels alone."""
    text = "/".join(str(label) for label in labels)
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
