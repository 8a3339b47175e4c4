"""When every phoneme of a song sounds. Arithmetic only: no waveform is made here.

The vowel starts at its note. Consonants of the onset come before it, those of the coda end before
the next syllable begins.
"""

from dataclasses import dataclass
from typing import Literal

from audiogen.songbook.phonemes import natural_durations
from audiogen.songbook.score import Syllable

Role = Literal["onset", "vowel", "coda"]

MAX_CONSONANT_SHARE = 0.48
"""Consonants between two close syllables take at most this share of the time between vowels."""
PHRASE_GAP_SECONDS = 0.12


@dataclass(frozen=True)
class PlacedPhoneme:
    """One phoneme in time, with its neighbors where they color it."""

    symbol: str
    start: float  # seconds
    end: float
    role: Role
    vowel: str
    """The vowel of its syllable."""
    after: str = ""
    """The phoneme before it inside the onset or coda, or ""."""


@dataclass(frozen=True)
class PlacedSyllable:
    """A syllable whose phonemes have their times."""

    syllable: Syllable
    phonemes: tuple[PlacedPhoneme, ...]

    @property
    def start(self) -> float:
        """Start of the first phoneme, in seconds."""
        return self.phonemes[0].start

    @property
    def vowel(self) -> PlacedPhoneme:
        """The vowel, which starts at the first note."""
        return next(phoneme for phoneme in self.phonemes if phoneme.role == "vowel")

    @property
    def end(self) -> float:
        """End of the last phoneme, in seconds."""
        return self.phonemes[-1].end


def place_syllables(syllables: tuple[Syllable, ...]) -> list[PlacedSyllable]:
    """Give every phoneme of `syllables`, in the order sung, a start and an end."""
    onsets = [natural_durations(syllable.onset, is_coda=False) for syllable in syllables]
    codas = [natural_durations(syllable.coda, is_coda=True) for syllable in syllables]
    _squeeze_(syllables, onsets, codas)
    placed = []
    for index, syllable in enumerate(syllables):
        end = syllable.notes[-1].end
        if index + 1 < len(syllables):
            next_vowel = syllables[index + 1].notes[0].start
            end = min(end, next_vowel - sum(onsets[index + 1]))
        placed.append(_place(syllable, onsets[index], codas[index], end))
    return placed


def split_phrases(placed: list[PlacedSyllable]) -> list[list[PlacedSyllable]]:
    """Split at rests and at the phrase starts of the score; each phrase is sung by itself."""
    phrases: list[list[PlacedSyllable]] = []
    for syllable in placed:
        rested = not phrases or syllable.start - phrases[-1][-1].end > PHRASE_GAP_SECONDS
        if rested or syllable.syllable.phrase_start:
            phrases.append([])
        phrases[-1].append(syllable)
    return phrases


def _squeeze_(
    syllables: tuple[Syllable, ...], onsets: list[list[float]], codas: list[list[float]]
) -> None:
    """Shorten consonants in place where the notes leave them too little time; none is dropped."""
    vowels = [syllable.notes[0].start for syllable in syllables]
    if syllables and sum(onsets[0]) > vowels[0]:
        onsets[0] = _scaled(onsets[0], vowels[0] / sum(onsets[0]))
    for index in range(len(syllables) - 1):
        room = MAX_CONSONANT_SHARE * (vowels[index + 1] - vowels[index])
        wanted = sum(codas[index]) + sum(onsets[index + 1])
        if wanted > room:
            codas[index] = _scaled(codas[index], room / wanted)
            onsets[index + 1] = _scaled(onsets[index + 1], room / wanted)
    for index, syllable in enumerate(syllables):
        # A short last note before a rest binds its coda more tightly than the next vowel does.
        end = syllable.notes[-1].end
        if index + 1 < len(syllables):
            end = min(end, vowels[index + 1] - sum(onsets[index + 1]))
        room = MAX_CONSONANT_SHARE * (end - vowels[index])
        if sum(codas[index]) > room:
            codas[index] = _scaled(codas[index], room / sum(codas[index]))


def _scaled(seconds: list[float], factor: float) -> list[float]:
    return [second * max(factor, 0.0) for second in seconds]


def _place(syllable: Syllable, onset: list[float], coda: list[float], end: float) -> PlacedSyllable:
    vowel_start = syllable.notes[0].start
    phonemes: list[PlacedPhoneme] = []

    def append(symbols: tuple[str, ...], seconds: list[float], start: float, role: Role) -> None:
        before = ""
        for symbol, duration in zip(symbols, seconds, strict=True):
            phonemes.append(
                PlacedPhoneme(symbol, start, start + duration, role, syllable.vowel, before)
            )
            start += duration
            before = symbol

    append(syllable.onset, onset, vowel_start - sum(onset), "onset")
    append((syllable.vowel,), [end - sum(coda) - vowel_start], vowel_start, "vowel")
    append(syllable.coda, coda, end - sum(coda), "coda")
    return PlacedSyllable(syllable, tuple(phonemes))
