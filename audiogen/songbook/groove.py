"""Where notated beats sound: metre conversion, stretch, tempo and swing; arithmetic only.

Positions are fractions of quarter notes. A notated position counts from a section's downbeat
(pickups are negative); a groove position counts from the start of the track.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from audiogen.songbook.song import METRES, Song

STRETCHES = (Fraction(1), Fraction(1, 2), Fraction(2))
SHORTEST_NOTE_SECONDS = 0.12
TEMPO_FACTORS = (0.94, 1.0, 1.06)


@dataclass(frozen=True)
class Grid:
    """How a song's positions become seconds in one track."""

    notated_metre: str
    metre: str  # of the groove: 4/4, 3/4 or 6/8
    stretch: Fraction  # groove beats a notated beat, after the metre's conversion
    tempo: float  # quarter notes a minute of the groove
    swing: float  # share of a beat that its first half takes; 0.5 is straight

    @property
    def bar(self) -> Fraction:
        """Length of a groove bar in quarter notes."""
        return METRES[self.metre]

    @property
    def beat(self) -> Fraction:
        """Length of a groove beat in quarter notes: 6/8 counts dotted quarters."""
        return Fraction(3, 2) if self.metre == "6/8" else Fraction(1)

    def groove_position(self, notated: Fraction) -> Fraction:
        """Convert a notated position into groove quarter notes after the same downbeat."""
        if self.metre == "4/4" and self.notated_metre == "3/4":
            notated = _first_beat_doubled(notated)
        elif self.metre == "4/4" and self.notated_metre == "6/8":
            notated = _eighths_as_long_short_short(notated)
        return notated * self.stretch

    def seconds(self, position: Fraction) -> float:
        """Return when a groove position sounds, swing included."""
        beat = math.floor(position)
        inside = float(position - beat)
        if inside < 0.5:
            swung = inside * 2 * self.swing
        else:
            swung = self.swing + (inside - 0.5) * 2 * (1 - self.swing)
        return (beat + swung) * 60 / self.tempo


def _first_beat_doubled(notated: Fraction) -> Fraction:
    bar, inside = divmod(notated, 3)
    return bar * 4 + (inside * 2 if inside < 1 else inside + 1)


def _eighths_as_long_short_short(notated: Fraction) -> Fraction:
    # A group of three eighths (3/2 quarter notes) becomes 1, 1/2, 1/2.
    group, inside = divmod(notated, Fraction(3, 2))
    return group * 2 + (inside * 2 if inside < Fraction(1, 2) else inside + Fraction(1, 2))


def choose_grid(
    song: Song,
    tempo_range: tuple[float, float],
    keeps: tuple[str, ...],
    swing: float,
    tempo_factor: float = 1.0,
) -> Grid:
    """Choose metre, stretch and tempo of a track.

    The sung tempo stays as near to the song's as the genre's range allows, among the choices in
    which no note gets shorter than SHORTEST_NOTE_SECONDS at the fastest tempo factor.

    Args:
        song: what is sung.
        tempo_range: groove quarter notes a minute of the genre.
        keeps: metres besides 4/4 that the genre plays as they are.
        swing: share of a beat that its first half takes.
        tempo_factor: one of TEMPO_FACTORS.
    """
    metre = song.metre if song.metre in keeps else "4/4"
    # Compound metre has its own lilt; a swung eighth would limp.
    swing = 0.5 if metre == "6/8" else swing
    longer = Fraction(4, 3) if metre == "4/4" and song.metre in ("3/4", "6/8") else Fraction(1)
    choices = []
    for stretch in STRETCHES:
        wanted = song.tempo * float(longer * stretch)
        fastest = _fastest_tempo(song, Grid(song.metre, metre, stretch, 60.0, swing))
        tempo = max(min(wanted, tempo_range[1], fastest), tempo_range[0])
        too_fast = max(0.0, round(tempo - fastest, 9))
        choices.append((too_fast, abs(math.log(tempo / wanted)), stretch, tempo))
    _, _, stretch, tempo = min(choices, key=lambda choice: choice[:2])
    return Grid(song.metre, metre, stretch, float(math.floor(tempo * tempo_factor + 1e-6)), swing)


def _fastest_tempo(song: Song, grid: Grid) -> float:
    """Return the fastest tempo whose highest factor, in whole beats, leaves every note singable."""
    limit = shortest_note(song, grid) * grid.tempo / SHORTEST_NOTE_SECONDS
    return (math.floor(limit + 1e-6) + 0.999) / max(TEMPO_FACTORS)


def shortest_note(song: Song, grid: Grid) -> float:
    """Return the seconds of the shortest note of the melody in this grid."""
    return min(
        grid.seconds(grid.groove_position(note.start + note.length))
        - grid.seconds(grid.groove_position(note.start))
        for section in song.sections
        for note in section.notes
    )
