import numpy as np

from audiogen.songbook.keys import electric_piano, piano
from audiogen.songbook.note import Note


def test_partials_of_a_piano_are_stretched():
    note = Note("piano", 45.0, 2.0, 1.0, 0, 1, 22_050)
    waveform = piano(note)[2000:34_000]
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), 1 << 18)) ** 2
    hertz = np.fft.rfftfreq(1 << 18, 1 / 22_050)

    near = (hertz > 9.7 * note.frequency) & (hertz < 10.4 * note.frequency)
    tenth = hertz[near][np.argmax(power[near])]
    assert tenth > 10.05 * note.frequency


def test_a_piano_decays_while_it_is_held():
    waveform = piano(Note("piano", 60.0, 2.0, 0.5, 0, 1, 22_050))

    assert np.abs(waveform[40_000:42_000]).max() < 0.5 * np.abs(waveform[:2000]).max()


def test_the_tine_of_an_electric_piano_fades_first():
    waveform = electric_piano(Note("electric_piano", 60.0, 1.5, 1.0, 0, 1, 22_050))

    def share_of_tine(part):
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        hertz = np.fft.rfftfreq(len(part), 1 / 22_050)
        return power[hertz > 2500].sum() / power.sum()

    assert share_of_tine(waveform[:4000]) > 5 * share_of_tine(waveform[16_000:20_000])
