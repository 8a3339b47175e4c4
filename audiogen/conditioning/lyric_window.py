"""Which characters of the lyrics belong to a window of the song; arithmetic only.

Characters are counted in `normalize_lyrics(lyrics)`. The middle of the window is looked up on a
path from seconds to characters where the words have times, else taken from the share of the song
that has passed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiogen.conditioning.vocabulary import normalize_lyrics
from audiogen.data.manifest import Word

REACH = 60
"""Letters that the search for the next word may pass over: a repeat or a heading without times."""


class LyricWindow(NamedTuple):
    """The lyrics around one window of a song."""

    tokens: list[int]  # as many as the model reads; 0 is padding, or a letter it does not know
    characters: list[int]  # for each token its place in `normalize_lyrics(lyrics)`; -1 is padding

    @property
    def first_character(self) -> int:
        """Place of the first token that is no padding; 0 where there is none."""
        return next((place for place in self.characters if place >= 0), 0)


class SungPath(NamedTuple):
    """Where in the lyrics the singer is, at some times; between them, evenly on."""

    seconds: list[float]  # never falling
    characters: list[int]  # never falling

    def character_at(self, seconds: float) -> float:
        """Return the place reached after `seconds`, from the first word's to the last word's."""
        return float(np.interp(seconds, self.seconds, self.characters))


def window_around(tokens: Sequence[int], center: int, size: int) -> LyricWindow:
    """Take `size` (even) tokens around `center`; too few are padded with 0 on the left.

    Near the first and the last token the window stays inside the lyrics.
    """
    padding = max(size - len(tokens), 0)
    first = min(max(center - size // 2, 0), len(tokens) - size + padding)
    taken = range(first, first + size - padding)
    return LyricWindow(
        tokens=[0] * padding + [tokens[place] for place in taken],
        characters=[-1] * padding + list(taken),
    )


def sung_path(lyrics: str, words: Sequence[Word]) -> SungPath | None:
    """Find the timed words, in order, in the lyrics; None unless most of them are there.

    Letters and digits alone are compared, without case, so that other punctuation, spacing and
    scripts without spaces do no harm.
    """
    text = normalize_lyrics(lyrics)
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    timed = [(word, spelled) for word in words if (spelled := _letters(word.text))]
    found = _find_in_order([spelled for _, spelled in timed], _letters(text))
    if 2 * sum(start is not None for start in found) <= len(found):
        return None
    path = SungPath([], [])
    for (word, spelled), start in zip(timed, found, strict=True):
        if start is not None:
            _go_on(path, word.start, places[start])
            _go_on(path, word.end, places[start + len(spelled) - 1] + 1)
    return path


def _find_in_order(words: Sequence[str], letters: str) -> list[int | None]:
    """Return where in `letters` each word begins, after the word before it; None: not nearby."""
    starts: list[int | None] = []
    cursor, missed = 0, 0
    for word in words:
        start = letters.find(word, cursor, cursor + missed + len(word) + REACH)
        if start < 0:
            # The lyrics may hold another spelling of it, so the next may lie as much further.
            missed += len(word)
            starts.append(None)
        else:
            cursor, missed = start + len(word), 0
            starts.append(start)
    return starts


def _go_on(path: SungPath, seconds: float, character: int) -> None:
    """Extend the path; it never turns back, whatever the times say."""
    path.seconds.append(max([seconds, *path.seconds[-1:]]))
    path.characters.append(character)


def _letters(text: str) -> str:
    """Keep letters and digits, in lower case wherever that is one character too."""
    kept = (letter for letter in normalize_lyrics(text) if letter.isalnum())
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in kept)
