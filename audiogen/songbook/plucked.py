"""Plucked strings: a loop of one period with a losing filter (Karplus and Strong, 1983).

The loop runs a whole period at a time at an integer length; the result is then resampled to the
exact pitch, so it is both fast and in tune.
"""

from dataclasses import dataclass

import numpy as np

from audiogen.songbook.note import Note, envelope, resonate


@dataclass(frozen=True)
class String:
    """What makes one plucked instrument sound different from another."""

    pluck: float
    """Where it is plucked, as a share of its length."""
    decay: float  # seconds to -60 dB of the fundamental at 110 Hz
    high_decay: float  # the same at 3 kHz
    brightness: float  # hertz, corner of the excitation at full velocity
    body: tuple[tuple[float, float, float], ...] = ()  # (hertz, quality, decibels)
    release: float = 0.08  # seconds
    courses: tuple[float, ...] = (0.0,)  # cents off, one a string of the course


STRINGS: dict[str, String] = {
    "nylon_guitar": String(0.24, 3.2, 0.30, 2200, ((110, 3, 5), (230, 4, 4))),
    "steel_guitar": String(0.15, 4.5, 0.90, 5200, ((115, 3, 4), (240, 4, 3))),
    "muted_guitar": String(0.12, 0.45, 0.16, 2600, ((200, 3, 3), (900, 2, 3)), 0.03),
    "electric_guitar": String(0.20, 5.0, 0.80, 3600, ((700, 1.5, 3), (2500, 2, 5))),
    "banjo": String(0.08, 1.3, 0.55, 7000, ((450, 3, 6), (950, 3, 5))),
    "mandolin": String(0.12, 1.7, 0.55, 6500, ((350, 3, 5), (800, 3, 4)), 0.06, (-2.0, 2.5)),
    "electric_bass": String(0.16, 4.0, 0.30, 1600, ((90, 2, 3), (650, 2, 3))),
    "upright_bass": String(0.30, 1.7, 0.12, 900, ((95, 3, 5), (200, 3, 3))),
    "driven_guitar": String(0.18, 7.0, 1.00, 4500, ((700, 1.5, 3), (2200, 2, 4))),
}


def pluck(note: Note) -> np.ndarray:
    """Play a plucked string (sample,), damped when the note ends."""
    string = STRINGS[note.instrument]
    times = note.times(note.duration + string.release)
    waveform = np.zeros(len(times))
    for cents in string.courses:
        waveform += _vibrate(note, string, note.frequency * 2 ** (cents / 1200), len(times))
    waveform = resonate(waveform, string.body, note.sample_rate)
    return waveform * envelope(times, note.duration, 0.001, string.release)


def _vibrate(note: Note, string: String, frequency: float, num_samples: int) -> np.ndarray:
    gain, smoothing = _losses(string, frequency, note.sample_rate)
    omega = 2 * np.pi * frequency / note.sample_rate
    lag = np.arctan2(smoothing * np.sin(omega), 1 - smoothing + smoothing * np.cos(omega)) / omega
    period = max(round(note.sample_rate / frequency - lag), 2)
    speed = (period + lag) * frequency / note.sample_rate

    num_blocks = int(num_samples * speed) // period + 2
    blocks = np.empty((num_blocks, period + 1))  # column 0: the sample before the block
    blocks[0, 1:] = _excitation(note, string, frequency, period)
    blocks[0, 0] = 0.0
    keep, mix = gain * (1 - smoothing), gain * smoothing
    for index in range(1, num_blocks):
        before, now = blocks[index - 1], blocks[index]
        np.multiply(before[1:], keep, out=now[1:])
        now[1:] += mix * before[:-1]
        now[0] = before[-1]
    loop = blocks[:, 1:].ravel()
    place = np.arange(num_samples) * speed
    whole = place.astype(np.int64)
    fraction = place - whole
    return loop[whole] * (1 - fraction) + loop[whole + 1] * fraction


def _losses(string: String, frequency: float, sample_rate: int) -> tuple[float, float]:
    """Loop gain and smoothing that give the decays at the fundamental and at 3 kHz."""
    decay = string.decay * (110.0 / frequency) ** 0.55
    high_decay = min(string.high_decay * (110.0 / frequency) ** 0.25, decay)
    gain = 10 ** (-3 / (frequency * decay))
    high = 10 ** (-3 / (frequency * high_decay)) / gain
    # |1 - s + s e^(-jw)|^2 = 1 - 2 s (1 - s) (1 - cos w), solved for s at 3 kHz
    product = (1 - high**2) / (2 * (1 - np.cos(2 * np.pi * 3000 / sample_rate)))
    smoothing = 0.5 - np.sqrt(max(0.25 - product, 0.0))
    return gain, float(np.clip(smoothing, 0.001, 0.5))


def _excitation(note: Note, string: String, frequency: float, period: int) -> np.ndarray:
    """One period (sample,) of the string just after the pluck."""
    harmonics = np.arange(1, period // 2 + 1)
    hertz = harmonics * frequency
    corner = string.brightness * (0.35 + 0.65 * note.velocity)
    strength = np.abs(np.sin(np.pi * harmonics * string.pluck)) / harmonics**0.6
    strength = strength / (1 + (hertz / corner) ** 4) ** 0.5
    strength[0] = max(strength[0], 0.3)
    random = note.stream("pluck")
    strength *= 1 + 0.15 * random.standard_normal(len(harmonics))
    phases = random.uniform(0, 2 * np.pi, len(harmonics))
    spectrum = np.concatenate([[0], strength * np.exp(1j * phases)])
    return np.fft.irfft(spectrum, period) * period
