"""The lead instrument: the melody in the break and the intro, answers where the voice rests."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from audiogen.songbook.accompaniment import Accompanist
from audiogen.songbook.form import PlacedSection, intro_cut, note_span
from audiogen.songbook.genre import Lead
from audiogen.songbook.harmony import BLUES_SCALE, INTERVALS, PENTATONIC, folded, nearest_tones
from audiogen.songbook.score import Event

_SCALES = {"blues": BLUES_SCALE, "pentatonic": PENTATONIC}
_LEAST_GAP = Fraction(3, 2)  # groove beats without a new syllable that invite an answer
_LONGEST_FILL = Fraction(5, 2)


@dataclass(frozen=True)
class Leader:
    """Plays one lead instrument; its random choices are the accompanist's."""

    band: Accompanist
    lead: Lead
    instrument: str
    tonic: int  # pitch class of the key that sounds
    minor: bool
    shift: int  # semitones from the notation to the key that sounds

    def play(self) -> list[Event]:
        """Return the events of the lead stem."""
        events: list[Event] = []
        for section in self.band.layout.sections:
            if section.label == "break":
                events += self._melody(section, Fraction(0))
            elif section.label == "intro":
                events += self._melody(section, intro_cut(section, self.band.layout.grid))
            elif section.sung:
                events += self._answers(section)
        return events

    def _melody(self, section: PlacedSection, cut: Fraction) -> Iterator[Event]:
        """Play the tune from groove position `cut` on, as far as the section goes."""
        pitches = [note.midi + self.shift for note in section.source.notes]
        # The whole tune moves by one number of octaves, so its shape stays.
        center = (min(pitches) + max(pitches)) // 2
        middle = (self.lead.low + self.lead.high) // 2
        octaves = 12 * round((middle - center) / 12)
        for note, pitch in zip(section.source.notes, pitches, strict=True):
            start, end = note_span(note, section, self.band.layout.grid)
            if cut and start - cut < section.start:
                continue
            yield self._event((start - cut, end - cut), pitch + octaves, self.lead.velocity + 0.1)

    def _answers(self, section: PlacedSection) -> Iterator[Event]:
        for begin, end in self._gaps(section):
            if self.band.generator.random() < self.lead.fill_chance:
                yield from self._fill(begin, min(end, begin + _LONGEST_FILL))

    def _gaps(self, section: PlacedSection) -> Iterator[tuple[Fraction, Fraction]]:
        """Yield where no syllable starts for a while: under long notes and in rests."""
        grid = self.band.layout.grid
        starts = [note_span(note, section, grid)[0] for note in section.source.notes]
        ends = [*starts[1:], section.start + section.length]
        for start, following in zip(starts, ends, strict=True):
            begin = -(-(start + Fraction(1, 2)) // 1)  # the next whole beat
            end = following - Fraction(1, 4)
            if end - begin >= _LEAST_GAP:
                yield Fraction(begin), end

    def _fill(self, begin: Fraction, end: Fraction) -> Iterator[Event]:
        if self.lead.fill == "scale":
            yield from self._scale_run(begin, end)
            return
        chord = self.band.chords.at(begin).harmony
        tones = nearest_tones(INTERVALS[chord.quality], chord.root, self.lead.low, self.lead.high)
        first = int(self.band.generator.random() * len(tones) * 0.7)
        wanted = tones[first : first + (2 if self.lead.fill == "thirds" else 1)]
        for midi in wanted:
            yield self._event((begin, end), midi, self.lead.velocity * 0.8)

    def _scale_run(self, begin: Fraction, end: Fraction) -> Iterator[Event]:
        scale = nearest_tones(
            _SCALES[self.lead.scale],
            # The pentatonic of a minor key is that of its relative major.
            (self.tonic + 3) % 12 if self.minor and self.lead.scale == "pentatonic" else self.tonic,
            self.lead.low,
            self.lead.high,
        )
        place = len(scale) // 2 + int(self.band.generator.random() * 5) - 2
        step, position = Fraction(1, 2), begin
        while position + step <= end:
            held = end - position if end - position < 2 * step else step
            yield self._event((position, position + held), scale[place], self.lead.velocity * 0.85)
            move = int(self.band.generator.random() * 4)
            place = min(max(place + (-2, -1, 1, 1)[move], 0), len(scale) - 1)
            position += held

    def _event(self, span: tuple[Fraction, Fraction], midi: int, loud: float) -> Event:
        pitch = folded(midi, self.lead.low - 12, self.lead.high + 12)
        return self.band.event(span, pitch, loud, self.instrument, "lead")
