import numpy as np

from audiogen.songbook.articulation import FRAME_SECONDS, TRACT_NOISE, articulate
from audiogen.songbook.phonemes import NASAL_POLE, NOISE_SHAPES
from audiogen.songbook.placement import place_syllables
from audiogen.songbook.score import SungNote, Syllable


def articulated(onset, vowel, coda, start=1.0, end=2.0):
    notes = (SungNote(start, end, 60),)
    syllable = Syllable("x", 0, tuple(onset.split()), vowel, tuple(coda.split()), notes, True)
    tracks = articulate(place_syllables((syllable,)))
    return tracks, lambda seconds: round((seconds - tracks.start) / FRAME_SECONDS)


def test_a_diphthong_holds_and_then_moves():
    tracks, frame = articulated("", "AY", "")

    np.testing.assert_allclose(tracks.formants[frame(1.4)], (760, 1280, 2550), rtol=0.01)
    np.testing.assert_allclose(tracks.formants[frame(1.99)], (380, 2050, 2650), rtol=0.05)


def test_an_unvoiced_fricative_has_noise_and_no_voice():
    tracks, frame = articulated("S", "AA", "")
    row = list(NOISE_SHAPES).index("S")

    assert tracks.voicing[frame(0.93)] < 1e-3
    np.testing.assert_allclose(tracks.noise[row, frame(0.94)], 10 ** (-10 / 20), rtol=0.05)
    assert tracks.noise[row, frame(1.3)] < 1e-6


def test_aspiration_follows_a_stop_but_not_after_s():
    alone, _ = articulated("T", "AA", "")
    after_s, _ = articulated("S T", "AA", "")

    assert alone.noise[TRACT_NOISE].max() > 0.1
    assert after_s.noise[TRACT_NOISE].max() == 0


def test_the_nose_opens_for_nasals_only():
    tracks, frame = articulated("M", "AA", "")

    assert tracks.nasal_zero[frame(0.95)] > 900
    np.testing.assert_allclose(tracks.nasal_zero[frame(1.5)], NASAL_POLE)


def test_a_stop_bends_the_vowel_toward_its_place():
    labial, frame = articulated("B", "AH", "")
    alveolar, _ = articulated("D", "AH", "")

    # Both closures lie before 1 s; the labial's F2 comes from below, the alveolar's from above.
    assert labial.formants[frame(1.0), 1] < 1220 < alveolar.formants[frame(1.0), 1]


def test_the_voice_dies_away_at_the_end_of_a_phrase():
    tracks, frame = articulated("", "AA", "")

    assert tracks.voicing[frame(1.5)] > 0.99
    assert tracks.voicing[frame(2.03)] < 0.01
