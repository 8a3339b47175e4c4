"""Drums, bass and chords of a track: a genre's patterns over a song's bars and chords."""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from audiogen.songbook.form import ChordLookup, Layout, PlacedSection
from audiogen.songbook.genre import Genre, Layer
from audiogen.songbook.harmony import (
    Harmony,
    bass_note,
    close_voicing,
    folded,
    guitar_voicing,
    power_voicing,
)
from audiogen.songbook.score import Event

SECTION_VELOCITY = {"intro": 0.85, "verse": 0.85, "chorus": 1.0, "break": 0.95, "end": 0.9}
HIT_SECONDS = 0.25
_FAVORITE_SHARE = 0.65
_FILL = "....6788"  # snare velocities in the last eight sixteenths before a new section
T = TypeVar("T")


def drawn(choices: Sequence[T], instrument_seed: int, slot: str, generator: random.Random) -> T:
    """Choose one: mostly the artist's favorite for this slot, else whatever the track draws."""
    favorite = zlib.crc32(f"{instrument_seed}/{slot}".encode()) % len(choices)
    keeps, draw = generator.random() < _FAVORITE_SHARE, generator.random()
    return choices[favorite if keeps else int(draw * len(choices))]


def decimal(seconds: float) -> float:
    """Round to microseconds, so that scores are equal on every machine."""
    return round(seconds, 6)


@dataclass
class Accompanist:
    """Plays the patterns of one genre; every random choice comes from `generator`."""

    layout: Layout
    chords: ChordLookup
    genre: Genre
    instrument_seed: int
    generator: random.Random

    def play(self) -> list[Event]:
        """Return all events of drums, bass and chords (and the layers of the lead stem)."""
        events = list(self._drums())
        for number, layer in enumerate(self.genre.layers):
            slot = f"{self.genre.name}/{number}"
            instrument = drawn(layer.instruments, self.instrument_seed, slot, self.generator)
            for section in self.layout.sections:
                if section.label in layer.sections:
                    events += self._layer(layer, instrument, section)
            if layer.stem != "lead" and "intro" in layer.sections:
                events += self._last_chord(layer, instrument)
        return events

    def event(
        self, span: tuple[Fraction, Fraction], midi: float, loud: float, instrument: str, stem: str
    ) -> Event:
        """Return an event between two groove positions, its velocity slightly human."""
        start, end = (self.layout.grid.seconds(position) for position in span)
        human = loud * (0.92 + 0.16 * self.generator.random())
        velocity = round(min(max(human, 0.05), 1.0), 3)
        return Event(decimal(start), decimal(end - start), midi, velocity, instrument, stem)

    def _bars(self, section: PlacedSection) -> Iterator[tuple[int, Fraction]]:
        bar = self.layout.grid.bar
        for number in range(int(section.length / bar)):
            yield number, section.start + number * bar

    # Drums

    def _drums(self) -> Iterator[Event]:
        kit = drawn(self.genre.kits, self.instrument_seed, f"{self.genre.name}/kit", self.generator)
        for section in self.layout.sections[:-1]:
            loud = SECTION_VELOCITY[section.label]
            for number, start in self._bars(section):
                last = start + self.layout.grid.bar == section.start + section.length
                for role, bars in self.genre.drums.items():
                    patterns = bars[self.layout.grid.metre]
                    steps = patterns[number % len(patterns)]
                    if self.genre.fills and last and role in ("snare", "rim"):
                        steps = steps[: len(steps) - len(_FILL)] + _FILL
                    yield from self._hits(kit[role], steps, start, loud)
                if self._crashes(section, number):
                    yield self._hit("crash", start, 0.7 * loud)
        if kit and "kick" in kit:
            yield self._hit(kit["kick"], self.layout.sections[-1].start, 0.8)

    def _hits(self, drum: str, steps: str, start: Fraction, loud: float) -> Iterator[Event]:
        step = self.layout.grid.bar / len(steps)
        for index, digit in enumerate(steps):
            if digit != ".":
                yield self._hit(drum, start + index * step, int(digit) / 9 * loud)

    def _hit(self, drum: str, position: Fraction, loud: float) -> Event:
        velocity = round(min(loud * (0.92 + 0.16 * self.generator.random()), 1.0), 3)
        start = decimal(self.layout.grid.seconds(position))
        return Event(start, HIT_SECONDS, 0, velocity, drum, "drums")

    def _crashes(self, section: PlacedSection, number: int) -> bool:
        if number == 0:
            return self.genre.fills and section.label in ("chorus", "break")
        return bool(self.genre.crash_every) and number % self.genre.crash_every == 0

    # Bass and chords

    def _layer(self, layer: Layer, instrument: str, section: PlacedSection) -> Iterator[Event]:
        patterns = layer.bars[self.layout.grid.metre]
        for number, start in self._bars(section):
            if number % layer.every == layer.every - 1:
                tokens = patterns[number // layer.every % len(patterns)].split()
                yield from self._bar(layer, instrument, section, start, tokens)

    def _bar(
        self,
        layer: Layer,
        instrument: str,
        section: PlacedSection,
        start: Fraction,
        tokens: list[str],
    ) -> Iterator[Event]:
        step = self.layout.grid.bar / len(tokens)
        loud = layer.velocity * SECTION_VELOCITY[section.label]
        for index, token in enumerate(tokens):
            if token in ".-":
                continue
            held = next((i for i in range(index + 1, len(tokens)) if tokens[i] != "-"), len(tokens))
            begin, end = start + index * step, start + held * step
            accent = 1.0 if index == 0 else 0.9
            for part in self._split_at_chords(begin, end):
                yield from self._sound(layer, instrument, token, part, loud * accent)

    def _split_at_chords(
        self, begin: Fraction, end: Fraction
    ) -> Iterator[tuple[Fraction, Fraction]]:
        """Strike a held note again where the chord changes under it."""
        while True:
            change = self.chords.at(begin).end
            if change >= end or change <= begin:
                yield begin, end
                return
            yield begin, change
            begin = change

    def _sound(
        self,
        layer: Layer,
        instrument: str,
        token: str,
        span: tuple[Fraction, Fraction],
        loud: float,
    ) -> Iterator[Event]:
        begin, end = span
        sounding = (begin, begin + (end - begin) * Fraction(layer.gate).limit_denominator(100))
        chord = self.chords.at(begin).harmony
        if token == "W":
            pitches: tuple[int, ...] = (self._walking_note(layer, begin, end),)
        elif token in ("D", "U", "B"):
            pitches = _voiced(layer, chord)
        else:
            pitches = (_single_note(layer, chord, token),)
        # An upstroke reaches only the high strings, from the top.
        pitches = pitches[::-1][:3] if token == "U" else pitches
        for number, midi in enumerate(pitches):
            event = self.event(sounding, midi, loud, instrument, layer.stem)
            late = decimal(event.start + number * layer.strum_seconds)
            yield Event(late, event.duration, midi, event.velocity, instrument, layer.stem)

    def _walking_note(self, layer: Layer, begin: Fraction, end: Fraction) -> int:
        """Root at a chord's start, a half step to the next root before its end, else a tone."""
        span = self.chords.at(begin)
        following = self.chords.at(end).harmony
        draw = self.generator.random()
        if begin == span.start or begin % self.layout.grid.bar == 0:
            return bass_note(span.harmony, "1", layer.low)
        if end >= span.end and following != span.harmony:
            return bass_note(following, "1", layer.low) + (1 if draw < 0.5 else -1)
        return bass_note(span.harmony, ("3", "5", "6", "8", "5")[int(draw * 5)], layer.low)

    def _last_chord(self, layer: Layer, instrument: str) -> Iterator[Event]:
        section = self.layout.sections[-1]
        span = (section.start, section.start + section.length)
        token = "1" if layer.stem == "bass" else "D"
        loud = layer.velocity * SECTION_VELOCITY["end"]
        chord = self.chords.at(section.start).harmony
        pitches = _voiced(layer, chord) if token == "D" else (_single_note(layer, chord, "1"),)
        for midi in pitches:
            yield self.event(span, midi, loud, instrument, layer.stem)


def _voiced(layer: Layer, chord: Harmony) -> tuple[int, ...]:
    if layer.voicing == "guitar":
        return guitar_voicing(chord, layer.low)
    if layer.voicing == "power":
        return power_voicing(chord, layer.low)
    return close_voicing(chord, layer.low)


def _single_note(layer: Layer, chord: Harmony, degree: str) -> int:
    midi = bass_note(chord, degree, layer.low)
    # Basses fold high degrees down; arpeggios may climb.
    return folded(midi, layer.low, layer.low + 19) if layer.stem == "bass" else midi
