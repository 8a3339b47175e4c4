"""The pitch that a singer plans: notes joined by glides, scoops, vibrato and a little unrest."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from audiogen.songbook.placement import PlacedSyllable
from audiogen.songbook.score import SungNote, Voice

CONTROL_RATE = 1000
"""Points of the planned curve a second."""

_GLIDE_END = 0.010  # seconds after the note starts
_SCOOP_SECONDS = 0.14
_LONG_NOTE = 0.4
_VIBRATO_FADE = 0.25
_JITTER_SECONDS = 0.06


def plan_pitch(
    phrase: list[PlacedSyllable], voice: Voice, times: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Plan the pitch of a phrase.

    Args:
        phrase: Syllables sung in one breath.
        voice: Who sings.
        times: (point,) seconds in the song, `CONTROL_RATE` a second.
        random: Where the unrest comes from.

    Returns:
        (point,) pitch in hertz, also where nothing voiced sounds.
    """
    notes = [note for syllable in phrase for note in syllable.syllable.notes]
    midi = _glides(notes, voice.portamento, times)
    if voice.scoop > 0:
        midi -= voice.scoop * _scoop_shape(times - phrase[0].vowel.start)
    for note in notes:
        if voice.vibrato_cents > 0 and note.end - note.start > _LONG_NOTE:
            _add_vibrato_(midi, note, voice, times)
    if voice.jitter_cents > 0:
        midi += voice.jitter_cents / 100 * _slow_noise(len(times), random)
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def _glides(notes: list[SungNote], portamento: float, times: np.ndarray) -> np.ndarray:
    """Join the notes by raised cosines that end just after the new note has begun."""
    midi = np.full(len(times), float(notes[0].midi))
    for before, after in zip(notes, notes[1:], strict=False):
        end = after.start + _GLIDE_END
        # A glide takes at most half of the note that it leaves.
        seconds = max(min(portamento, (after.start - before.start) / 2), 0.005)
        progress = np.clip((times - (end - seconds)) / seconds, 0.0, 1.0)
        midi += (after.midi - before.midi) * (0.5 - 0.5 * np.cos(np.pi * progress))
    return midi


def _scoop_shape(since_vowel: np.ndarray) -> np.ndarray:
    progress = np.clip(since_vowel / _SCOOP_SECONDS + 0.3, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * progress)


def _add_vibrato_(midi: np.ndarray, note: SungNote, voice: Voice, times: np.ndarray) -> None:
    inside = slice(*np.searchsorted(times, (note.start + voice.vibrato_delay, note.end)))
    since = times[inside] - note.start - voice.vibrato_delay
    left = note.end - times[inside]
    depth = np.clip(since / _VIBRATO_FADE, 0, 1) * np.clip(left / 0.06, 0, 1)
    midi[inside] += voice.vibrato_cents / 100 * depth * np.sin(2 * np.pi * voice.vibrato_hz * since)


def _slow_noise(num_points: int, random: np.random.Generator) -> np.ndarray:
    """Draw smooth noise of unit variance."""
    width = _JITTER_SECONDS * CONTROL_RATE
    noise = gaussian_filter1d(random.standard_normal(num_points), width, mode="wrap")
    # A Gaussian of this width leaves this much of white noise.
    return noise * np.sqrt(2 * np.sqrt(np.pi) * width)
