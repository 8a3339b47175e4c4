"""What a genre is made of: layers of patterns, a lead, kits, and a vocal treatment.

Drum bars are strings of steps, a digit is a velocity in ninths, a dot is silence. Bars of the
other layers are tokens that share the bar evenly:
`.` silence, `-` hold, `D`/`U` down- and upstroke, `B` the whole chord, `W` a walking bass note,
and the degrees 1 3 5 6 b7 8 10 12 of the chord. Several bars take turns.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Bars = Mapping[str, tuple[str, ...]]
"""Metre of the groove -> bars that take turns."""

WITH_MELODY = ("verse", "chorus", "break")


@dataclass(frozen=True)
class Layer:
    """A part of the accompaniment that repeats bar by bar."""

    stem: str
    instruments: tuple[str, ...]  # artist and seed draw one
    bars: Bars
    low: int  # lowest root (MIDI); center of the chord where the voicing is close
    velocity: float
    voicing: str = "close"  # close, guitar or power
    gate: float = 0.95  # share of its steps that a note sounds
    strum_seconds: float = 0.0
    every: int = 1  # sounds in the last of so many bars
    sections: tuple[str, ...] = ("intro", *WITH_MELODY)


@dataclass(frozen=True)
class Lead:
    """The instrument of the break, and how it answers the voice."""

    instruments: tuple[str, ...]
    low: int  # MIDI
    high: int  # MIDI
    fill: str  # scale, thirds or held
    scale: str  # blues or pentatonic
    fill_chance: float  # of every gap that the voice leaves
    velocity: float = 0.7


@dataclass(frozen=True)
class VocalTreatment:
    """What the genre asks of every voice; the artist's own habits stay otherwise."""

    vibrato_scale: float = 1.0
    vibrato_at_least: float = 0.0  # cents
    portamento: float | None = None  # seconds
    scoop_at_least: float = 0.0  # semitones
    formant_db_at_least: float = 0.0
    reverb_more_seconds: float = 0.0
    reverb_more: float = 0.0
    ducking: bool = False
    delay_beats: float = 0.0
    drive: float = 0.0


@dataclass(frozen=True)
class Genre:
    """One genre."""

    name: str
    tempo: tuple[float, float]  # quarter notes a minute
    swing: float
    keeps: tuple[str, ...]  # metres besides 4/4 that stay as they are
    harmony: str  # plain, sevenths or jazz
    kits: tuple[Mapping[str, str], ...]  # role -> drum; artist and seed draw one
    drums: Mapping[str, Bars]  # role -> bars
    layers: tuple[Layer, ...]
    lead: Lead
    vocal: VocalTreatment
    fills: bool = False  # drum fill at the end of every fourth bar
    crash_every: int = 0  # bars; 0 = only where a section starts, with fills
