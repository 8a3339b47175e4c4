import dataclasses

import numpy as np
import pytest

from audiogen.songbook.intonation import CONTROL_RATE, plan_pitch
from audiogen.songbook.placement import place_syllables
from audiogen.songbook.randomness import generator
from audiogen.songbook.score import SungNote, Syllable, Voice

PLAIN = Voice(50, 70, 1.0, 0.0, 5.5, 0.2, 0.06, 6000, 0.0, 0.0, 0.0, 6.0, 0.0, False)


def plan(voice, *notes):
    syllables = (Syllable("a", 0, (), "AA", (), tuple(SungNote(*n) for n in notes), True),)
    times = np.arange(0, 3 * CONTROL_RATE) / CONTROL_RATE
    hertz = plan_pitch(place_syllables(syllables), voice, times, generator("test"))
    return 69 + 12 * np.log2(hertz / 440)


def test_a_glide_ends_just_after_the_note_begins():
    midi = plan(PLAIN, (1.0, 2.0, 60), (2.0, 3.0, 67))

    assert midi[1940] == pytest.approx(60)
    assert 60 < midi[1980] < 67
    assert midi[2011] == pytest.approx(67)


def test_a_scoop_comes_from_below_and_is_soon_over():
    midi = plan(dataclasses.replace(PLAIN, scoop=1.0), (1.0, 2.0, 60))

    assert midi[900] == pytest.approx(59)
    assert midi[1200] == pytest.approx(60)


def test_vibrato_waits_for_its_delay_on_long_notes_only():
    singing = dataclasses.replace(PLAIN, vibrato_cents=50)
    midi = plan(singing, (0.5, 0.8, 60), (1.0, 3.0, 60))

    np.testing.assert_allclose(midi[:1190], 60, atol=1e-6)
    assert np.ptp(midi[1700:2500]) == pytest.approx(1.0, abs=0.02)


def test_jitter_has_its_strength_and_changes_slowly():
    midi = plan(dataclasses.replace(PLAIN, jitter_cents=8.0), (0.0, 3.0, 60))

    assert 3 < 100 * midi.std() < 16  # three seconds hold only some twenty independent values
    assert 100 * np.abs(np.diff(midi)).max() < 1.0
