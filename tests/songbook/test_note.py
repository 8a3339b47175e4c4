import numpy as np
import pytest
from scipy import signal

from audiogen.songbook.note import Note, band_noise, envelope, peak_filter

NOTE = Note("flute", 69.0, 1.0, 0.5, 0, 1, 16_000)


def test_a_stream_begins_anew_each_time_and_differs_by_purpose():
    assert NOTE.stream("a").random() == NOTE.stream("a").random()
    assert NOTE.stream("a").random() != NOTE.stream("b").random()


def test_an_envelope_rises_holds_and_falls():
    times = np.array([0.0, 0.1, 0.5, 1.0, 1.2])

    levels = envelope(times, duration=1.0, attack=0.1, release=0.2)
    np.testing.assert_allclose(levels, [0, 1, 1, 1, 0], atol=1e-12)


def test_a_peak_filter_lifts_its_own_frequency_only():
    section = peak_filter(1000, 2.0, 6.0, 16_000)

    _, gains = signal.sosfreqz(section, [1000, 50], fs=16_000)
    np.testing.assert_allclose(20 * np.log10(np.abs(gains)), [6, 0], atol=0.05)


def test_band_noise_lies_in_its_band():
    noise = band_noise(NOTE, 16_000, 1000, 2000)

    power = np.abs(np.fft.rfft(noise)) ** 2
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1)
    assert power[900:2200].sum() > 0.85 * power.sum()
