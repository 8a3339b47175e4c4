import numpy as np
import pytest

from audiogen.songbook.note import Note
from audiogen.songbook.wavetables import TONES, sustain


def played(name, midi=60.0, seconds=1.0, rate=22_050):
    return sustain(Note(name, midi, seconds, 0.5, 0, 1, rate))


@pytest.mark.parametrize("name", sorted(TONES))
def test_the_last_release_follows_the_note(name):
    assert len(played(name)) == int((1.0 + TONES[name].release) * 22_050)


def test_a_high_note_does_not_fold_back():
    rate = 16_000
    waveform = played("trumpet", midi=96.0, rate=rate)[4000:12_000]
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)))) ** 2
    hertz = np.fft.rfftfreq(len(waveform), 1 / rate)

    # 2093 Hz has three harmonics under 8 kHz; between them lies only vibrato, breath and rounding.
    between = np.min([np.abs(hertz - n * 2093.0) for n in (1, 2, 3)], axis=0) > 400
    assert power[between].sum() < 1e-3 * power.sum()


def test_a_filter_envelope_darkens_the_bass():
    waveform = played("synth_bass", midi=36.0)

    def share_high(part):
        power = np.abs(np.fft.rfft(part)) ** 2
        return power[len(power) // 10 :].sum() / power.sum()

    assert share_high(waveform[:2000]) > 3 * share_high(waveform[-6000:-2000])


def test_strings_swell_and_organs_speak_at_once():
    def level_after(name, seconds):
        start = int(seconds * 22_050)
        return np.sqrt(np.mean(played(name)[start : start + 500] ** 2))

    assert level_after("strings", 0.02) < 0.4 * level_after("strings", 0.5)
    assert level_after("organ", 0.02) > 0.7 * level_after("organ", 0.5)
