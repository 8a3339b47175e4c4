import numpy as np
import pytest

from audiogen.songbook.articulation import FRAME_SECONDS, TRACT_NOISE, Articulation
from audiogen.songbook.phonemes import NASAL_POLE, NOISE_SHAPES, VOWELS
from audiogen.songbook.randomness import generator
from audiogen.songbook.score import Voice
from audiogen.songbook.voice_noise import NoiseSource

PLAIN = Voice(50, 70, 1.0, 0.0, 5.5, 0.2, 0.06, 6000, 0.0, 0.0, 0.0, 0.0, 0.0, False)
NUM_FRAMES = 200


def noise(row, sample_rate=22050, frames=slice(None), vowel="AA"):
    one = np.ones(NUM_FRAMES)
    amplitudes = np.zeros((TRACT_NOISE + 1, NUM_FRAMES))
    amplitudes[row, frames] = 0.1
    tracks = Articulation(
        start=0.0,
        formants=np.tile(np.array(VOWELS[vowel][0], float), (NUM_FRAMES, 1)),
        first_width=55 * one,
        nasal_zero=NASAL_POLE * one,
        voicing=one,
        noise=amplitudes,
    )
    num_samples = int(NUM_FRAMES * FRAME_SECONDS * sample_rate)
    source = NoiseSource(PLAIN, sample_rate)
    return source.make(amplitudes, tracks, 150 * one, num_samples, generator("test"))


def share_above(waveform, hertz, sample_rate=22050):
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return power[np.fft.rfftfreq(len(waveform), 1 / sample_rate) > hertz].sum() / power.sum()


@pytest.mark.parametrize("rate", [22050, 44100])
@pytest.mark.parametrize("row", range(TRACT_NOISE + 1))
def test_noise_has_the_level_asked_for(row, rate):
    level = np.sqrt(np.mean(noise(row, rate)[1000:-1000] ** 2))

    assert level == pytest.approx(0.1, rel=0.12)  # a random estimate over a second


def test_s_is_sharp_and_p_is_dull():
    rows = list(NOISE_SHAPES)

    assert share_above(noise(rows.index("S")), 3500) > 0.95
    assert share_above(noise(rows.index("P")), 3500) < 0.02


def test_aspiration_sounds_like_its_vowel():
    assert share_above(noise(TRACT_NOISE, vowel="IY"), 1800) > 2 * share_above(
        noise(TRACT_NOISE, vowel="AO"), 1800
    )


def test_noise_is_silent_outside_its_frames():
    waveform = noise(0, frames=slice(50, 60))

    assert np.abs(waveform[5520:6500]).max() > 0.05
    assert not waveform[:5200].any()
    assert not waveform[6900:].any()
