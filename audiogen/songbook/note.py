"""One note as an instrument gets it, and small things that all instruments share."""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from audiogen.songbook.randomness import generator


@dataclass(frozen=True)
class Note:
    """Everything that a note's sound depends on, so that it can stand as a cache key."""

    instrument: str
    midi: float
    duration: float  # seconds until it is let go
    velocity: float  # 0..1
    variant: int
    """Which of the few renderings of the same note."""
    seed: int
    """The artist's instruments."""
    sample_rate: int

    @property
    def frequency(self) -> float:
        """Pitch in hertz."""
        return 440.0 * 2.0 ** ((self.midi - 69.0) / 12.0)

    def stream(self, purpose: str) -> np.random.Generator:
        """Open the note's own random stream for one purpose, from its beginning."""
        key = (self.instrument, self.midi, self.duration, self.velocity, self.variant, self.seed)
        return generator("note", purpose, *key)

    def times(self, seconds: float) -> np.ndarray:
        """Sample times (sample,) from 0 to `seconds`."""
        return np.arange(int(seconds * self.sample_rate)) / self.sample_rate


def envelope(times: np.ndarray, duration: float, attack: float, release: float) -> np.ndarray:
    """Rise in `attack` seconds, hold to `duration`, fall smoothly in `release` seconds."""
    rise = np.clip(times / attack, 0, 1)
    fall = np.clip((times - duration) / release, 0, 1)
    return np.sin(np.pi / 2 * rise) * (0.5 + 0.5 * np.cos(np.pi * fall))


def peak_filter(hertz: float, quality: float, gain_db: float, sample_rate: int) -> np.ndarray:
    """Second-order section of a resonance, after the Audio EQ Cookbook of R. Bristow-Johnson."""
    amplitude = 10 ** (gain_db / 40)
    omega = 2 * np.pi * min(hertz, 0.45 * sample_rate) / sample_rate
    alpha = np.sin(omega) / (2 * quality)
    numerator = np.array([1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude])
    denominator = np.array([1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude])
    return np.concatenate([numerator, denominator])[None] / denominator[0]


def resonate(
    waveform: np.ndarray, peaks: tuple[tuple[float, float, float], ...], sample_rate: int
) -> np.ndarray:
    """Give `waveform` a body: peaks of (hertz, quality, decibels)."""
    if not peaks:
        return waveform
    sections = np.concatenate([peak_filter(*peak, sample_rate) for peak in peaks])
    return signal.sosfilt(sections, waveform)


def band_noise(note: Note, num_samples: int, low: float, high: float, order: int = 2) -> np.ndarray:
    """Draw noise (sample,) of unit RMS between two frequencies in hertz."""
    nyquist = note.sample_rate / 2
    edges = (min(low, 0.85 * nyquist), min(high, 0.98 * nyquist))
    sections = signal.butter(order, edges, "bandpass", output="sos", fs=note.sample_rate)
    noise = signal.sosfilt(sections, note.stream("noise").standard_normal(num_samples))
    return noise / max(np.sqrt(np.mean(noise**2)), 1e-9)
