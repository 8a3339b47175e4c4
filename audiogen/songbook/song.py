"""A song as written down: notes, words, chords and sections; data, no parsing.

Times are exact fractions of quarter notes, counted from the section's downbeat: a pickup lies
before zero.
"""

from dataclasses import dataclass
from fractions import Fraction

from audiogen.errors import UserError

METRES = {"4/4": Fraction(4), "2/4": Fraction(2), "3/4": Fraction(3), "6/8": Fraction(3)}
"""Length of a bar in quarter notes."""
QUALITIES = ("", "m", "7", "9", "6", "maj7", "m7")


@dataclass(frozen=True)
class Place:
    """Where something is written; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def error(self, rule: str) -> UserError:
        """Return the error that says which rule is broken here."""
        return UserError(f"{self.file}:{self.line}:{self.column}: {rule}")


@dataclass(frozen=True)
class Note:
    """One note of the melody; tied notes are one note."""

    start: Fraction  # quarter notes after the section's downbeat
    length: Fraction
    midi: int
    syllable: int  # index over all syllables of the section


@dataclass(frozen=True)
class Word:
    """One word as written: its display text and its syllables."""

    text: str
    syllables: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Chord:
    """A chord that lasts until the next one."""

    start: Fraction
    root: int  # pitch class, 0 = C
    quality: str  # one of QUALITIES


@dataclass(frozen=True)
class Section:
    """A verse or chorus: melody, chords and words that belong together."""

    label: str
    notes: tuple[Note, ...]
    chords: tuple[Chord, ...]
    words: tuple[Word, ...]
    lines: tuple[int, ...]  # index of the first word of every written line
    length: Fraction  # whole bars from the downbeat


@dataclass(frozen=True)
class Song:
    """One song as written down."""

    name: str  # the file's name without suffix
    title: str
    credit: str
    family: str
    metre: str
    tempo: float  # quarter notes a minute of the plain form
    tonic: int  # pitch class
    mode: str  # maj, min or dor
    sections: tuple[Section, ...]
    overrides: tuple[tuple[str, str], ...] = ()  # (word, phonemes) that hold in this song only

    @property
    def bar(self) -> Fraction:
        """Length of a bar in quarter notes."""
        return METRES[self.metre]

    @property
    def lowest(self) -> int:
        """Lowest note of the melody (MIDI)."""
        return min(note.midi for section in self.sections for note in section.notes)

    @property
    def highest(self) -> int:
        """Highest note of the melody (MIDI)."""
        return max(note.midi for section in self.sections for note in section.notes)

    def section(self, label: str) -> Section | None:
        """Return the section of that label, if it is written."""
        return next((section for section in self.sections if section.label == label), None)
