"""The filter of the voice: formants -> complex spectra, the same at every sample rate.

Every resonance up to 11 kHz stands explicitly, so nothing depends on where the sampling ends.
"""

import numpy as np

from audiogen.songbook.articulation import Articulation
from audiogen.songbook.phonemes import NASAL_POLE
from audiogen.songbook.score import Voice

HIGHEST_RESONANCE = 11_000.0
_FOURTH_FORMANT, _SPACING = 3400.0, 1050.0
_SECOND_WIDTH, _THIRD_WIDTH, _NASAL_PAIR_WIDTH = 80.0, 120.0, 100.0
_COMPRESSION = 0.78
"""Exponent of the magnitude: a plain cascade loses the upper formants of back vowels."""
_PRESENCE_FROM, _PRESENCE_TO = 900.0, 2700.0
_SINGERS_FORMANT, _SINGERS_FORMANT_WIDTH = 2900.0, 420.0


class VocalTract:
    """The tract of one voice, on one grid of frequencies."""

    def __init__(self, voice: Voice, frequencies: np.ndarray) -> None:
        """Prepare what does not move: the resonances from the fourth up, and the voice's color.

        Args:
            voice: Whose tract it is.
            frequencies: (bin,) hertz.
        """
        self.tract = voice.tract
        self._frequencies = frequencies.astype(np.float32)
        self._fixed = _upper_resonances(voice.tract, frequencies)
        self._fixed *= _color(voice, frequencies)

    def response(
        self, articulation: Articulation, frames: np.ndarray, pitch: np.ndarray
    ) -> np.ndarray:
        """Compute the tract's spectrum (frame, bin) complex64 in some frames.

        Args:
            articulation: The phrase.
            frames: (frame,) which of its frames.
            pitch: (frame,) hertz; the first formant never lies under it.
        """
        formants = articulation.formants[frames] * self.tract
        first = articulation.formants[frames, 0] * (1 + 0.9 * (self.tract - 1))
        first = np.maximum(first, pitch)
        # Singers open the second formant, too, before the first one reaches it.
        second = np.maximum(formants[:, 1], first + 200)
        denominator = self._resonance(first, articulation.first_width[frames])
        denominator *= self._resonance(second, _SECOND_WIDTH)
        denominator *= self._resonance(formants[:, 2], _THIRD_WIDTH)
        zeros = articulation.nasal_zero[frames]
        nasal = np.flatnonzero(zeros > NASAL_POLE * 1.001)
        if len(nasal):
            # The nose's own pole follows a high pitch like the first formant.
            poles = np.maximum(NASAL_POLE, pitch[nasal])
            zeros = poles + zeros[nasal] - NASAL_POLE
            denominator[nasal] *= self._resonance(poles, _NASAL_PAIR_WIDTH)
            denominator[nasal] /= self._resonance(zeros, _NASAL_PAIR_WIDTH)
        # 1 / d with the magnitude raised to the compression: conj(d) * |d| ** -(1 + compression)
        power = denominator.real**2 + denominator.imag**2
        np.conjugate(denominator, out=denominator)
        denominator *= power ** np.float32(-0.5 * (1 + _COMPRESSION))
        denominator *= self._fixed
        return denominator

    def _resonance(self, center: np.ndarray, width: np.ndarray | float) -> np.ndarray:
        """Denominator (frame, bin) of a resonator whose gain at 0 Hz is 1."""
        center = np.asarray(center, np.float32)[:, None]
        width = np.broadcast_to(np.asarray(width, np.float32), center.shape[:1])[:, None]
        scale = 1 / (center**2 + width**2 / 4)
        denominator = np.empty((len(center), len(self._frequencies)), np.complex64)
        denominator.real = 1 - self._frequencies**2 * scale
        denominator.imag = self._frequencies * (width * scale)
        return denominator


def _upper_resonances(tract: float, frequencies: np.ndarray) -> np.ndarray:
    """Multiply F4 and all resonances above it: (bin,) complex64, compressed like the others."""
    centers = np.arange(_FOURTH_FORMANT * tract, HIGHEST_RESONANCE, _SPACING * tract)[:, None]
    widths = 90 + 0.03 * centers
    square = centers**2 + widths**2 / 4
    product = np.prod(square / (square - frequencies**2 + 1j * widths * frequencies), axis=0)
    return (product * np.abs(product) ** (_COMPRESSION - 1)).astype(np.complex64)


def _color(voice: Voice, frequencies: np.ndarray) -> np.ndarray:
    """Presence and singer's formant of a voice: (bin,) float32 gain."""
    octaves = np.log2(np.maximum(frequencies, 1) / _PRESENCE_FROM)
    rise = np.clip(octaves / np.log2(_PRESENCE_TO / _PRESENCE_FROM), 0, 1)
    decibels = voice.presence_db * (0.5 - 0.5 * np.cos(np.pi * rise))
    bump = (frequencies - _SINGERS_FORMANT) / _SINGERS_FORMANT_WIDTH
    decibels = decibels + voice.formant_db * np.exp(-0.5 * bump**2)
    return (10 ** (decibels / 20)).astype(np.float32)
