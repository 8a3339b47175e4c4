import pytest

from audiogen.errors import UserError
from audiogen.songbook.notation import parse_song, read_song, read_songs

HEADER = "X:1\nT:Test\nC:nobody 1800\nN:family=test\nM:4/4\nL:1/4\nQ:100\nK:G\n"
MUSIC = '"G"G A B c | "D7"d4 |'
WORDS = "w: one two three four five"


def song(music=MUSIC, words=WORDS, header=HEADER, section="P:verse"):
    return parse_song(f"{header}{section}\n{music}\n{words}\n", "test.abc")


def message(**changes):
    with pytest.raises(UserError) as error:
        song(**changes)
    return str(error.value)


def test_every_song_of_the_songbook_parses():
    songs = read_songs()

    assert len(songs) == 26
    syllables = [word.syllables for s in songs for part in s.sections for word in part.words]
    assert sum(map(len, syllables)) == 1453


def test_key_signature_accidentals_and_octaves_give_midi_pitches():
    parsed = song('"G"F ^F =F F | "G"f B, z2 |', "w: a b c d e f")

    pitches = [note.midi for note in parsed.sections[0].notes]
    assert pitches == [66, 66, 65, 65, 78, 59]  # an accidental holds to the bar line


def test_lengths_are_multiples_of_the_unit():
    parsed = song('"G"G3/2 A/ B z | "G"c3/4 d/4 G3 |', "w: a b c d e f")

    assert [float(note.length) for note in parsed.sections[0].notes] == [1.5, 0.5, 1, 0.75, 0.25, 3]


def test_a_short_first_bar_is_a_pickup_before_zero():
    parsed = song('D | "G"G A B c | "D7"d3 |', "w: oh one two three four five")

    assert [note.start for note in parsed.sections[0].notes][:2] == [-1, 0]
    assert parsed.sections[0].length == 8


def test_a_first_bar_that_opens_with_a_rest_and_no_chord_is_a_pickup():
    parsed = song('z D E F | "G"G4 |', "w: oh when the saints")

    assert [note.start for note in parsed.sections[0].notes] == [-3, -2, -1, 0]


def test_ties_and_holds_make_one_note_and_slurs_keep_two():
    parsed = song('"G"G2 (A B) | "G"B4- | "G"B4 |', "w: one two_ three_")

    notes = parsed.sections[0].notes
    assert [(note.midi, float(note.length), note.syllable) for note in notes] == [
        (67, 2, 0),
        (69, 1, 1),
        (71, 1, 1),
        (71, 8, 2),
    ]


def test_a_hold_after_a_hyphen_belongs_to_the_syllable_before_it():
    parsed = song('"G"G A B c | "G"d4 |', "w: nec-_tar so sweet")

    assert [note.syllable for note in parsed.sections[0].notes] == [0, 0, 1, 2, 3]
    assert parsed.sections[0].words[0].syllables == ("nec", "tar")


def test_a_word_may_go_on_in_the_next_line():
    text = f'{HEADER}P:verse\n"G"G A B c |\nw: but now you re-\n"G"G2 A2 |\nw: mem-ber\n'
    section = parse_song(text, "test.abc").sections[0]

    assert [word.text for word in section.words] == ["but", "now", "you", "remember"]
    assert section.lines == (0, 3)


def test_dorian_and_minor_keys_have_their_signatures():
    dorian = song('"Dm"F B c z |', "w: a b c", HEADER.replace("K:G", "K:Ddor"))
    minor = song('"Dm"F B c z |', "w: a b c", HEADER.replace("K:G", "K:Dm"))

    assert [note.midi for note in dorian.sections[0].notes] == [65, 71, 72]
    assert [note.midi for note in minor.sections[0].notes] == [65, 70, 72]
    assert (dorian.mode, minor.mode) == ("dor", "min")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"music": '"G"G A B | "G"c4 | "G"c4 |', "words": "w: a b c d e"},
            None,  # the first bar may be short
        ),
        (
            {"music": '"G"G4 | "G"A B | "G"c4 |', "words": "w: a b c d"},
            "test.abc:10:16: a bar of 2 quarter notes does not fill the metre (4)",
        ),
        (
            {"music": '"G"G4 | "G"A4 | "G"c4 d |', "words": "w: a b c d"},
            "test.abc:10:25: a bar of 5 quarter notes does not fill the metre (4)",
        ),
        (
            {"words": "w: one two three"},
            "test.abc:10:10: 5 notes but 3 syllables: 2 notes left over",
        ),
        (
            {"words": "w: one two three four five six"},
            "test.abc:11:1: 5 notes but 6 syllables: 1 syllable left over, from 'six'",
        ),
        (
            {"music": '"Gsus"G4 |', "words": "w: one"},
            "test.abc:10:1: unknown chord 'Gsus'; a root and one of: m, 7, 9, 6, maj7, m7",
        ),
        (
            {"header": HEADER.replace("K:G", "K:H")},
            "test.abc:8:1: unknown key 'H'; for example G, Bb, F#m, Ddor",
        ),
        (
            {"header": HEADER.replace("M:4/4", "M:5/4")},
            "test.abc:5:1: unknown metre '5/4'; known: 4/4, 2/4, 3/4, 6/8",
        ),
        (
            {"music": '"G"G5/3 |', "words": "w: one"},
            "test.abc:10:4: unknown length '5/3'; for example 2, 3/2, /, 3/4",
        ),
        (
            {"header": HEADER.replace("L:1/4", "L:4")},
            "test.abc:6:1: unknown unit length '4'; for example 1/4",
        ),
        (
            {"header": HEADER.replace("Q:100", "Q:fast")},
            "test.abc:7:1: unknown tempo 'fast'; quarter notes a minute, 30 to 300",
        ),
        (
            {"header": HEADER.replace("N:family=test\n", "")},
            "test.abc:7:1: missing header 'N:family=' (tune family)",
        ),
        (
            {"header": HEADER.replace("T:Test\n", "")},
            "test.abc:7:1: missing header 'T:' (title)",
        ),
        (
            {"header": HEADER + "hello\n"},
            "test.abc:9:1: unknown header 'hello'; a section starts with 'P:verse'",
        ),
        (
            {"music": "G A B c | d4 |"},
            "test.abc:10:1: no chord before the first note of the first full bar",
        ),
        (
            {"music": '"G"C, c\' B c | "D7"d4 |'},
            "test.abc:1:1: the melody spans 36 semitones; no artist sings more than 19",
        ),
        (
            {"section": "P:solo"},
            "test.abc:9:1: unknown section 'solo'; known: verse, verse2, chorus, bridge",
        ),
        (
            {"music": '"G"G A B ? | "D7"d4 |'},
            "test.abc:10:10: '?' is no note, rest, chord, tie, slur or bar line",
        ),
        (
            {"music": '"G"G2- A2 | "D7"d2 d2 |', "words": "w: one_ two three"},
            "test.abc:10:8: a tie joins two notes of one pitch and one syllable",
        ),
        (
            {"music": '"G"(G A B c | "D7"d4 |'},
            "test.abc:10:22: a music line ends with a bar line and with its slurs closed",
        ),
        ({"words": ""}, "test.abc:10:1: a music line without a 'w:' line under it"),
        (
            {"words": "w: one--two three four five"},
            "test.abc:11:4: 'one--two' has an empty syllable",
        ),
    ],
)
def test_a_broken_rule_is_named_with_file_line_and_column(changes, expected):
    if expected is None:
        song(**changes)
    else:
        assert message(**changes) == expected


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="nowhere.abc: no such song"):
        read_song(tmp_path / "nowhere.abc")
    with pytest.raises(UserError, match="holds no songs"):
        read_songs(tmp_path)
