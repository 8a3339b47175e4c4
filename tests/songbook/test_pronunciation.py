import pytest

from audiogen.errors import UserError
from audiogen.songbook.letter_to_sound import guess, plain_letters
from audiogen.songbook.notation import parse_song, read_songs
from audiogen.songbook.pronunciation import (
    LEGAL_ONSETS,
    guessed_words,
    lexicon,
    phonemes_of,
    pronounce_line,
    pronounce_section,
    read_lexicon,
    syllabify,
)

HEADER = "X:1\nT:Test\nC:nobody 1800\nN:family=test\nM:4/4\nL:1/4\nQ:100\nK:G\n"


def spelled(said):
    return [" ".join((*s.onset, s.vowel, *s.coda)) for s in said.syllables]


def test_every_word_of_the_songbook_is_known_and_has_the_syllables_written():
    for song in read_songs():
        assert guessed_words(song) == []
        for section in song.sections:
            said = pronounce_section(song, section)
            assert [len(s.syllables) for s in said] == [len(w.syllables) for w in section.words]


def test_the_lexicon_holds_the_words_of_the_songbook_and_no_others():
    used = {
        plain_letters(word.text)
        for song in read_songs()
        for section in song.sections
        for word in section.words
    }

    assert used == set(lexicon())


def test_the_largest_legal_onset_goes_to_the_next_vowel():
    assert spelled(pronounce_line("twinkle")[0]) == ["T W IH NG", "K AH_L L"]
    assert spelled(pronounce_line("mulberry")[0]) == ["M AH L", "B EH", "R IY"]
    assert spelled(pronounce_line("greensleeves")[0]) == ["G R IY N", "S L IY V Z"]
    assert spelled(pronounce_line("darkness")[0]) == ["D AA R K", "N AH0 S"]


def test_every_onset_inside_a_word_is_legal():
    for phonemes in lexicon().values():
        for syllable in syllabify(phonemes)[1:]:
            assert not syllable.onset or syllable.onset in LEGAL_ONSETS


def test_the_sounds_like_thee_before_a_vowel():
    before_vowel, before_consonant = pronounce_line("the air"), pronounce_line("the sea")

    assert spelled(before_vowel[0]) == ["DH IY"]
    assert spelled(before_consonant[0]) == ["DH AH0"]


def test_overrides_come_before_the_lexicon_and_the_lexicon_before_rules():
    assert phonemes_of("Hour,") == (("AW1", "ER0"), False)
    assert phonemes_of("hour", {"hour": ("AW1", "R")}) == (("AW1", "R"), False)
    assert phonemes_of("blorp")[1]


def test_an_override_holds_in_its_song_only():
    songs = {song.name: song for song in read_songs()}
    shenandoah = songs["shenandoah"]
    said = pronounce_section(shenandoah, shenandoah.sections[0])

    assert spelled(said[1]) == ["SH EH", "N AH_N N", "D OW"]
    assert len(pronounce_line("Shenandoah")[0].syllables) == 4


@pytest.mark.parametrize(
    "line",
    [
        "Neural engines hum beneath the quiet neon rain",
        "Strengths, rhythms & xylophones: psst!",
        "Mother's brother's knights wouldn't gnaw café crêpes",
        "Queue quickly; the judge's edges squeaked",
    ],
)
def test_any_english_line_yields_syllables(line):
    words = [word for word in line.split() if any(letter.isalpha() for letter in word)]
    said = pronounce_line(line)

    assert [s.text for s in said] == words
    assert all(s.syllables for s in said)


def test_guessed_words_say_so():
    assert [said.guessed for said in pronounce_line("silent keyboards sing")] == [
        False,
        True,
        False,
    ]


def test_the_rules_find_the_right_number_of_syllables_nearly_always():
    vowels = [
        sum(p[-1].isdigit() for p in guess(word)) == sum(p[-1].isdigit() for p in phonemes)
        for word, phonemes in lexicon().items()
    ]

    assert sum(vowels) / len(vowels) > 0.95


def test_a_guess_has_one_main_stress():
    for word in ("banana", "computer", "electricity", "hmm"):
        assert sum(phoneme.endswith("1") for phoneme in guess(word)) == 1


def test_a_word_with_another_number_of_vowels_than_syllables_is_named_with_its_place():
    text = f'{HEADER}P:verse\n"G"G A B c |\nw: a-ma-zi-ng\n'
    song = parse_song(text, "test.abc")

    with pytest.raises(UserError) as error:
        pronounce_section(song, song.sections[0])
    assert str(error.value) == (
        "test.abc:11:4: 'amazing' has 3 vowels but is written in 4 syllables; "
        "hyphenate it so, or add a line 'N:say=...'"
    )


def test_a_word_without_letters_is_named_with_its_place():
    song = parse_song(f'{HEADER}P:verse\n"G"G4 |\nw: 1999\n', "test.abc")

    with pytest.raises(UserError, match="test.abc:11:4: '1999' has no pronunciation"):
        pronounce_section(song, song.sections[0])


def test_a_damaged_lexicon_is_named_with_its_line(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("# words\nsea S IY1\nsky S K AYE1\n")

    with pytest.raises(UserError, match="lexicon.txt:3: 'AYE1' is no phoneme"):
        read_lexicon(path)
