import numpy as np
import pytest

from audiogen.songbook.instruments import BUS_EFFECTS, INSTRUMENTS
from audiogen.songbook.note import Note

RATE = 22_050
NAMES = [
    "nylon_guitar",
    "steel_guitar",
    "muted_guitar",
    "electric_guitar",
    "banjo",
    "mandolin",
    "electric_bass",
    "upright_bass",
    "synth_bass",
    "driven_guitar",
    "organ",
    "strings",
    "pad",
    "violin",
    "fiddle",
    "cello",
    "flute",
    "sax",
    "trumpet",
    "harmonica",
    "pedal_steel",
    "electric_piano",
    "piano",
    "saw",
    "pluck",
    "synth_lead",
]


def cents_off(waveform, hertz):
    """Mean frequency around `hertz`, weighted by power, so vibrato and beating average out."""
    around = waveform * np.exp(-2j * np.pi * hertz / RATE * np.arange(len(waveform)))
    window = np.hanning(int(3 * RATE / hertz) + 2)[1:-1]
    for _ in range(2):
        around = np.convolve(around, window / window.sum(), "valid")
    turn = np.angle(np.sum(around[1:] * np.conj(around[:-1]))) * RATE / (2 * np.pi)
    return 1200 * np.log2((hertz + turn) / hertz)


def test_every_instrument_of_the_score_can_be_played():
    assert set(INSTRUMENTS) == set(NAMES)
    assert set(BUS_EFFECTS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_instrument_sounds_and_is_in_tune(name):
    for midi in (33, 45) if "bass" in name else (48, 64, 79):
        note = Note(name, float(midi), 1.0, 0.5, 0, 1, RATE)
        waveform = INSTRUMENTS[name](note)
        start, end = (0.05, 0.35) if name == "muted_guitar" else (0.3, 0.95)
        held = waveform[int(start * RATE) : int(end * RATE)]

        assert np.isfinite(waveform).all()
        assert np.abs(held).max() > 1e-4
        assert abs(cents_off(held, note.frequency)) < 6


@pytest.mark.parametrize("name", NAMES)
def test_a_note_ends_in_silence(name):
    waveform = INSTRUMENTS[name](Note(name, 48.0, 0.2, 1.0, 0, 1, RATE))

    assert np.abs(waveform[-5:]).max() < 0.02 * np.abs(waveform).max()


@pytest.mark.parametrize("name", ["steel_guitar", "violin", "piano", "organ"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_other_sample_rates_and_extreme_notes_work(name, rate):
    for midi in (24.0, 103.0):
        waveform = INSTRUMENTS[name](Note(name, midi, 0.1, 1.0, 0, 1, rate))

        assert np.isfinite(waveform).all()
        assert waveform.any()


def test_bus_effects_keep_the_length():
    waveform = np.sin(np.arange(4000) / 20).astype(np.float32)

    for effect in BUS_EFFECTS.values():
        assert effect(waveform, RATE).shape == waveform.shape
