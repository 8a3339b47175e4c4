"""The noises of the voice: fricatives, bursts, aspiration and breath."""

import numpy as np
from scipy import fft

from audiogen.songbook.articulation import FRAME_SECONDS, TRACT_NOISE, Articulation
from audiogen.songbook.phonemes import NOISE_SHAPES
from audiogen.songbook.score import Voice
from audiogen.songbook.vocal_tract import HIGHEST_RESONANCE, VocalTract

_BATCH = 512  # frames at a time, so that memory stays flat


class NoiseSource:
    """Makes the noises of fricatives, bursts, aspiration and breath at one sample rate."""

    def __init__(self, voice: Voice, sample_rate: int) -> None:
        """Prepare the shapes, and the tract of `voice` for what is breathed through it."""
        self._rate = sample_rate
        self._length = 256 if sample_rate <= 24_000 else 512
        frequencies = fft.rfftfreq(self._length, 1 / sample_rate)
        self._tract = VocalTract(voice, frequencies)
        self._shapes = np.stack([_shape_power(shape, frequencies) for shape in NOISE_SHAPES])
        self._band = np.where(frequencies <= HIGHEST_RESONANCE, 1.0, 0.0)
        self._low_cut = 1 / (1 + (300 / np.maximum(frequencies, 1)) ** 4)

    def make(
        self,
        amplitudes: np.ndarray,
        articulation: Articulation,
        pitch: np.ndarray,
        num_samples: int,
        random: np.random.Generator,
    ) -> np.ndarray:
        """Make noise (sample,) float32 of RMS `amplitudes` (noise shape + 1, frame)."""
        power = amplitudes**2
        loud = np.flatnonzero(power.sum(axis=0) > 1e-8)
        waveform = np.zeros(num_samples, np.float32)
        for first in range(0, len(loud), _BATCH):
            frames = loud[first : first + _BATCH]
            density = np.einsum("sf,sb->fb", power[:TRACT_NOISE, frames], self._shapes)
            density += power[TRACT_NOISE, frames, None] * self._tract_power(
                articulation, frames, pitch[frames]
            )
            self._add_(waveform, density, frames, random)
        return waveform

    def _tract_power(
        self, articulation: Articulation, frames: np.ndarray, pitch: np.ndarray
    ) -> np.ndarray:
        response = self._tract.response(articulation, frames, pitch)
        power = (response.real**2 + response.imag**2) * (self._band * self._low_cut)
        return power / (power.sum(axis=1, keepdims=True) * (self._rate / self._length))

    def _add_(
        self,
        waveform: np.ndarray,
        density: np.ndarray,
        frames: np.ndarray,
        random: np.random.Generator,
    ) -> None:
        """Overlap-add windowed noise of power `density` (frame, bin) a hertz."""
        length = self._length
        shape = density.shape
        spectra = np.empty(shape, np.complex64)
        amplitude = np.sqrt(density * (self._rate * length / 4)).astype(np.float32)
        spectra.real = random.standard_normal(shape, np.float32) * amplitude
        spectra.imag = random.standard_normal(shape, np.float32) * amplitude
        blocks = fft.irfft(spectra, length, axis=1, workers=1)
        hop = FRAME_SECONDS * self._rate
        # Sine windows at half overlap keep the power of independent blocks constant.
        width = 2 * int(np.ceil(hop))
        blocks = blocks[:, :width] * np.sin(np.pi * (np.arange(width) + 0.5) / width).astype(
            np.float32
        )
        starts = np.round(frames * hop - width / 2).astype(np.int64)
        for block, start in zip(blocks, starts.tolist(), strict=True):
            low, high = max(start, 0), min(start + width, len(waveform))
            if high > low:
                waveform[low:high] += block[low - start : high - start]


def _shape_power(shape: str, frequencies: np.ndarray) -> np.ndarray:
    """Power a hertz (bin,) of a noise shape; its integral up to the highest resonance is 1."""
    corners = np.array(NOISE_SHAPES[shape])

    def power(hertz: np.ndarray) -> np.ndarray:
        level = np.interp(hertz, corners[:, 0], corners[:, 1])
        octaves_below = np.log2(corners[0, 0] / np.clip(hertz, 1, corners[0, 0]))
        return np.where(hertz > HIGHEST_RESONANCE, 0, 10 ** ((level - 24 * octaves_below) / 10))

    grid = np.arange(0, HIGHEST_RESONANCE, 10.0)
    return power(frequencies) / (power(grid).sum() * 10.0)
