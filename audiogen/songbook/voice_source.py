"""The voiced source: glottal pulses at fractional positions, already shaped by the tract."""

from collections.abc import Callable

import numpy as np
from scipy import fft

PULSE_BATCH = 512
_PULSE_SECONDS = 0.0464
_GLOTTAL_RATIO, _GLOTTAL_WIDTH = 1.2, 0.9
"""Glottal formant and its bandwidth, relative to the pitch."""
_SHIMMER = 0.02


def pulse_length(sample_rate: int) -> int:
    """Samples of one pulse: 1024 at 22.05 kHz, 2048 at 44.1 kHz."""
    return 1 << int(np.ceil(np.log2(_PULSE_SECONDS * sample_rate)))


def glottal_spectrum(frequencies: np.ndarray, pitch: np.ndarray, tilt_hz: float) -> np.ndarray:
    """Spectrum (pulse, bin) complex64 of one glottal pulse at each pitch (pulse,) in hertz.

    The derivative of a two-pole formant that runs backward in time, through a one-pole tilt. Its
    gain falls as the root of the pitch, so a train of pulses grows by 3 dB an octave.
    """
    center = (_GLOTTAL_RATIO * pitch.astype(np.float32))[:, None]
    ratio = frequencies.astype(np.float32) / center
    tilt = (100j / (1 + 1j * frequencies / tilt_hz)).astype(np.complex64)
    denominator = np.empty(ratio.shape, np.complex64)
    denominator.real = 1 - ratio * ratio
    denominator.imag = -_GLOTTAL_WIDTH / _GLOTTAL_RATIO * ratio
    return tilt * (ratio / np.sqrt(center)) / denominator


def add_pulses_(
    waveform: np.ndarray,
    positions: np.ndarray,
    gains: np.ndarray,
    frames: np.ndarray,
    spectra_of: Callable[[np.ndarray], np.ndarray],
    sample_rate: int,
) -> None:
    """Add pulses to `waveform` (sample,) at fractional `positions` (pulse,), in samples.

    Args:
        waveform: Changed in place; pulses over its edges are cut.
        positions: (pulse,) ascending.
        gains: (pulse,) amplitude.
        frames: (pulse,) frame of the articulation, ascending.
        spectra_of: Gives the spectra (frame, bin) of an array of frames.
        sample_rate: Samples a second.
    """
    length = pulse_length(sample_rate)
    origin = 3 * length // 8  # the part of a pulse before its position, where it runs backward
    window = _taper(length)
    for first in range(0, len(positions), PULSE_BATCH):
        batch = slice(first, first + PULSE_BATCH)
        distinct, index = np.unique(frames[batch], return_inverse=True)
        spectra = spectra_of(distinct)[index]
        whole = np.floor(positions[batch]).astype(np.int64)
        delay = positions[batch] - whole + origin
        spectra *= _delays(delay, length)
        pulses = fft.irfft(spectra, length, axis=1, overwrite_x=True, workers=1)
        pulses *= window * (gains[batch] * sample_rate).astype(np.float32)[:, None]
        for pulse, start in zip(pulses, (whole - origin).tolist(), strict=True):
            low, high = max(start, 0), min(start + length, len(waveform))
            if high > low:
                waveform[low:high] += pulse[low - start : high - start]


def _taper(length: int) -> np.ndarray:
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length // 16) + 0.5) / (length // 16))
    window = np.ones(length, np.float32)
    window[: len(ramp)] = ramp
    window[-len(ramp) :] = ramp[::-1]
    return window


def _delays(delay: np.ndarray, length: int) -> np.ndarray:
    """Spectra (pulse, bin) complex64 of delays (pulse,) in samples, from two short tables."""
    step = (-2j * np.pi / length) * delay[:, None]
    coarse = np.exp(step * 32 * np.arange(length // 64 + 1)).astype(np.complex64)
    fine = np.exp(step * np.arange(32)).astype(np.complex64)
    table = coarse[:, :, None] * fine[:, None, :]
    return table.reshape(len(delay), -1)[:, : length // 2 + 1]


def shimmer(num_pulses: int, random: np.random.Generator) -> np.ndarray:
    """Draw the small unevenness (pulse,) of pulse strengths."""
    return 1 + _SHIMMER * random.standard_normal(num_pulses)
