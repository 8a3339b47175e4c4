"""The form of a track: which section sounds in which bars, and which chord where.

Positions are groove quarter notes from the start of the track (see `groove.py`).
"""

import bisect
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audiogen.songbook.groove import Grid
from audiogen.songbook.harmony import Harmony, reharmonized
from audiogen.songbook.song import Note, Section, Song

FormName = Literal["full", "short"]
TAIL_SECONDS = 1.5
"""Time for the last chord to ring out."""


@dataclass(frozen=True)
class PlacedSection:
    """A section in its place; its downbeat is a bar line of the groove."""

    label: str  # intro, verse, chorus, break or end
    source: Section  # what is sung or played; intro: whose chords are borrowed
    sung: bool
    start: Fraction
    length: Fraction  # whole groove bars


@dataclass(frozen=True)
class ChordSpan:
    """A chord and where it sounds."""

    start: Fraction
    end: Fraction
    harmony: Harmony


@dataclass(frozen=True)
class Layout:
    """All sections of a track, and the grid that they lie on."""

    grid: Grid
    sections: tuple[PlacedSection, ...]

    @property
    def end(self) -> Fraction:
        """Where the last bar ends."""
        last = self.sections[-1]
        return last.start + last.length

    @property
    def duration(self) -> float:
        """Seconds of the whole track, the ringing of the last chord included."""
        return self.grid.seconds(self.end) + TAIL_SECONDS


def lay_out(song: Song, grid: Grid, form: FormName) -> Layout:
    """Put the sections of a song one after the other.

    A pickup lies in the bar before its section; where the section before still sings there, one
    bar is added to it.
    """
    placed: list[PlacedSection] = []
    intro_bars = 4 if grid.metre == "3/4" else 2
    verse = song.sections[0]
    start = _bars(intro_bars, grid)
    placed.append(PlacedSection("intro", verse, False, Fraction(0), start))
    for label, source in _form(song, form):
        length = _whole_bars(grid.groove_position(source.length), grid)
        pickup = min(grid.groove_position(source.notes[0].start), Fraction(0))
        if _still_sounds(placed[-1], grid, start + pickup):
            placed[-1] = _lengthened(placed[-1], grid.bar)
            start += grid.bar
        placed.append(PlacedSection(label, source, label != "break", start, length))
        start += length
    placed.append(PlacedSection("end", verse, False, start, grid.bar))
    return Layout(grid, tuple(placed))


def _form(song: Song, form: FormName) -> list[tuple[str, Section]]:
    verse, chorus = song.sections[0], song.section("chorus")
    refrain = [("chorus", chorus)] if chorus else []
    if form == "short":
        return [("verse", verse), *refrain]
    second = song.section("verse2")
    # Nothing new to sing: the chorus alone comes back, or the verse, so that the voice ends.
    again = [("verse", second or verse)] if second or not refrain else []
    return [("verse", verse), *refrain, ("break", verse), *again, *refrain]


def _bars(count: int, grid: Grid) -> Fraction:
    return count * grid.bar


def _whole_bars(length: Fraction, grid: Grid) -> Fraction:
    return math.ceil(length / grid.bar) * grid.bar


def _lengthened(section: PlacedSection, more: Fraction) -> PlacedSection:
    whole = section.length + more
    return PlacedSection(section.label, section.source, section.sung, section.start, whole)


def _still_sounds(section: PlacedSection, grid: Grid, position: Fraction) -> bool:
    if section.label == "intro":
        return False
    last = section.source.notes[-1]
    return section.start + grid.groove_position(last.start + last.length) > position


def note_span(note: Note, section: PlacedSection, grid: Grid) -> tuple[Fraction, Fraction]:
    """Return the groove positions where a note of a placed section starts and ends."""
    start = section.start + grid.groove_position(note.start)
    return start, section.start + grid.groove_position(note.start + note.length)


def intro_cut(section: PlacedSection, grid: Grid) -> Fraction:
    """Return where in its verse (groove position) the intro starts: its last bars lead in."""
    length = _whole_bars(grid.groove_position(section.source.length), grid)
    return max(length - section.length, Fraction(0))


def chord_spans(
    layout: Layout, song: Song, shift: int, harmony: str, generator: random.Random
) -> tuple[ChordSpan, ...]:
    """Return the chords that are played, moved by `shift` and reharmonized, without gaps."""
    played: dict[tuple[int, str, int], Harmony] = {}
    starts: list[tuple[Fraction, Harmony]] = []
    for section in layout.sections:
        for start, chord in _written_chords(layout.grid, section, song):
            # Every second chorus of one chord may be colored anew, but not every bar.
            key = (chord.root, chord.quality, len(starts) // 16)
            if key not in played:
                moved = Harmony((chord.root + shift) % 12, chord.quality)
                tonic = (song.tonic + shift) % 12
                played[key] = reharmonized(moved, tonic, harmony, generator)
            starts.append((start, played[key]))
    return tuple(_joined(starts, layout.end))


def _written_chords(
    grid: Grid, section: PlacedSection, song: Song
) -> list[tuple[Fraction, Harmony]]:
    chords = [
        (grid.groove_position(max(chord.start, Fraction(0))), Harmony(chord.root, chord.quality))
        for chord in section.source.chords
    ]
    if section.label == "end":
        return [(section.start, chords[-1][1])]
    if section.label == "intro":
        cut = intro_cut(section, grid)
        before = [chord for start, chord in chords if start <= cut]
        chords = [(Fraction(0), before[-1])] + [(s - cut, chord) for s, chord in chords if s > cut]
    return [(section.start + start, chord) for start, chord in chords]


def _joined(starts: list[tuple[Fraction, Harmony]], end: Fraction) -> list[ChordSpan]:
    kept: list[tuple[Fraction, Harmony]] = []
    for start, harmony in starts:
        if kept and kept[-1][0] == start:
            kept.pop()
        if not kept or kept[-1][1] != harmony:
            kept.append((start, harmony))
    ends = [start for start, _ in kept[1:]] + [end]
    return [
        ChordSpan(start, stop, harmony) for (start, harmony), stop in zip(kept, ends, strict=True)
    ]


class ChordLookup:
    """Finds the chord at a position."""

    def __init__(self, spans: Sequence[ChordSpan]) -> None:
        self.spans = spans
        self._starts = [span.start for span in spans]

    def at(self, position: Fraction) -> ChordSpan:
        """Return the chord that sounds at `position`; the ends hold on outside."""
        index = bisect.bisect_right(self._starts, position) - 1
        return self.spans[min(max(index, 0), len(self.spans) - 1)]
