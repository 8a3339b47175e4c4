import pytest

from audiogen.songbook.placement import MAX_CONSONANT_SHARE, place_syllables, split_phrases
from audiogen.songbook.score import SungNote, Syllable


def syllable(onset, vowel, coda, *notes, phrase_start=False):
    sung = tuple(SungNote(*note) for note in notes)
    return Syllable("x", 0, tuple(onset.split()), vowel, tuple(coda.split()), sung, phrase_start)


def test_the_vowel_starts_at_the_note_and_the_onset_before_it():
    placed = place_syllables((syllable("S T", "AA", "P", (1.0, 2.0, 60)),))

    assert placed[0].vowel.start == 1.0
    assert placed[0].start == pytest.approx(1.0 - 0.8 * (0.115 + 0.085))
    assert placed[0].end == pytest.approx(2.0)


def test_a_coda_ends_where_the_next_onset_begins():
    first, second = place_syllables(
        (syllable("", "AA", "N", (1.0, 2.0, 60)), syllable("S", "IY", "", (2.0, 3.0, 62)))
    )

    assert first.end == pytest.approx(second.start) == pytest.approx(2.0 - 0.115)


def test_consonants_between_close_vowels_are_squeezed_and_never_dropped():
    first, second = place_syllables(
        (
            syllable("", "AA", "N D", (1.0, 1.2, 60)),
            syllable("S T R", "IY", "", (1.2, 1.5, 62)),
        )
    )

    consonants = first.phonemes[1:] + second.phonemes[:3]
    taken = sum(phoneme.end - phoneme.start for phoneme in consonants)
    assert taken == pytest.approx(MAX_CONSONANT_SHARE * 0.2)
    assert all(phoneme.end > phoneme.start for phoneme in consonants)


def test_phonemes_follow_each_other_without_overlap():
    placed = place_syllables(
        tuple(syllable("S K", "EY", "NG", (t, t + 0.25, 60)) for t in (0.5, 0.75, 1.0, 2.0))
    )

    phonemes = [phoneme for syllable in placed for phoneme in syllable.phonemes]
    for before, after in zip(phonemes, phonemes[1:], strict=False):
        assert before.start < before.end <= after.start + 1e-9


def test_a_syllable_over_several_notes_stays_on_its_vowel():
    notes = ((1.0, 1.5, 60), (1.5, 2.0, 62), (2.0, 3.0, 64))
    placed = place_syllables((syllable("", "OW", "L", *notes),))

    assert placed[0].vowel.end == pytest.approx(3.0 - 0.105)


def test_an_onset_before_the_beginning_of_the_song_is_squeezed_into_it():
    placed = place_syllables((syllable("S", "AA", "", (0.04, 1.0, 60)),))

    assert placed[0].start == pytest.approx(0.0)


def test_rests_and_phrase_starts_split_phrases():
    placed = place_syllables(
        (
            syllable("", "AA", "", (1.0, 1.5, 60)),
            syllable("", "AA", "", (1.5, 2.0, 60)),
            syllable("", "AA", "", (2.0, 2.5, 60), phrase_start=True),
            syllable("", "AA", "", (3.0, 3.5, 60)),
        )
    )

    assert [len(phrase) for phrase in split_phrases(placed)] == [2, 1, 1]
