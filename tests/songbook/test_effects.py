import numpy as np
import pytest

from audiogen.songbook.effects import (
    chorus,
    ducking,
    echo,
    filter_linearly,
    limiter_gain,
    master_response,
    overdrive,
    reverb_impulse,
    saturate,
)

RATE = 16_000


def test_an_overdriven_guitar_is_nearly_as_loud_when_played_softly():
    loud = 0.3 * np.sin(2 * np.pi * 220 / RATE * np.arange(8000))

    levels = [np.std(overdrive(gain * loud, RATE)) for gain in (1.0, 0.5)]
    assert levels[1] > 0.85 * levels[0]


def test_a_chorus_wavers():
    tone = np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE))

    wet = chorus(tone, RATE)
    levels = [np.std(part) for part in np.split(wet, 20)]
    assert max(levels) > 1.2 * min(levels)


def test_saturation_of_zero_changes_nothing_and_more_flattens_peaks():
    tone = (0.1 * np.sin(np.arange(4000) / 10)).astype(np.float32)

    assert saturate(tone, 0.0) is tone
    warm = saturate(tone, 0.5)
    assert np.abs(warm).max() / np.std(warm) < np.abs(tone).max() / np.std(tone)
    assert not saturate(np.zeros(10, np.float32), 0.5).any()


def test_echoes_come_at_their_delay_and_get_weaker():
    click = np.zeros(RATE, np.float32)
    click[0] = 1.0

    echoes = echo(click, 0.25, RATE)
    assert np.flatnonzero(echoes).tolist() == [4000, 8000, 12_000]
    np.testing.assert_allclose(echoes[[4000, 8000]], [0.4, 0.16], rtol=1e-6)


def test_a_reverb_decays_by_60_decibels_in_its_time():
    impulse = reverb_impulse(0.5, RATE)
    start = int(0.015 * RATE)

    assert np.sum(impulse**2) == pytest.approx(1)
    early = np.std(impulse[start + 1600 : start + 2400])  # around 0.125 s
    late = np.std(impulse[start + 4800 : start + 5600])  # around 0.325 s
    assert 20 * np.log10(early / late) == pytest.approx(60 * 0.2 / 0.5, abs=4)


def test_a_reverb_of_no_length_is_still_an_impulse_response():
    assert np.sum(reverb_impulse(0.0, RATE) ** 2) == pytest.approx(1)


def test_the_master_tilts_about_its_pivot_and_cuts_the_subsonic():
    gains = master_response(np.array([2.0, 200.0, 1000.0, 6000.0]), 4.0)

    decibels = 20 * np.log10(np.abs(gains))
    assert decibels[0] < -40
    assert decibels[1] == pytest.approx(-1.8, abs=0.3)
    assert decibels[2] == pytest.approx(0.0, abs=0.5)
    assert decibels[3] == pytest.approx(1.8, abs=0.3)


def test_linear_filtering_with_one_is_the_identity_and_keeps_float32():
    waveform = np.random.default_rng(0).standard_normal(1000).astype(np.float32)

    filtered = filter_linearly(waveform, np.ones(751, np.complex64), 1500)
    assert filtered.dtype == np.float32
    np.testing.assert_allclose(filtered, waveform, atol=1e-6)


def test_ducking_drops_at_a_beat_and_is_back_before_the_next():
    gain = ducking((0.5, 1.0, 1.5), 2 * RATE, RATE)

    assert gain[int(0.25 * RATE)] == pytest.approx(1)
    assert gain[int(1.006 * RATE)] < 0.4
    assert gain[int(1.3 * RATE)] == pytest.approx(1)
    assert gain[int(1.9 * RATE)] == pytest.approx(1)  # no beat follows the last one


def test_a_limiter_holds_every_peak_and_leaves_the_rest_alone():
    waveform = np.random.default_rng(1).standard_normal(RATE) * 0.2
    waveform[5000] = 3.0

    gain = limiter_gain(waveform, 0.89, RATE)
    assert np.abs(waveform * gain).max() <= 0.89 + 1e-6
    assert gain[0] == 1.0
    assert np.abs(np.diff(gain)).max() < 0.02
