"""Chords as sets of pitches: transposition, reharmonisation, voicings, names."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from audiogen.songbook.song import Song

INTERVALS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "9": (0, 4, 7, 10, 14),
    "6": (0, 4, 7, 9),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
}
_LABELS = {"": "maj", "m": "min", "6": "maj6", "m7": "min7"}
_SHARPS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
_FLATS = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
# Tonics (of the major scale with the same notes) whose keys are written with flats.
_FLAT_TONICS = {5, 10, 3, 8, 1}
_MODE_SHIFT = {"maj": 0, "min": 3, "dor": 10}
BLUES_SCALE = (0, 3, 5, 6, 7, 10)
PENTATONIC = (0, 2, 4, 7, 9)


@dataclass(frozen=True)
class Harmony:
    """A chord that sounds: pitch class of the root and a quality of INTERVALS."""

    root: int
    quality: str

    @property
    def is_minor(self) -> bool:
        """Whether the third is minor."""
        return self.quality in ("m", "m7")

    def degree(self, name: str) -> int:
        """Return semitones over the root of a degree: 1 3 5 6 b7 8 10 12 (octave and fifth)."""
        third = 3 if self.is_minor else 4
        # A minor chord's boogie goes 1 b3 5 b7 8 where a major one goes 1 3 5 6 b7.
        sixth, seventh = (10, 12) if self.is_minor else (9, 10)
        table = {"1": 0, "3": third, "5": 7, "6": sixth, "b7": seventh, "8": 12}
        return (table | {"10": 12 + third, "12": 19})[name]

    def label(self, flats: bool) -> str:
        """Name the chord as the truth stores it: "Bb:7", "A:min"."""
        names = _FLATS if flats else _SHARPS
        return f"{names[self.root]}:{_LABELS.get(self.quality, self.quality)}"


def key_name(song: Song, shift: int) -> str:
    """Name the key of a song moved by `shift` semitones: "Eb:maj", "D:dor"."""
    names = _FLATS if written_with_flats(song, shift) else _SHARPS
    return f"{names[(song.tonic + shift) % 12]}:{song.mode}"


def written_with_flats(song: Song, shift: int) -> bool:
    """Say whether the moved key is written with flats."""
    return (song.tonic + shift + _MODE_SHIFT[song.mode]) % 12 in _FLAT_TONICS


def reharmonized(chord: Harmony, tonic: int, style: str, generator: random.Random) -> Harmony:
    """Return the chord as a genre plays it; style is "plain", "sevenths", "jazz" or "power"."""
    if style == "sevenths":
        return Harmony(chord.root, "m7" if chord.is_minor else "7")
    if style == "jazz":
        return Harmony(chord.root, _jazz_quality(chord, tonic, generator.random()))
    return chord


def _jazz_quality(chord: Harmony, tonic: int, draw: float) -> str:
    if chord.is_minor:
        return "m7"
    if chord.quality in ("7", "9") or chord.root == (tonic + 7) % 12:
        return "9" if draw < 0.5 else "7"
    return "6" if draw < 0.5 else "maj7"


def close_voicing(chord: Harmony, center: int) -> tuple[int, ...]:
    """Put every tone of the chord as near to `center` (MIDI) as it goes; lowest first."""
    low = center - 6
    return tuple(sorted({low + (chord.root + i - low) % 12 for i in INTERVALS[chord.quality]}))


def guitar_voicing(chord: Harmony, low: int, num_strings: int = 5) -> tuple[int, ...]:
    """Stack chord tones upward from the lowest root at or over `low` (MIDI)."""
    root = low + (chord.root - low) % 12
    tones = [i % 12 for i in INTERVALS[chord.quality]]
    # Root and fifth at the bottom, the color tones above them: as guitars are fingered.
    stack = [root, root + 7]
    candidates = (root + 12 + step for step in range(24))
    stack += [note for note in candidates if (note - root) % 12 in tones]
    return tuple(stack[:num_strings])


def power_voicing(chord: Harmony, low: int) -> tuple[int, ...]:
    """Return root, fifth and octave over `low` (MIDI)."""
    root = low + (chord.root - low) % 12
    return root, root + 7, root + 12


def bass_note(chord: Harmony, degree: str, low: int) -> int:
    """Return a degree of the chord over the lowest root at or over `low` (MIDI)."""
    return low + (chord.root - low) % 12 + chord.degree(degree)


def folded(midi: int, low: int, high: int) -> int:
    """Move a pitch by octaves into [low, high]; the range spans at least an octave."""
    while midi < low:
        midi += 12
    while midi > high:
        midi -= 12
    return midi


def nearest_tones(scale: Sequence[int], root: int, low: int, high: int) -> list[int]:
    """Return the pitches of a scale over `root` (pitch class) inside [low, high]."""
    members = {(root + step) % 12 for step in scale}
    return [midi for midi in range(low, high + 1) if midi % 12 in members]
