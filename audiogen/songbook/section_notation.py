"""The lines of one section -> Section: music and lyrics, checked rule by rule."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from audiogen.errors import UserError
from audiogen.songbook.song import QUALITIES, Chord, Note, Place, Section, Word

PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTAL = {"": 0, "#": 1, "b": -1, "^": 1, "_": -1, "=": 0}
_TOKEN = re.compile(
    r'(?P<space>\s+)|(?P<chord>"[^"]*")|(?P<bar>\|)|(?P<slur>[()])|(?P<tie>-)'
    r"|(?P<note>(?:(?P<accidental>[_^=]?)(?P<letter>[A-Ga-g])(?P<octave>[,']*)|(?P<rest>z))"
    r"(?P<length>\d*(?:/\d*)*))"
)


@dataclass
class SectionReader:
    """Reads the lines of one section; holds the place reached in the music."""

    bar: Fraction
    unit: Fraction
    signature: dict[str, int]
    time: Fraction = Fraction(0)  # from the first thing written
    bars: list[tuple[Fraction, Fraction, Place]] = field(default_factory=list)
    written: list[tuple[Note, bool, Place]] = field(default_factory=list)  # note, tied to next
    chords: list[tuple[Chord, Place]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    num_syllables: int = 0
    open_word: bool = False  # the last lyric line ended inside a word

    def read(self, label: str, place: Place, lines: Sequence[tuple[Place, str]]) -> Section:
        """Read pairs of a music line and a `w:` line; `place` is the section's header."""
        music: tuple[Place, str] | None = None
        for line_place, line in lines:
            if line.startswith("w:"):
                if music is None:
                    raise line_place.error("lyrics without a music line above them")
                self._read_pair(*music, line_place, line)
                music = None
            elif line.strip() and not line.startswith("%"):
                if music is not None:
                    raise music[0].error("a music line without a 'w:' line under it")
                music = (line_place, line)
        if music is not None:
            raise music[0].error("a music line without a 'w:' line under it")
        if not self.written:
            raise place.error(f"section '{label}' holds no notes")
        return self._finish(label)

    def _read_pair(self, place: Place, music: str, lyric_place: Place, lyrics: str) -> None:
        first = len(self.written)
        self._read_music(place, music)
        slots = self._read_lyrics(lyric_place, lyrics)
        notes = self.written[first:]
        if len(slots) != len(notes):
            raise self._left_over(slots, notes, lyric_place)
        for index, (slot, (note, tied, at)) in enumerate(zip(slots, notes, strict=True)):
            sung = Note(note.start, note.length, note.midi, slot[0])
            self.written[first + index] = (sung, tied, at)

    def _left_over(
        self,
        slots: Sequence[tuple[int, str]],
        notes: Sequence[tuple[Note, bool, Place]],
        lyric_place: Place,
    ) -> UserError:
        """Return the error for notes and syllables that differ in number."""
        many = len(slots) > len(notes)
        count = abs(len(slots) - len(notes))
        what = f"{count} {'syllable' if many else 'note'}{'s' if count > 1 else ''} left over"
        where = lyric_place if many else notes[len(slots)][2]
        first = f", from '{slots[len(notes)][1]}'" if many else ""
        return where.error(f"{len(notes)} notes but {len(slots)} syllables: {what}{first}")

    def _read_music(self, place: Place, text: str) -> None:
        bar_start, accidentals, slurs, column = self.time, dict(self.signature), 0, 0
        while column < len(text):
            here = Place(place.file, place.line, column + 1)
            match = _TOKEN.match(text, column)
            if match is None:
                raise here.error(f"'{text[column]}' is no note, rest, chord, tie, slur or bar line")
            column, kind = match.end(), match.lastgroup
            if match["note"]:
                self._read_note(here, match, accidentals)
            elif kind == "chord":
                root, quality = parse_chord(match["chord"].strip('"'), here)
                self.chords.append((Chord(self.time, root, quality), here))
            elif kind == "bar":
                self.bars.append((bar_start, self.time, here))
                bar_start, accidentals = self.time, dict(self.signature)
            elif kind == "tie":
                self._tie(here)
            elif kind == "slur":
                slurs += 1 if match["slur"] == "(" else -1
                if slurs not in (0, 1):
                    raise here.error("a slur inside a slur, or closed without being opened")
        if bar_start != self.time or slurs:
            raise Place(place.file, place.line, len(text)).error(
                "a music line ends with a bar line and with its slurs closed"
            )

    def _read_note(self, here: Place, match: re.Match, accidentals: dict[str, int]) -> None:
        length = _length(here, match["length"]) * self.unit
        if match["letter"]:
            letter = match["letter"].upper()
            if match["accidental"]:
                accidentals[letter] = ACCIDENTAL[match["accidental"]]
            octave = match["letter"].islower() + match["octave"].count("'")
            octave -= match["octave"].count(",")
            midi = 60 + PITCH_CLASS[letter] + 12 * octave + accidentals.get(letter, 0)
            self.written.append((Note(self.time, length, midi, -1), False, here))
        self.time += length

    def _tie(self, here: Place) -> None:
        if not self.written or self.written[-1][0].start + self.written[-1][0].length != self.time:
            raise here.error("a tie without a note before it")
        note, _, place = self.written[-1]
        self.written[-1] = (note, True, place)

    def _read_lyrics(self, place: Place, line: str) -> list[tuple[int, str]]:
        """Return (syllable, text) for every note of the line; a held syllable comes again."""
        slots: list[tuple[int, str]] = []
        self.lines.append(len(self.words) - self.open_word)
        for match in re.finditer(r"\S+", line[2:]):
            here = Place(place.file, place.line, match.start() + 3)
            slots += self._read_word(here, match.group())
        return slots

    def _read_word(self, here: Place, written: str) -> list[tuple[int, str]]:
        slots: list[tuple[int, str]] = []
        syllables: list[str] = []
        # "nec-_tar": a hold after the hyphen belongs to the syllable before it.
        for part in written.replace("-_", "_-").rstrip("-").split("-"):
            text = part.replace("_", "")
            if not text:
                raise here.error(f"'{written}' has an empty syllable")
            slots += [(self.num_syllables, text)] * (1 + part.count("_"))
            syllables.append(text)
            self.num_syllables += 1
        if self.open_word:
            before = self.words.pop()
            syllables, here = [*before.syllables, *syllables], before.place
        self.words.append(Word("".join(syllables), tuple(syllables), here))
        self.open_word = written.endswith("-")
        return slots

    def _finish(self, label: str) -> Section:
        pickup = self._check_bars()
        self._check_first_chord(pickup)
        bars = -(-(self.time - pickup) // self.bar)
        return Section(
            label=label,
            notes=tuple(self._joined(pickup)),
            chords=tuple(Chord(c.start - pickup, c.root, c.quality) for c, _ in self.chords),
            words=tuple(self.words),
            lines=tuple(self.lines),
            length=bars * self.bar,
        )

    def _check_bars(self) -> Fraction:
        """Return the downbeat: the end of a short first bar, or of one that opens with a rest."""
        for number, (start, end, place) in enumerate(self.bars):
            may_be_short = number in (0, len(self.bars) - 1) and len(self.bars) > 1
            if end - start > self.bar or (end - start < self.bar and not may_be_short):
                raise place.error(
                    f"a bar of {end - start} quarter notes does not fill the metre ({self.bar})"
                )
        start, end, _ = self.bars[0]
        rests = self.written[0][0].start > start
        chorded = bool(self.chords) and self.chords[0][0].start < end
        is_pickup = end - start < self.bar or (rests and not chorded)
        return end if is_pickup and len(self.bars) > 1 else start

    def _check_first_chord(self, downbeat: Fraction) -> None:
        note, _, place = next(item for item in self.written if item[0].start >= downbeat)
        if not self.chords or self.chords[0][0].start > note.start:
            raise place.error("no chord before the first note of the first full bar")

    def _joined(self, downbeat: Fraction) -> list[Note]:
        notes: list[Note] = []
        tied = False
        for note, ties, place in self.written:
            if tied:
                if note.midi != notes[-1].midi or note.syllable != notes[-1].syllable:
                    raise place.error("a tie joins two notes of one pitch and one syllable")
                last = notes.pop()
                notes.append(Note(last.start, last.length + note.length, last.midi, last.syllable))
            else:
                notes.append(Note(note.start - downbeat, note.length, note.midi, note.syllable))
            tied = ties
        return notes


def _length(here: Place, text: str) -> Fraction:
    match = re.fullmatch(r"(\d*)(?:/(\d*))?", text)
    numerator = int(match[1] or 1) if match else 0
    denominator = (int(match[2] or 2) if "/" in text else 1) if match else 0
    if not numerator or denominator not in (1, 2, 4, 8):
        raise here.error(f"unknown length '{text}'; for example 2, 3/2, /, 3/4")
    return Fraction(numerator, denominator)


def parse_chord(text: str, place: Place) -> tuple[int, str]:
    """Return the root's pitch class and the quality of a chord symbol."""
    match = re.fullmatch(r"([A-G])([b#]?)(.*)", text)
    if not match or match[3] not in QUALITIES:
        known = ", ".join(quality for quality in QUALITIES if quality)
        raise place.error(f"unknown chord '{text}'; a root and one of: {known}")
    return (PITCH_CLASS[match[1]] + ACCIDENTAL[match[2]]) % 12, match[3]
