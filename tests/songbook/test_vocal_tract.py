import numpy as np
import pytest
from scipy.signal import find_peaks

from audiogen.songbook.articulation import TRACT_NOISE, Articulation
from audiogen.songbook.phonemes import NASAL_POLE, VOWELS
from audiogen.songbook.score import Voice
from audiogen.songbook.vocal_tract import VocalTract

PLAIN = Voice(50, 70, 1.0, 0.0, 5.5, 0.2, 0.06, 6000, 0.0, 0.0, 0.0, 0.0, 0.0, False)
FREQUENCIES = np.arange(0, 8000, 10.0)


def response(vowel, frequencies=FREQUENCIES, pitch=100.0, nasal_zero=NASAL_POLE):
    one = np.ones(1)
    tracks = Articulation(
        start=0.0,
        formants=np.array([VOWELS[vowel][0]], float),
        first_width=55 * one,
        nasal_zero=nasal_zero * one,
        voicing=one,
        noise=np.zeros((TRACT_NOISE + 1, 1)),
    )
    return VocalTract(PLAIN, frequencies).response(tracks, np.array([0]), np.array([pitch]))[0]


@pytest.mark.parametrize("vowel", ["IY", "EH", "AA", "UW", "ER"])
def test_the_first_three_peaks_are_the_formants_of_the_table(vowel):
    peaks = FREQUENCIES[find_peaks(np.abs(response(vowel)))[0]]

    np.testing.assert_allclose(peaks[:3], VOWELS[vowel][0], atol=40)


def test_the_response_does_not_depend_on_the_grid_that_it_is_asked_for():
    coarse = response("AA", FREQUENCIES[::4])

    np.testing.assert_allclose(coarse, response("AA")[::4], rtol=1e-5)


def test_the_gain_at_zero_frequency_is_one():
    assert abs(response("OW")[0]) == pytest.approx(1, abs=1e-4)


def test_the_first_formant_follows_a_high_pitch():
    peaks = FREQUENCIES[find_peaks(np.abs(response("IY", pitch=600.0)))[0]]

    assert peaks[0] == pytest.approx(600, abs=20)


def test_a_nasal_zero_takes_sound_away_there():
    nasal = np.abs(response("AH", nasal_zero=1600.0))
    oral = np.abs(response("AH"))

    assert 20 * np.log10(nasal[160] / oral[160]) < -20
