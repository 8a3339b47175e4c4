import numpy as np
import pytest
from scipy import fft

from audiogen.songbook.voice_source import add_pulses_, glottal_spectrum, pulse_length


def train(sample_rate, pitch=150.0, seconds=0.5):
    """A second of pulses of a flat tract."""
    frequencies = fft.rfftfreq(pulse_length(sample_rate), 1 / sample_rate)
    waveform = np.zeros(int(seconds * sample_rate), np.float32)
    positions = np.arange(1, int(seconds * pitch)) / pitch * sample_rate
    add_pulses_(
        waveform,
        positions,
        np.ones(len(positions)),
        np.zeros(len(positions), int),
        lambda frames: glottal_spectrum(frequencies, np.full(len(frames), pitch), 6000.0),
        sample_rate,
    )
    return waveform


@pytest.mark.parametrize(("rate", "length"), [(16000, 1024), (22050, 1024), (44100, 2048)])
def test_a_pulse_is_about_as_long_at_every_rate(rate, length):
    assert pulse_length(rate) == length


def test_pulses_at_fractional_positions_make_an_exact_period():
    waveform = train(22050, pitch=150.0)[4000:8410]  # 200 ms: 30 periods of 147 samples

    np.testing.assert_allclose(waveform[147:], waveform[:-147], atol=1e-3 * waveform.max())


def test_the_waveform_is_the_same_at_another_rate():
    slow, fast = train(22050), train(44100)[::2]

    # The fast one holds an octave more, little of which lies above 11 kHz at this tilt.
    middle = slice(2000, 9000)
    error = np.sqrt(np.mean((slow[middle] - fast[middle]) ** 2))
    assert error < 0.1 * np.sqrt(np.mean(slow[middle] ** 2))


def test_a_train_of_pulses_grows_by_three_decibels_an_octave():
    spectra = glottal_spectrum(np.arange(0, 200_000, 10.0), np.array([100.0, 200.0]), 1e9)
    low, high = (np.abs(spectra) ** 2).sum(axis=1) * [100.0, 200.0]

    assert 10 * np.log10(high / low) == pytest.approx(3, abs=0.1)


def test_pulses_over_the_edges_are_cut():
    waveform = np.zeros(600, np.float32)
    spectrum = np.ones((1, pulse_length(16000) // 2 + 1), np.complex64)

    add_pulses_(
        waveform,
        np.array([-300.0, 5.0, 590.0, 3000.0]),
        np.ones(4),
        np.zeros(4, int),
        lambda frames: spectrum[frames],
        16000,
    )

    assert np.flatnonzero(np.abs(waveform) > 1).tolist() == [5, 590]
