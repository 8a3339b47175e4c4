"""Loudness after ITU-R BS.1770-4, for one channel."""

import numpy as np
from scipy import signal

_BLOCK_SECONDS, _STEP_SECONDS = 0.4, 0.1
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0


def integrated_loudness(waveform: np.ndarray, sample_rate: int) -> float:
    """Measure a waveform (sample,) in LUFS; -inf where nothing passes the gates."""
    weighted = signal.sosfilt(_weighting(sample_rate), waveform)
    step = round(_STEP_SECONDS * sample_rate)
    num_steps = len(weighted) // step
    steps_a_block = round(_BLOCK_SECONDS / _STEP_SECONDS)
    if num_steps < steps_a_block:
        return float(_loudness(np.mean(weighted**2))) if len(weighted) else -np.inf
    powers = np.mean(weighted[: num_steps * step].reshape(num_steps, step) ** 2, axis=1)
    blocks = np.lib.stride_tricks.sliding_window_view(powers, steps_a_block).mean(axis=1)
    blocks = blocks[_loudness(blocks) > _ABSOLUTE_GATE]
    if not len(blocks):
        return -np.inf
    blocks = blocks[_loudness(blocks) > _loudness(blocks.mean()) + _RELATIVE_GATE]
    return float(_loudness(blocks.mean()))


def _loudness(power: np.ndarray | float) -> np.ndarray | float:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-30))


def _weighting(sample_rate: int) -> np.ndarray:
    """K-weighting as two second-order sections, from the analog prototypes of the 48 kHz ones."""
    k = np.tan(np.pi * 1681.974450955533 / sample_rate)
    quality, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    norm = 1 + k / quality + k * k
    shelf = [
        (high + band * k / quality + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / quality + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / quality + k * k) / norm,
    ]
    k = np.tan(np.pi * 38.13547087602444 / sample_rate)
    quality = 0.5003270373238773
    norm = 1 + k / quality + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm]
    return np.array([shelf, high_pass])
