"""The band: events -> one bus a stem. Notes that come again are taken from a cache."""

from functools import lru_cache

import numpy as np

from audiogen.songbook.drums import DRUM_LEVELS, DRUMS
from audiogen.songbook.instruments import BUS_EFFECTS, INSTRUMENTS
from audiogen.songbook.note import Note
from audiogen.songbook.randomness import generator
from audiogen.songbook.score import STEMS, Event, Score

NUM_VARIANTS = 3
_DURATION_STEP, _VELOCITY_STEPS = 0.02, 6
_NOTE_RMS = 0.1
_LOUDNESS_EXPONENT = 1.3  # of the velocity
_CACHED_NOTES = 768


def play(score: Score, sample_rate: int) -> dict[str, np.ndarray]:
    """Play all events of `score`: stem -> bus (sample,) float32, before the mix.

    Raises:
        ValueError: An event names an unknown instrument or stem.
    """
    num_samples = round(score.duration * sample_rate)
    stems = {stem: np.zeros(num_samples, np.float32) for stem in STEMS}
    for (stem, instrument), events in _by_bus(score.events).items():
        if stem not in stems:
            raise ValueError(f"stem {stem!r} is none of {', '.join(STEMS)}")
        bus = np.zeros(num_samples, np.float32) if instrument in BUS_EFFECTS else stems[stem]
        _play_bus_(bus, events, score, sample_rate)
        if instrument in BUS_EFFECTS:
            stems[stem] += BUS_EFFECTS[instrument](bus, sample_rate)
    return stems


def _by_bus(events: tuple[Event, ...]) -> dict[tuple[str, str], list[Event]]:
    buses: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        buses.setdefault((event.stem, event.instrument), []).append(event)
    return buses


def _play_bus_(bus: np.ndarray, events: list[Event], score: Score, sample_rate: int) -> None:
    random = generator("variants", score.seed, events[0].stem, events[0].instrument)
    variants = random.integers(0, NUM_VARIANTS, len(events)).tolist()
    for event, variant in zip(events, variants, strict=True):
        sound = sound_of(as_note(event, variant, score.mix.instrument_seed, sample_rate))
        start = round(event.start * sample_rate)
        low, high = max(start, 0), min(start + len(sound), len(bus))
        if high > low:
            bus[low:high] += sound[low - start : high - start]


def as_note(event: Event, variant: int, seed: int, sample_rate: int) -> Note:
    """Round an event to the steps in which notes are kept."""
    is_drum = event.instrument in DRUMS
    steps = max(round(event.duration / _DURATION_STEP), 2)
    velocity = min(max(round(event.velocity * _VELOCITY_STEPS), 1), _VELOCITY_STEPS)
    return Note(
        instrument=event.instrument,
        midi=0.0 if is_drum else float(event.midi),
        duration=0.0 if is_drum else round(steps * _DURATION_STEP, 2),
        velocity=velocity / _VELOCITY_STEPS,
        variant=variant,
        seed=seed,
        sample_rate=sample_rate,
    )


@lru_cache(maxsize=_CACHED_NOTES)
def sound_of(note: Note) -> np.ndarray:
    """Play one note or hit at its level (sample,) float32; the array must not be changed.

    Raises:
        ValueError: No instrument or drum has this name.
    """
    gain = note.velocity**_LOUDNESS_EXPONENT
    if note.instrument in DRUMS:
        waveform = DRUMS[note.instrument](note)
        gain *= DRUM_LEVELS[note.instrument] / max(np.abs(waveform).max(), 1e-9)
    elif note.instrument in INSTRUMENTS:
        waveform = INSTRUMENTS[note.instrument](note)
        gain *= _NOTE_RMS / max(_loudest(waveform, note.sample_rate), 1e-9)
    else:
        raise ValueError(f"no instrument or drum is called {note.instrument!r}")
    sound = (waveform * gain).astype(np.float32)
    sound.flags.writeable = False
    return sound


def _loudest(waveform: np.ndarray, sample_rate: int) -> float:
    """RMS of the loudest 50 ms."""
    length = min(max(int(0.05 * sample_rate), 1), len(waveform))
    count = len(waveform) // length
    return float(np.sqrt(np.mean(waveform[: count * length].reshape(count, length) ** 2, 1).max()))
