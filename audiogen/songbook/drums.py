"""Drums and cymbals: swept sines, shaped noise and clusters of squares, two kits of each."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from audiogen.songbook.note import Note, band_noise

_CLUSTER = (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)
"""Ratios of the six squares of a cymbal: none is close to a small fraction."""


def _kick(note: Note, low: float, high: float, sweep: float, decay: float) -> np.ndarray:
    """A sine that falls from `high` to `low` hertz, with a click of the beater."""
    times = note.times(5 * decay)
    hertz = low + (high - low) * np.exp(-times / sweep)
    body = np.sin(2 * np.pi * np.cumsum(hertz) / note.sample_rate) * np.exp(-times / decay)
    click = band_noise(note, len(times), 1000, 5000) * np.exp(-times / 0.004)
    return body + 0.12 * (0.4 + note.velocity) * click


def _snare(note: Note, tone: float, noise_low: float, decay: float) -> np.ndarray:
    """Two modes of the skin over the noise of the wires."""
    times = note.times(5 * decay)
    skin = np.sin(2 * np.pi * tone * times) + 0.6 * np.sin(2 * np.pi * 1.62 * tone * times)
    wires = band_noise(note, len(times), noise_low, 9500)
    return 0.7 * skin * np.exp(-times / 0.045) + 0.5 * wires * np.exp(-times / decay)


def _cymbal(note: Note, base: float, low: float, decay: float, metal: float) -> np.ndarray:
    """High-passed noise with a share `metal` of a cluster of squares."""
    times = note.times(5 * decay)
    ping = np.zeros(len(times))
    for ratio in _CLUSTER:
        # The first odd harmonics of a square, none beyond what the rate can carry.
        for harmonic in range(1, 32, 2):
            hertz = base * ratio * harmonic
            if low < hertz < 0.47 * note.sample_rate:
                ping += np.sin(2 * np.pi * hertz * times) / harmonic
    ping /= max(np.sqrt(np.mean(ping**2)), 1e-9)
    noise = band_noise(note, len(times), low, 10_500)
    attack = np.clip(times / 0.001, 0, 1)
    return (metal * ping + (1 - metal) * noise) * attack * np.exp(-times / decay)


def _ride(note: Note) -> np.ndarray:
    """A stick on the bow: a clear ping over a long wash."""
    wash = _cymbal(note, 540, 3000, 0.35, 0.55)
    times = np.arange(len(wash)) / note.sample_rate
    ping = np.sin(2 * np.pi * 3150 * times) + 0.7 * np.sin(2 * np.pi * 4720 * times)
    return 0.6 * wash + 0.5 * ping * np.exp(-times / 0.06)


def _crash(note: Note) -> np.ndarray:
    return _cymbal(note, 410, 1800, 0.7, 0.3)


def _clap(note: Note, low: float, high: float, decay: float) -> np.ndarray:
    """Several hands a few milliseconds apart, then the room."""
    times = note.times(5 * decay + 0.03)
    strength = np.exp(-np.maximum(times - 0.026, 0) / decay) * (times >= 0.026)
    for start in (0.0, 0.010, 0.019):
        strength += np.where(times >= start, np.exp(-(times - start) / 0.003), 0) * (times < 0.026)
    return band_noise(note, len(times), low, high) * strength


def _rim(note: Note) -> np.ndarray:
    times = note.times(0.08)
    wood = np.sin(2 * np.pi * 1720 * times) + 0.7 * np.sin(2 * np.pi * 820 * times)
    click = band_noise(note, len(times), 2000, 8000)
    return wood * np.exp(-times / 0.012) + 0.4 * click * np.exp(-times / 0.005)


def _brush(note: Note) -> np.ndarray:
    """Wires swept over the skin: noise that swells for a moment."""
    times = note.times(0.22)
    swell = np.clip(times / 0.012, 0, 1) * np.exp(-times / 0.055)
    return band_noise(note, len(times), 1500, 8500) * swell


def _shaker(note: Note) -> np.ndarray:
    times = note.times(0.14)
    swell = np.sin(np.pi * np.clip(times / 0.05, 0, 1)) + 0.4 * np.exp(-times / 0.03)
    return band_noise(note, len(times), 4200, 10_000) * swell * np.clip(times / 0.006, 0, 1)


DRUMS: Mapping[str, Callable[[Note], np.ndarray]] = MappingProxyType(
    {
        "kick_a": partial(_kick, low=46, high=210, sweep=0.022, decay=0.14),
        "kick_b": partial(_kick, low=55, high=140, sweep=0.045, decay=0.09),
        "snare_a": partial(_snare, tone=185, noise_low=1400, decay=0.11),
        "snare_b": partial(_snare, tone=235, noise_low=2400, decay=0.075),
        "hat_closed_a": partial(_cymbal, base=560, low=6000, decay=0.028, metal=0.5),
        "hat_closed_b": partial(_cymbal, base=430, low=4500, decay=0.040, metal=0.25),
        "hat_open_a": partial(_cymbal, base=560, low=5500, decay=0.20, metal=0.5),
        "hat_open_b": partial(_cymbal, base=430, low=4200, decay=0.26, metal=0.25),
        "ride": _ride,
        "clap_a": partial(_clap, low=900, high=3200, decay=0.075),
        "clap_b": partial(_clap, low=1400, high=6000, decay=0.045),
        "rim": _rim,
        "brush": _brush,
        "shaker": _shaker,
        "crash": _crash,
    }
)
"""Name -> function from a note (its pitch and duration do not matter) to a waveform (sample,)."""

DRUM_LEVELS: Mapping[str, float] = MappingProxyType(
    {
        **{"kick_a": 1.0, "kick_b": 1.0, "snare_a": 0.8, "snare_b": 0.8, "clap_a": 0.6},
        **{"clap_b": 0.6, "rim": 0.5, "ride": 0.3, "crash": 0.45, "brush": 0.3, "shaker": 0.25},
        **{"hat_closed_a": 0.28, "hat_closed_b": 0.28, "hat_open_a": 0.3, "hat_open_b": 0.3},
    }
)
"""Peak of a full hit."""
