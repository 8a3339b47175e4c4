"""Struck keys: piano of stretched partials and electric piano by frequency modulation."""

import numpy as np

from audiogen.songbook.note import Note, band_noise, envelope

_MAX_PARTIALS = 24
_HAMMER = 0.12  # where the hammer hits, as a share of the string


def piano(note: Note) -> np.ndarray:
    """Play a piano note (sample,)."""
    release = 0.15
    times = note.times(note.duration + release)
    numbers = np.arange(1, _MAX_PARTIALS + 1)
    # The wound bass and the short treble are stiff; the middle is least so.
    stiffness = 0.00025 * 2 ** (abs(note.midi - 57) / 12)
    hertz = note.frequency * numbers * np.sqrt((1 + stiffness * numbers**2) / (1 + stiffness))
    heard = hertz < 0.47 * note.sample_rate
    numbers, hertz = numbers[heard], hertz[heard]
    corner = (900 + 3200 * note.velocity) * (note.frequency / 260) ** 0.3
    strength = np.abs(np.sin(np.pi * numbers * _HAMMER)) / numbers
    strength = (strength + 0.02 / numbers) / (1 + (hertz / corner) ** 2) ** 0.75
    decay = 6.0 * (260 / note.frequency) ** 0.6 / (1 + 0.25 * (numbers - 1))
    phases = note.stream("phases").uniform(0, 2 * np.pi, len(numbers))
    waveform = _decaying(hertz, strength, decay, phases, len(times), note.sample_rate)
    knock = band_noise(note, min(len(times), int(0.04 * note.sample_rate)), 200, 1800)
    knock *= np.exp(-np.arange(len(knock)) / (0.006 * note.sample_rate))
    waveform[: len(knock)] += 0.06 * note.velocity * np.abs(waveform).max() * knock
    return waveform * envelope(times, note.duration, 0.002, release)


def electric_piano(note: Note) -> np.ndarray:
    """Play an electric piano note (sample,): a body of ratio 1:1 and a tine of ratio 1:14."""
    release = 0.12
    times = note.times(note.duration + release)
    angle = 2 * np.pi * note.frequency * times
    body_index = 1.1 * note.velocity * np.exp(-times / 0.9)
    body = np.sin(angle + body_index * np.sin(angle)) * np.exp(-times / 1.3)
    if 15 * note.frequency < 0.47 * note.sample_rate:
        tine_index = 0.6 * note.velocity * np.exp(-times / 0.12)
        tine = np.sin(angle + tine_index * np.sin(14 * angle)) * np.exp(-times / 0.35)
    else:
        tine = np.sin(angle) * np.exp(-times / 0.35)
    return (body + 0.5 * tine) * envelope(times, note.duration, 0.002, release)


def _decaying(
    hertz: np.ndarray,
    strength: np.ndarray,
    decay: np.ndarray,
    phases: np.ndarray,
    num_samples: int,
    sample_rate: int,
) -> np.ndarray:
    """Sum decaying sines (partial,); each is the product of a coarse and a fine exponential."""
    rate = (-np.log(1000) / decay + 2j * np.pi * hertz) / sample_rate
    fine_length = 256
    coarse = np.exp(rate[:, None] * fine_length * np.arange(num_samples // fine_length + 1))
    coarse *= (strength * np.exp(1j * phases))[:, None]
    fine = np.exp(rate[:, None] * np.arange(fine_length))
    # einsum without BLAS adds in one fixed order, whatever the number of threads.
    waveform = np.einsum("pa,pb->ab", coarse.real, fine.real, optimize=False)
    waveform -= np.einsum("pa,pb->ab", coarse.imag, fine.imag, optimize=False)
    return waveform.ravel()[:num_samples]
