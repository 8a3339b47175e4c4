import numpy as np
import pytest

from audiogen.songbook.loudness import integrated_loudness


def sine(hertz, decibels, seconds, rate):
    return 10 ** (decibels / 20) * np.sin(2 * np.pi * hertz / rate * np.arange(int(seconds * rate)))


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_a_full_scale_sine_of_997_hz_measures_as_the_standard_says(rate):
    # BS.1770: one channel at 0 dBFS gives -3.01 LKFS.
    assert integrated_loudness(sine(997, 0, 3, rate), rate) == pytest.approx(-3.01, abs=0.05)


def test_silence_between_the_music_does_not_count():
    tone = sine(997, -20, 4, 16_000)
    with_pause = np.concatenate([tone, np.zeros(16_000 * 8)])

    loudness = integrated_loudness(with_pause, 16_000)
    assert loudness == pytest.approx(integrated_loudness(tone, 16_000), abs=0.3)


def test_low_frequencies_count_less_and_high_ones_more():
    low, middle, high = (
        integrated_loudness(sine(f, -20, 2, 48_000), 48_000) for f in (30, 997, 4000)
    )

    assert low < middle - 6
    assert high == pytest.approx(middle + 3.3, abs=0.5)


def test_silence_has_no_loudness():
    assert integrated_loudness(np.zeros(16_000), 16_000) == -np.inf


def test_a_waveform_under_a_block_is_measured_as_a_whole():
    assert integrated_loudness(sine(997, -6, 0.2, 16_000), 16_000) == pytest.approx(-9, abs=0.5)
