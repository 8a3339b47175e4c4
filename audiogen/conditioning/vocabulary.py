"""The names and letters that a model knows: artists, genres, and the alphabet of its lyrics.

All of them come from the data and travel with the model, so nobody edits source code to sing
other words.
"""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import NonNegativeInt, model_validator

from audiogen.config import Settings, validated
from audiogen.data.manifest import Track
from audiogen.errors import UserError
from audiogen.files import read_json, write_json

UNKNOWN = "unknown"
"""Artist 0 and genre 0: music that nobody has labeled."""

PADDING = ""
"""Token 0: fills lyrics shorter than their window, and stands for letters outside the alphabet."""


class Vocabulary(Settings):
    """Ids of artists, genres and lyric characters; the id is the place in the tuple."""

    artists: tuple[str, ...] = (UNKNOWN,)
    genres: tuple[str, ...] = (UNKNOWN,)
    alphabet: tuple[str, ...] = (PADDING,)

    artist_counts: tuple[NonNegativeInt, ...] = ()
    """Tracks of each artist, in the order of `artists`; empty where nobody counted."""

    genre_counts: tuple[NonNegativeInt, ...] = ()
    """Tracks of each genre, in the order of `genres`; empty where nobody counted."""

    pairs: tuple[tuple[str, str], ...] = ()
    """Every (artist, genre) that some track of the data has."""

    @classmethod
    def collect(cls, tracks: Iterable[Track]) -> Self:
        """Gather what `tracks` name and sing.

        Spellings that differ in case or spaces alone are one name, written as most tracks do.
        """
        labels = [(_names((track.artist,)), _names(track.genre), track.lyrics) for track in tracks]
        artists = _Tally(name for artist, _, _ in labels for name in artist)
        genres = _Tally(name for _, genre, _ in labels for name in genre)
        pairs = {
            (artists.spelling(artist), genres.spelling(genre))
            for track_artist, track_genres, _ in labels
            for artist in track_artist
            for genre in track_genres
        }
        letters = {letter for _, _, lyrics in labels for letter in normalize_lyrics(lyrics)}
        return cls(
            artists=artists.names,
            genres=genres.names,
            alphabet=(PADDING, *sorted(letters)),
            artist_counts=artists.counts,
            genre_counts=genres.counts,
            pairs=tuple(sorted(pairs)),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or damaged.
        """
        return validated(cls, read_json(path), source=str(path))

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON, whole or not at all."""
        write_json(path, self.to_json())

    def artist_id(self, name: str) -> int:
        """Look up an artist; "" and "unknown" are 0.

        Raises:
            UserError: the model has not met this artist; the sentence names the nearest.
        """
        return _look_up(name, self._artist_ids, self.artists, "artist")

    def genre_ids(self, names: Iterable[str]) -> list[int]:
        """Look up genres; "" and "unknown" are 0.

        Raises:
            UserError: the model has not met one of them; the sentence names the nearest.
        """
        return [_look_up(name, self._genre_ids, self.genres, "genre") for name in names]

    def encode_lyrics(self, text: str) -> list[int]:
        """Turn every character of `normalize_lyrics(text)` into its token.

        A character outside the alphabet becomes 0; `missing_characters` says which those are.
        """
        return [self._tokens.get(letter, 0) for letter in normalize_lyrics(text)]

    def missing_characters(self, text: str) -> list[str]:
        """List the characters of `text` outside the alphabet, each once, as they come."""
        letters = dict.fromkeys(normalize_lyrics(text))
        return [letter for letter in letters if letter not in self._tokens]

    @cached_property
    def _artist_ids(self) -> dict[str, int]:
        return _ids(self.artists)

    @cached_property
    def _genre_ids(self) -> dict[str, int]:
        return _ids(self.genres)

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {letter: token for token, letter in enumerate(self.alphabet)}

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        for names, counts, kind in (
            (self.artists, self.artist_counts, "artist"),
            (self.genres, self.genre_counts, "genre"),
        ):
            if names[:1] != (UNKNOWN,):
                raise ValueError(f"{kind}s must begin with '{UNKNOWN}'")
            if counts and len(counts) != len(names):
                raise ValueError(f"{len(counts)} {kind}_counts for {len(names)} {kind}s")
        if self.alphabet[:1] != (PADDING,) or any(len(letter) != 1 for letter in self.alphabet[1:]):
            raise ValueError("alphabet must be an empty text followed by single characters")
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError("alphabet holds a character twice")
        return self


def normalize_lyrics(text: str) -> str:
    r"""Compose letters with their accents (Unicode NFC) and end every line with a newline.

    Tokens, and the character indices of a lyric window, count the characters of this text.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines)


class _Tally:
    """Names with the number of tracks each has; id 0 is "unknown", the rest is sorted."""

    def __init__(self, names: Iterable[str]):
        spellings: dict[str, Counter[str]] = {UNKNOWN: Counter()}
        for name in names:
            spellings.setdefault(_key(name), Counter())[name] += 1
        unknown = spellings.pop(UNKNOWN).total()
        self._spellings = {
            # The first in order among equally frequent spellings, not the first in the data.
            key: Counter(dict(sorted(seen.items()))).most_common(1)[0][0]
            for key, seen in spellings.items()
        }
        keys = sorted(spellings)
        self.names = (UNKNOWN, *(self._spellings[key] for key in keys))
        self.counts = (unknown, *(spellings[key].total() for key in keys))

    def spelling(self, name: str) -> str:
        """Return the one spelling that stands for `name`."""
        return self._spellings.get(_key(name), UNKNOWN)


def _names(names: Sequence[str]) -> list[str]:
    """Tidy the names of one track; a track without any counts as unknown."""
    tidied = [_tidy(name) for name in names]
    one_of_each = {_key(name): name for name in tidied if name}
    return list(one_of_each.values()) or [UNKNOWN]


def _tidy(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _key(name: str) -> str:
    return _tidy(name).casefold()


def _ids(names: Sequence[str]) -> dict[str, int]:
    """Map every name, and its casefolded form, to its id; of equal forms the first counts."""
    ids = {"": 0}
    for key in (str, _key):
        for index, name in enumerate(names):
            ids.setdefault(key(name), index)
    return ids


def _look_up(name: str, ids: Mapping[str, int], names: Sequence[str], kind: str) -> int:
    found = ids.get(name, ids.get(_key(name)))
    if found is None:
        raise UserError(
            f"{kind} '{name}': the model does not know it; the nearest is "
            f"'{_nearest(name, names)}' (vocabulary.json in the model's folder, or "
            "'audiogen doctor --model FOLDER', lists all)"
        )
    return found


def _nearest(name: str, names: Sequence[str]) -> str:
    spellings = {_key(known): known for known in names}
    # A cutoff of zero: there is always a nearest name.
    return spellings[difflib.get_close_matches(_key(name), spellings, n=1, cutoff=0.0)[0]]
