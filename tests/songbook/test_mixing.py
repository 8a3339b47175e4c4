import dataclasses

import numpy as np
import pytest

from audiogen.songbook.loudness import integrated_loudness
from audiogen.songbook.mixing import STEM_NAMES, master_, render, sounding_rms
from audiogen.songbook.score import Event, MixHabit, Score, SungNote, Syllable, Voice

RATE = 16_000
BEAT = 0.5
VOICE = Voice(50, 70, 1.05, 20.0, 5.5, 0.2, 0.06, 6000, 0.05, 3.0, 0.5, 6.0, 5.0, False)
WET = MixHabit(0.6, 0.2, 2.5, 1.0, 7, True, 0.75, 0.4)


def two_bars(mix=WET, syllables=True):
    """Two bars of four beats with drums, bass, chords, a lead and four sung syllables."""
    events = [Event(b * BEAT, 0.1, 0.0, 0.9, "kick_a", "drums") for b in range(0, 8, 2)]
    events += [Event(b * BEAT, 0.1, 0.0, 0.8, "snare_b", "drums") for b in range(1, 8, 2)]
    events += [Event(b * BEAT, 0.4, 36.0, 0.8, "electric_bass", "bass") for b in range(8)]
    for midi in (60.0, 64.0, 67.0):
        events += [Event(b * BEAT, 1.9, midi, 0.6, "strings", "chords") for b in (0, 4)]
        events.append(Event(1.0, 0.5, midi, 0.6, "driven_guitar", "chords"))
    events.append(Event(3.0, 0.8, 72.0, 0.7, "flute", "lead"))
    words = [
        (("L",), "AH", ("V",), 1.0, 60),
        (("M",), "IY", (), 1.5, 62),
        (("T",), "EH", ("N",), 2.0, 64),
        (("S", "T"), "AA", ("R",), 3.0, 60),
    ]
    sung = tuple(
        Syllable("la", i, onset, vowel, coda, (SungNote(t, t + 0.45, midi),), i in (0, 3))
        for i, (onset, vowel, coda, t, midi) in enumerate(words)
    )
    beats = tuple(b * BEAT for b in range(8))
    return Score(
        tuple(events),
        sung if syllables else (),
        ("love", "me", "ten", "star"),
        ((0.0, 4.0, "C:maj"),),
        beats,
        beats[::4],
        ((0.0, 4.0, "verse"),),
        4.0,
        120.0,
        VOICE,
        mix,
        11,
    )


@pytest.fixture(scope="module")
def rendering():
    return render(two_bars(), RATE)


def test_every_stem_sounds_for_the_length_of_the_score(rendering):
    assert tuple(rendering.stems) == STEM_NAMES
    for stem in (rendering.mix, *rendering.stems.values()):
        assert stem.shape == (4 * RATE,)
        assert stem.dtype == np.float32
        assert sounding_rms(stem) > 1e-3


def test_stems_sum_to_the_mix(rendering):
    np.testing.assert_allclose(sum(rendering.stems.values()), rendering.mix, atol=1e-6)


def test_the_master_bends_no_stem_but_gives_all_the_same_gain():
    random = np.random.default_rng(0)
    spiky = random.standard_normal(2 * RATE).astype(np.float32) ** 5  # calls for the limiter
    stems = {name: spiky * (index + 1) for index, name in enumerate(STEM_NAMES)}
    master_(stems, RATE)

    assert np.abs(sum(stems.values())).max() == pytest.approx(0.89, abs=0.01)
    for index, name in enumerate(STEM_NAMES):
        np.testing.assert_allclose(stems[name], (index + 1) * stems["vocals"], rtol=1e-5, atol=1e-9)


def test_the_mix_has_its_loudness_and_stays_under_full_scale(rendering):
    assert integrated_loudness(rendering.mix, RATE) == pytest.approx(-16, abs=0.5)
    assert np.abs(rendering.mix).max() <= 0.9


def test_the_truth_comes_from_the_singer(rendering):
    assert [symbol for symbol, _, _ in rendering.phonemes][:3] == ["L", "AH", "V"]
    assert [vowel for _, vowel, _ in rendering.syllable_times] == [1.0, 1.5, 2.0, 3.0]
    assert len(rendering.pitch) == 400
    assert rendering.pitch[130] == pytest.approx(261.6, rel=0.03)


def test_the_same_score_gives_the_same_bytes_whatever_was_made_between(rendering):
    render(dataclasses.replace(two_bars(), seed=12), RATE)
    again = render(two_bars(), RATE)

    assert again.mix.tobytes() == rendering.mix.tobytes()


def test_the_voice_lies_over_the_backing_as_the_artist_wants():
    dry = dataclasses.replace(WET, reverb_amount=0.0, ducking=False, delay_beats=0.0)
    levels = []
    for vocal_db in (0.0, 4.0):
        stems = render(two_bars(dataclasses.replace(dry, vocal_db=vocal_db)), RATE).stems
        backing = sum(stem for name, stem in stems.items() if name != "vocals")
        levels.append(20 * np.log10(sounding_rms(stems["vocals"]) / sounding_rms(backing)))

    # The master's tilt moves both a little; their difference is the habit's.
    assert levels[1] - levels[0] == pytest.approx(4.0, abs=0.3)
    assert levels[0] == pytest.approx(0.0, abs=1.5)


def test_reverb_lets_a_stem_ring_on():
    dry = render(two_bars(dataclasses.replace(WET, reverb_amount=0.0, delay_beats=0.0)), RATE)
    wet = render(two_bars(dataclasses.replace(WET, reverb_amount=0.5, delay_beats=0.0)), RATE)

    after_the_voice = slice(int(3.65 * RATE), int(3.8 * RATE))
    quiet, ringing = (np.std(r.stems["vocals"][after_the_voice]) for r in (dry, wet))
    assert ringing > 5 * quiet


def test_an_instrumental_has_a_silent_vocal_stem():
    rendering = render(two_bars(syllables=False), RATE)

    assert not rendering.stems["vocals"].any()
    assert rendering.phonemes == []
    assert not rendering.pitch.any()
    assert integrated_loudness(rendering.mix, RATE) == pytest.approx(-16, abs=0.5)


def test_an_empty_score_is_silence():
    rendering = render(dataclasses.replace(two_bars(syllables=False), events=()), RATE)

    assert not rendering.mix.any()


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_other_sample_rates_sound_alike(rendering, rate):
    other = render(two_bars(), rate)

    assert len(other.mix) == 4 * rate
    for name, stem in other.stems.items():
        difference = 20 * np.log10(sounding_rms(stem) / sounding_rms(rendering.stems[name]))
        assert abs(difference) < 1.5


@pytest.mark.parametrize(("rate", "seconds"), [(8_000, 4.0), (48_000, 4.0), (16_000, 0.0)])
def test_what_cannot_be_rendered_is_told(rate, seconds):
    with pytest.raises(ValueError, match="must be"):
        render(dataclasses.replace(two_bars(), duration=seconds), rate)
