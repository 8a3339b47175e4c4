"""Every pitched instrument by name, and the effects that a whole bus of one goes through."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from audiogen.songbook.effects import chorus, overdrive
from audiogen.songbook.keys import electric_piano, piano
from audiogen.songbook.note import Note
from audiogen.songbook.plucked import STRINGS, pluck
from audiogen.songbook.wavetables import TONES, sustain

INSTRUMENTS: Mapping[str, Callable[[Note], np.ndarray]] = MappingProxyType(
    {
        **dict.fromkeys(STRINGS, pluck),
        **dict.fromkeys(TONES, sustain),
        "piano": piano,
        "electric_piano": electric_piano,
    }
)
"""Name -> function from a note to its waveform (sample,), of any level."""

BUS_EFFECTS: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = MappingProxyType(
    {
        # Chords go into the amplifier together: that is what a driven guitar is.
        "driven_guitar": overdrive,
        "pad": chorus,
        "strings": chorus,
        "electric_piano": chorus,
    }
)
"""Name -> effect (waveform, sample rate) -> waveform, on all that an instrument plays in a stem."""
