"""Sustained instruments: one period from a recipe of harmonics, read at the pitch of the note."""

from dataclasses import dataclass

import numpy as np

from audiogen.songbook.note import Note, band_noise, envelope

TABLE_LENGTH = 2048


@dataclass(frozen=True)
class Tone:
    """Recipe of one sustained instrument."""

    slope: float = 1.0
    """Harmonic h has the strength h ** -slope before all else."""
    harmonics: tuple[float, ...] = ()  # strengths in place of the slope
    even: float = 1.0  # factor of the even harmonics
    corner: float = 20_000.0  # hertz, where the spectrum starts to fall by 12 dB an octave
    peaks: tuple[tuple[float, float, float], ...] = ()  # (hertz, octaves wide, decibels)
    attack: float = 0.05  # seconds
    release: float = 0.10
    detune: tuple[float, ...] = (0.0,)  # cents off, one a voice
    vibrato: tuple[float, float, float] = (0.0, 5.0, 0.3)  # cents, hertz, delay in seconds
    tremolo: float = 0.0  # share of the strength that swings along
    breath: float = 0.0  # noise in the note's band, relative to the tone
    slide: float = 0.0  # semitones under the note at its start
    decay: float = 0.0  # seconds to -60 dB; 0 = sustained
    dark_corner: float = 0.0  # hertz; where over 0, the tone fades into one with this corner
    dark_seconds: float = 0.15


_BOW = ((480.0, 0.4, 6.0), (2500.0, 0.5, 6.0))
TONES: dict[str, Tone] = {
    "organ": Tone(
        harmonics=(1, 0.9, 0.55, 0.45, 0, 0.25, 0, 0.3),
        attack=0.012,
        release=0.04,
        vibrato=(5, 6.4, 0.0),
        tremolo=0.12,
    ),
    "strings": Tone(
        slope=1.1, corner=4500, peaks=_BOW, attack=0.16, release=0.28, detune=(-8, -3, 4, 9)
    ),
    "pad": Tone(slope=1.3, corner=1800, peaks=_BOW, attack=0.3, release=0.4, detune=(-7, 0, 7)),
    "violin": Tone(
        slope=0.95, corner=6000, peaks=_BOW, attack=0.09, vibrato=(18, 5.8, 0.2), breath=0.02
    ),
    "fiddle": Tone(
        slope=0.85,
        corner=7000,
        peaks=((520, 0.4, 5), (2800, 0.6, 8)),
        attack=0.035,
        release=0.06,
        vibrato=(8, 5.5, 0.3),
        breath=0.04,
    ),
    "cello": Tone(
        slope=1.05,
        corner=3500,
        peaks=((250, 0.5, 5), (700, 0.5, 4), (2000, 0.5, 3)),
        attack=0.10,
        release=0.14,
        vibrato=(14, 5.2, 0.25),
        breath=0.02,
    ),
    "flute": Tone(
        harmonics=(1, 0.42, 0.22, 0.08, 0.04, 0.02),
        attack=0.06,
        release=0.07,
        vibrato=(9, 4.8, 0.3),
        tremolo=0.12,
        breath=0.10,
    ),
    "sax": Tone(
        slope=0.8,
        corner=2800,
        peaks=((620, 0.5, 7), (1500, 0.4, 5), (2600, 0.4, 4)),
        attack=0.04,
        vibrato=(14, 5.0, 0.25),
        breath=0.05,
        slide=0.4,
    ),
    "trumpet": Tone(
        slope=0.55,
        corner=2600,
        peaks=((1200, 0.7, 6), (2200, 0.5, 3)),
        attack=0.03,
        release=0.06,
        vibrato=(8, 5.2, 0.35),
        breath=0.015,
    ),
    "harmonica": Tone(
        slope=0.7,
        even=0.55,
        corner=4200,
        peaks=((900, 0.5, 4), (2000, 0.5, 5)),
        attack=0.03,
        release=0.05,
        detune=(-1.5, 2.0),
        vibrato=(7, 5.5, 0.2),
        tremolo=0.2,
        breath=0.05,
        slide=0.3,
    ),
    "pedal_steel": Tone(
        slope=1.2,
        corner=3000,
        peaks=((1800, 0.6, 4),),
        attack=0.05,
        release=0.2,
        vibrato=(12, 5.5, 0.25),
        slide=1.0,
        decay=6.0,
    ),
    "synth_bass": Tone(
        corner=2400, attack=0.004, release=0.03, detune=(-4, 4), dark_corner=350, dark_seconds=0.12
    ),
    "saw": Tone(corner=6500, attack=0.006, release=0.06, detune=(-8, 0, 8), dark_corner=1800),
    "pluck": Tone(
        even=0.5,
        corner=7000,
        attack=0.003,
        release=0.05,
        detune=(-5, 5),
        decay=1.0,
        dark_corner=600,
        dark_seconds=0.1,
    ),
    "synth_lead": Tone(
        even=0.35,
        corner=7000,
        attack=0.008,
        release=0.06,
        detune=(-6, 6),
        vibrato=(8, 5.5, 0.25),
        dark_corner=2500,
        dark_seconds=0.3,
    ),
}


def sustain(note: Note) -> np.ndarray:
    """Play a sustained instrument (sample,)."""
    tone = TONES[note.instrument]
    times = note.times(note.duration + tone.release)
    cycles = _cycles(note, tone, times)
    table = _table(note, tone, tone.corner)
    waveform = np.zeros(len(times))
    # Each voice starts at its own place in the period.
    places = note.stream("phases").uniform(0, 1, len(tone.detune))
    fade = np.exp(-times / tone.dark_seconds) if tone.dark_corner else None
    dark = _table(note, tone, tone.dark_corner) if tone.dark_corner else None
    for cents, place in zip(tone.detune, places, strict=True):
        phase = cycles * 2 ** (cents / 1200) + place
        voice = _read(table, phase)
        if dark is not None and fade is not None:
            voice = voice * fade + _read(dark, phase) * (1 - fade)
        waveform += voice
    waveform *= envelope(times, note.duration, tone.attack, tone.release)
    if tone.decay:
        waveform *= 10 ** (-3 * times / tone.decay)
    return waveform * _swing(tone, times) + _breath(note, tone, times, waveform)


def _cycles(note: Note, tone: Tone, times: np.ndarray) -> np.ndarray:
    """Integrate the pitch with its slide and vibrato: periods (sample,) since the start."""
    cents, hertz, delay = tone.vibrato
    semitones = np.zeros(len(times))
    if cents:
        depth = np.clip((times - delay) / 0.25, 0, 1) * cents / 100
        semitones += depth * np.sin(2 * np.pi * hertz * (times - delay))
    if tone.slide:
        semitones -= tone.slide * np.exp(-times / 0.03)
    return np.cumsum(2 ** (semitones / 12)) * (note.frequency / note.sample_rate)


def _swing(tone: Tone, times: np.ndarray) -> np.ndarray | float:
    if not tone.tremolo:
        return 1.0
    _, hertz, delay = tone.vibrato
    depth = np.clip((times - delay) / 0.25, 0, 1) * tone.tremolo
    return 1 + depth * np.cos(2 * np.pi * hertz * (times - delay))


def _breath(note: Note, tone: Tone, times: np.ndarray, waveform: np.ndarray) -> np.ndarray | float:
    if not tone.breath:
        return 0.0
    noise = band_noise(note, len(times), note.frequency, 6 * note.frequency)
    level = np.sqrt(np.mean(waveform**2)) * tone.breath
    return noise * level * envelope(times, note.duration, tone.attack / 2, tone.release)


def _table(note: Note, tone: Tone, corner: float) -> np.ndarray:
    """Compute one period (TABLE_LENGTH + 1,) of unit RMS, its last sample equal to the first."""
    # Room for slides, vibrato and detuning under the Nyquist frequency.
    count = int(min(0.47 * note.sample_rate / note.frequency, TABLE_LENGTH // 4))
    numbers = np.arange(1, max(count, 1) + 1)
    hertz = numbers * note.frequency
    if tone.harmonics:
        strength: np.ndarray = np.zeros(len(numbers))
        strength[: len(tone.harmonics)] = tone.harmonics[: len(numbers)]
    else:
        strength = numbers**-tone.slope * np.where(numbers % 2 == 0, tone.even, 1.0)
    brightness = corner * (0.6 + 0.5 * note.velocity)
    strength = strength / (1 + (hertz / brightness) ** 4) ** 0.5
    for center, octaves, decibels in tone.peaks:
        bump = np.exp(-0.5 * (np.log2(hertz / center) / octaves) ** 2)
        strength = strength * 10 ** (decibels * bump / 20)
    # Phases by the square of the number keep the period from being one sharp spike.
    spectrum = np.zeros(TABLE_LENGTH // 2 + 1, complex)
    spectrum[numbers] = strength * np.exp(-1j * np.pi * numbers**2 / max(len(numbers), 1) / 4)
    table = np.fft.irfft(spectrum, TABLE_LENGTH)
    table /= max(np.sqrt(np.mean(table**2)), 1e-12)
    return np.append(table, table[0])


def _read(table: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Read a table at phases (sample,) in periods, with linear interpolation."""
    place = (phase % 1.0) * TABLE_LENGTH
    whole = np.minimum(place.astype(np.int32), TABLE_LENGTH - 1)
    fraction = place - whole
    return table[whole] * (1 - fraction) + table[whole + 1] * fraction
