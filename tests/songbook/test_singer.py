import dataclasses

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from audiogen.songbook.score import MixHabit, Score, SungNote, Syllable, Voice
from audiogen.songbook.singer import PITCH_RATE, VOWEL_RMS, sing

RATE = 16_000
VOICE = Voice(50, 70, 1.0, 0.0, 5.5, 0.2, 0.06, 6000, 0.03, 1.0, 0.0, 6.0, 0.0, False)
DRY = MixHabit(0.5, 0.0, 2.5, 0.0, 1, False, 0.0, 0.0)


def score_of(*syllables, voice=VOICE, seed=1, duration=2.0):
    return Score((), tuple(syllables), ("la",), (), (), (), (), duration, 120.0, voice, DRY, seed)


def syllable(onset, vowel, coda, start=0.5, end=1.5, midi=57, phrase_start=True):
    notes = (SungNote(start, end, midi),)
    return Syllable("la", 0, tuple(onset.split()), vowel, tuple(coda.split()), notes, phrase_start)


def measured_pitch(waveform):
    """Autocorrelation between 60 and 800 Hz, with a parabola through its first high peak."""
    size = 2 * len(waveform)
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), size)) ** 2
    correlation = np.fft.irfft(power)
    low, high = RATE // 800, RATE // 60
    peaks, _ = find_peaks(correlation[low:high], height=0.85 * correlation[low:high].max())
    peak = low + int(peaks[0])
    before, here, after = correlation[peak - 1 : peak + 2]
    return RATE / (peak + 0.5 * (before - after) / (before - 2 * here + after))


def spectral_envelope(waveform):
    """Spectrum smoothed over more than the distance of harmonics: (bin of 1 Hz,) decibels."""
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), RATE)) ** 2
    return 10 * np.log10(gaussian_filter1d(power, 90))


@pytest.mark.parametrize("midi", [45, 57, 69])
def test_a_note_is_sung_at_its_pitch(midi):
    sung = sing(score_of(syllable("M", "AA", "N", midi=midi)), RATE)

    pitch = measured_pitch(sung.waveform[int(0.8 * RATE) : int(1.2 * RATE)])
    cents = 1200 * np.log2(pitch / (440 * 2 ** ((midi - 69) / 12)))
    assert abs(cents) < 30


def test_the_planned_pitch_is_what_sounds_and_is_zero_where_nothing_does():
    voice = dataclasses.replace(VOICE, vibrato_cents=60.0)
    sung = sing(score_of(syllable("S", "AA", ""), voice=voice), RATE)

    for center in (0.9, 1.0, 1.1):
        around = slice(int((center - 0.03) * RATE), int((center + 0.03) * RATE))
        planned = sung.pitch[round(center * PITCH_RATE)]
        assert abs(1200 * np.log2(measured_pitch(sung.waveform[around]) / planned)) < 30
    assert not sung.pitch[:48].any()
    assert not sung.pitch[160:].any()


def test_vowels_differ_as_their_formants_do():
    envelope = {}
    for vowel in ("IY", "AA"):
        sung = sing(score_of(syllable("", vowel, "", midi=45)), RATE)
        envelope[vowel] = spectral_envelope(sung.waveform[int(0.8 * RATE) : int(1.2 * RATE)])

    # F2: 2200 against 1180 Hz; F1: 290 against 720 Hz, both over the dip between.
    assert envelope["IY"][2200] - envelope["IY"][1180] > 10
    assert envelope["AA"][1180] - envelope["AA"][2000] > 10
    assert envelope["AA"][720] - envelope["AA"][290] > envelope["IY"][720] - envelope["IY"][290]


def test_the_vowel_starts_at_the_note():
    sung = sing(score_of(syllable("S", "AA", "")), RATE)

    level = np.sqrt(np.convolve(sung.waveform**2, np.ones(160) / 160, "same"))
    low_band = gaussian_filter1d(sung.waveform, 4)  # leaves the voice, not the S
    voice = np.sqrt(np.convolve(low_band**2, np.ones(160) / 160, "same"))
    start = np.flatnonzero(voice > 0.3 * voice.max())[0] / RATE
    assert start == pytest.approx(0.5, abs=0.03)
    assert level[int(0.44 * RATE)] > 0.1 * level.max()
    assert sung.syllable_times == [(pytest.approx(0.385), 0.5, pytest.approx(1.5))]


def test_a_fricative_is_noise_high_up_and_a_vowel_is_not():
    sung = sing(score_of(syllable("S", "AA", "")), RATE)

    def share_high(start, end):
        power = np.abs(np.fft.rfft(sung.waveform[int(start * RATE) : int(end * RATE)])) ** 2
        return power[len(power) // 2 :].sum() / power.sum()

    assert share_high(0.40, 0.48) > 0.9
    assert share_high(0.7, 0.9) < 0.05


def test_the_same_score_gives_the_same_bytes_and_another_seed_does_not():
    score = score_of(syllable("S", "AA", "N"))

    again = sing(score, RATE).waveform.tobytes()
    assert sing(score, RATE).waveform.tobytes() == again
    assert sing(dataclasses.replace(score, seed=2), RATE).waveform.tobytes() != again


def test_an_open_vowel_has_one_level_at_every_rate():
    score = score_of(syllable("", "AH", "", midi=60))

    levels = []
    for rate in (16_000, 22_050, 44_100):
        middle = sing(score, rate).waveform[int(0.8 * rate) : int(1.2 * rate)]
        levels.append(np.sqrt(np.mean(middle**2)))
    np.testing.assert_allclose(levels, levels[0], rtol=0.02)
    # Where the harmonics fall between the formants moves a single note by some decibels.
    assert abs(20 * np.log10(levels[0] / VOWEL_RMS)) < 3


def test_a_double_adds_a_second_voice():
    single = score_of(syllable("", "AA", ""))
    double = dataclasses.replace(single, voice=dataclasses.replace(VOICE, double=True))

    difference = sing(double, RATE).waveform - sing(single, RATE).waveform
    level = np.sqrt(np.mean(difference[int(0.8 * RATE) : int(1.2 * RATE)] ** 2))
    assert 20 * np.log10(level / VOWEL_RMS) == pytest.approx(-9, abs=2)


def test_a_phrase_does_not_change_with_what_is_sung_after_it():
    first = syllable("L", "AA", "", 0.4, 0.7)
    last = syllable("M", "IY", "", 1.2, 1.6, midi=60)

    both = sing(score_of(first, last), RATE).waveform
    alone = sing(score_of(first), RATE).waveform
    np.testing.assert_array_equal(both[: int(1.0 * RATE)], alone[: int(1.0 * RATE)])


def test_phonemes_are_named_plainly_and_in_order():
    sung = sing(score_of(syllable("B", "AH_L", "L")), RATE)

    assert [symbol for symbol, _, _ in sung.phonemes] == ["B", "AH", "L"]
