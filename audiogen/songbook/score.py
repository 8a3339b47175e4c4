"""The Score: what is played and sung, in seconds; the only thing between notes and sound.

`arrangement.py` writes it without making a sound, `mixing.py` renders it without knowing a genre.
All classes are frozen and hold plain values, so a Score can be written as JSON and hashed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

STEMS = ("drums", "bass", "chords", "lead")
"""Stems that events play; the singer's stem is `vocals`."""


@dataclass(frozen=True)
class Event:
    """One note or hit of an instrument."""

    start: float  # seconds
    duration: float  # seconds
    midi: float  # pitch; drums: 0
    velocity: float  # 0..1
    instrument: str  # a name of instruments.py or drums.py
    stem: str  # one of STEMS


@dataclass(frozen=True)
class SungNote:
    """One note of the melody that a syllable lies on."""

    start: float  # seconds
    end: float  # seconds
    midi: int


@dataclass(frozen=True)
class Syllable:
    """What the singer sings on one or more notes; its vowel starts with the first note.

    Phonemes are ARPAbet without stress digits. The vowel may also be "AH0" (reduced), "AH_L" or
    "AH_N" (a reduced vowel colored by the final L or N, which still stands in the coda).
    """

    text: str
    word: int  # index into Score.words
    onset: tuple[str, ...]
    vowel: str
    coda: tuple[str, ...]
    notes: tuple[SungNote, ...]  # one or more (melisma)
    phrase_start: bool  # after a rest, or the first of the song


@dataclass(frozen=True)
class Voice:
    """How an artist sings."""

    low: int  # MIDI
    high: int  # MIDI
    tract: float  # 0.92 (bass) to 1.2 (soprano): scales the formants
    vibrato_cents: float
    vibrato_hz: float
    vibrato_delay: float  # seconds
    portamento: float  # seconds
    tilt_hz: float  # corner of the source's one-pole tilt
    breath: float
    jitter_cents: float
    scoop: float  # semitones under the first note of a phrase
    presence_db: float
    formant_db: float  # singer's formant at 2.9 kHz; 0 = none
    double: bool  # a second voice in unison


@dataclass(frozen=True)
class MixHabit:
    """What an artist's mix keeps in every genre, and what the genre adds to it."""

    reverb_seconds: float
    reverb_amount: float
    vocal_db: float  # voice over backing, RMS of sounding samples
    master_tilt_db: float
    instrument_seed: int
    ducking: bool
    delay_beats: float  # 0 = none
    vocal_drive: float


@dataclass(frozen=True)
class Score:
    """One track before it sounds: every note, hit, syllable, chord, beat and section."""

    events: tuple[Event, ...]
    syllables: tuple[Syllable, ...]
    words: tuple[str, ...]  # display text a word
    chords: tuple[tuple[float, float, str], ...]  # start, end, "root:quality"
    beats: tuple[float, ...]  # seconds
    bars: tuple[float, ...]  # seconds
    sections: tuple[tuple[float, float, str], ...]  # start, end, label
    duration: float  # seconds
    tempo: float  # beats a minute
    voice: Voice
    mix: MixHabit
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Return the whole score as plain JSON values."""
        return asdict(self)

    def digest(self) -> str:
        """Hash that names a track: 16 hexadecimal digits, equal for equal scores."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
