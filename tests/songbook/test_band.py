import numpy as np
import pytest

from audiogen.songbook.band import NUM_VARIANTS, as_note, play, sound_of
from audiogen.songbook.score import Event, MixHabit, Score, Voice

RATE = 16_000
VOICE = Voice(50, 70, 1.0, 0.0, 5.5, 0.2, 0.06, 6000, 0.03, 1.0, 0.0, 6.0, 0.0, False)
DRY = MixHabit(0.5, 0.0, 2.5, 0.0, 1, False, 0.0, 0.0)


def score_of(*events):
    return Score(tuple(events), (), (), (), (), (), (), 1.0, 120.0, VOICE, DRY, 5)


def test_an_event_sounds_in_its_stem_from_its_start():
    stems = play(score_of(Event(0.5, 0.3, 60.0, 0.8, "organ", "chords")), RATE)

    assert set(stems) == {"drums", "bass", "chords", "lead"}
    assert not stems["chords"][: RATE // 2].any()
    assert np.abs(stems["chords"][RATE // 2 + 500 :]).max() > 0.05
    assert not stems["bass"].any()


def test_events_over_the_end_are_cut():
    stems = play(score_of(Event(0.9, 5.0, 40.0, 0.8, "upright_bass", "bass")), RATE)

    assert len(stems["bass"]) == RATE
    assert stems["bass"][-100:].any()


def test_louder_events_are_louder_and_instruments_equally_loud():
    def level(name, velocity):
        note = as_note(Event(0, 1.0, 60.0, velocity, name, "lead"), 0, 1, RATE)
        return np.sqrt(np.mean(sound_of(note)[: RATE // 4] ** 2))

    assert level("flute", 1.0) > 1.5 * level("flute", 0.5)
    assert 0.5 < level("piano", 1.0) / level("organ", 1.0) < 2


def test_notes_are_rounded_to_the_steps_in_which_they_are_kept():
    near = [
        Event(t, d, 60.0, v, "piano", "chords") for t, d, v in [(0, 0.506, 0.5), (1, 0.5, 0.52)]
    ]

    assert as_note(near[0], 0, 1, RATE) == as_note(near[1], 0, 1, RATE)
    assert as_note(near[0], 0, 1, RATE) != as_note(near[0], 0, 2, RATE)


def test_a_kept_note_cannot_be_changed():
    sound = sound_of(as_note(Event(0, 0.2, 60.0, 0.5, "piano", "chords"), 0, 1, RATE))

    with pytest.raises(ValueError, match="read-only"):
        sound += 1


def test_the_hits_of_a_drum_are_drawn_from_a_few_variants():
    hits = [Event(i / 10, 0.1, 0.0, 0.8, "rim", "drums") for i in range(10)]
    drums = play(score_of(*hits), RATE)["drums"]

    attacks = {drums[i * 1600 : i * 1600 + 800].tobytes() for i in range(10)}
    assert 1 < len(attacks) <= NUM_VARIANTS


@pytest.mark.parametrize(("instrument", "stem"), [("kazoo", "lead"), ("piano", "choir")])
def test_unknown_names_are_told(instrument, stem):
    with pytest.raises(ValueError, match="kazoo|choir"):
        play(score_of(Event(0, 0.2, 60.0, 0.5, instrument, stem)), RATE)
