import numpy as np
import pytest

from audiogen.songbook.drums import DRUM_LEVELS, DRUMS
from audiogen.songbook.note import Note

NAMES = [
    "kick_a",
    "kick_b",
    "snare_a",
    "snare_b",
    "hat_closed_a",
    "hat_closed_b",
    "hat_open_a",
    "hat_open_b",
    "ride",
    "clap_a",
    "clap_b",
    "rim",
    "brush",
    "shaker",
    "crash",
]


def hit(name, rate=22_050, velocity=0.8):
    return DRUMS[name](Note(name, 0.0, 0.0, velocity, 0, 1, rate))


def test_every_drum_of_the_score_can_be_hit():
    assert set(DRUMS) == set(DRUM_LEVELS) == set(NAMES)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("name", NAMES)
def test_a_hit_sounds_at_once_and_is_over_at_its_end(name, rate):
    waveform = hit(name, rate)
    peak = np.abs(waveform).max()

    assert np.isfinite(waveform).all()
    assert np.abs(waveform[: int(0.03 * rate)]).max() > 0.3 * peak
    assert np.abs(waveform[-20:]).max() < 0.08 * peak


def test_a_kick_is_low_and_a_hat_is_high():
    def centroid(waveform):
        power = np.abs(np.fft.rfft(waveform)) ** 2
        return np.sum(np.fft.rfftfreq(len(waveform), 1 / 22_050) * power) / power.sum()

    assert centroid(hit("kick_a")) < 200
    assert centroid(hit("snare_a")) < centroid(hit("hat_closed_a"))
    assert centroid(hit("hat_closed_a")) > 5000


def test_the_two_kits_differ():
    for name in ("kick", "snare", "hat_closed", "hat_open", "clap"):
        assert hit(f"{name}_a").shape != hit(f"{name}_b").shape
