import dataclasses

import numpy as np
import pytest

from audiogen.songbook.note import Note
from audiogen.songbook.plucked import STRINGS, pluck

NOTE = Note("steel_guitar", 57.0, 1.0, 0.5, 0, 1, 22_050)


def centroid(waveform, sample_rate=22_050):
    power = np.abs(np.fft.rfft(waveform)) ** 2
    return np.sum(np.fft.rfftfreq(len(waveform), 1 / sample_rate) * power) / power.sum()


def test_a_harder_pluck_is_brighter():
    soft, hard = (pluck(dataclasses.replace(NOTE, velocity=v)) for v in (0.2, 1.0))

    assert centroid(hard[:8000]) > centroid(soft[:8000])


def test_the_string_gets_darker_while_it_sounds():
    waveform = pluck(NOTE)

    assert centroid(waveform[16_000:20_000]) < 0.8 * centroid(waveform[:4000])


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_the_decay_does_not_depend_on_the_sample_rate(rate):
    waveform = pluck(dataclasses.replace(NOTE, instrument="banjo", sample_rate=rate))
    early, late = (
        np.sqrt(np.mean(waveform[int(a * rate) : int((a + 0.2) * rate)] ** 2)) for a in (0.3, 0.7)
    )

    # Only the fundamental is left by then: its own decay over 0.4 s.
    decay = STRINGS["banjo"].decay * 0.5**0.55
    assert 20 * np.log10(early / late) == pytest.approx(60 * 0.4 / decay, rel=0.15)


def test_variants_of_a_note_differ():
    assert not np.array_equal(pluck(NOTE), pluck(dataclasses.replace(NOTE, variant=1)))
