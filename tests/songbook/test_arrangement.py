import json
from itertools import pairwise

import pytest

from audiogen.songbook import drums, instruments
from audiogen.songbook.arrangement import arrange, lyrics, planned_duration, transpositions
from audiogen.songbook.artists import ARTISTS, artist_named
from audiogen.songbook.genres import GENRES, genre_named
from audiogen.songbook.harmony import (
    Harmony,
    close_voicing,
    guitar_voicing,
    key_name,
    power_voicing,
)
from audiogen.songbook.notation import read_songs
from audiogen.songbook.score import STEMS

SONGS = {song.name: song for song in read_songs()}


def score(song="greensleeves", genre="jazz", artist="Mae Hollis", form="full", seed=3, factor=1.0):
    source, singer = SONGS[song], artist_named(artist)
    shift = transpositions(source, singer)[0]
    return arrange(
        source,
        genre_named(genre),
        singer,
        shift=shift,
        tempo_factor=factor,
        seed=seed,
        form=form,
    )


def every_score(form):
    for index, song in enumerate(SONGS):
        for place in (index, index + 3):
            genre, artist = GENRES[place % 8], ARTISTS[(index // 8 + place) % 8]
            yield score(song, genre.name, artist.name, form, seed=index)


@pytest.fixture(scope="module")
def scores():
    return [*every_score("short")]


def test_a_score_depends_on_its_inputs_alone():
    assert score() == score()
    assert score().digest() == score().digest()
    assert score(seed=4).digest() != score().digest()
    assert score(factor=0.94).digest() != score().digest()


def test_a_score_can_be_written_as_json_and_its_digest_is_stable():
    made = score("row-row-row-your-boat", "folk", "Rowan Vale", "short")

    assert json.loads(json.dumps(made.to_json()))["tempo"] == made.tempo
    # Another digest means that every corpus changes: say so in the change's description.
    assert made.digest() == "e5c461e7dd19c9ac"


def test_events_are_sorted_inside_the_song_and_known_to_the_renderer(scores):
    known = set(instruments.INSTRUMENTS) | set(drums.DRUMS)
    for made in scores:
        starts = [event.start for event in made.events]
        assert starts == sorted(starts)
        for event in made.events:
            assert 0 <= event.start < made.duration
            assert event.duration > 0
            assert 0 < event.velocity <= 1
            assert event.stem in STEMS
            assert event.instrument in known
            assert event.midi == 0 if event.stem == "drums" else 21 <= event.midi <= 108


def test_syllables_follow_each_other_inside_the_song_and_the_voice(scores):
    for made in scores:
        notes = [note for syllable in made.syllables for note in syllable.notes]
        assert all(note.start < note.end for note in notes)
        assert all(before.end <= after.start + 1e-6 for before, after in pairwise(notes))
        assert notes[0].start > 0
        assert notes[-1].end <= made.duration
        assert all(made.voice.low <= note.midi <= made.voice.high for note in notes)


def test_every_syllable_belongs_to_the_word_it_is_part_of(scores):
    for made in scores:
        words = [syllable.word for syllable in made.syllables]
        assert words == sorted(words)
        assert set(words) == set(range(len(made.words)))


def test_sections_chords_beats_and_bars_cover_the_song(scores):
    for made in scores:
        assert made.sections[0][0] == 0
        assert made.sections[-1][1] == made.duration
        assert all(a[1] == b[0] for a, b in pairwise(made.sections))
        assert made.chords[0][0] == 0
        assert all(a[1] == b[0] for a, b in pairwise(made.chords))
        assert set(made.bars) <= set(made.beats)
        assert all(a < b for a, b in pairwise(made.beats))


def test_the_words_of_the_lyrics_are_the_words_of_the_score():
    for song in SONGS.values():
        for form in ("short", "full"):
            made = score(song.name, "folk", "Elena Marsh", form)
            assert lyrics(song, form).split() == list(made.words)


def test_the_planned_duration_is_the_duration():
    for genre in GENRES:
        source = SONGS["red-river-valley"]
        planned = planned_duration(source, genre, 1.06, "full")
        assert planned == score(source.name, genre.name, factor=1.06).duration


def test_forms():
    def labels(song, form):
        return [label for _, _, label in score(song, "folk", form=form).sections]

    assert labels("auld-lang-syne", "short") == ["intro", "verse", "chorus", "end"]
    assert labels("oh-susanna", "full") == (
        ["intro", "verse", "chorus", "break", "verse", "chorus", "end"]
    )
    assert labels("row-row-row-your-boat", "full") == ["intro", "verse", "break", "verse", "end"]


def test_the_break_has_the_melody_on_the_lead_and_no_voice():
    made = score("twinkle-twinkle-little-star", "classical", "Elena Marsh")
    start, end, _ = next(section for section in made.sections if section[2] == "break")

    lead = [event for event in made.events if event.stem == "lead" and start <= event.start < end]
    first_verse = SONGS["twinkle-twinkle-little-star"].sections[0]
    steps = [b.midi - a.midi for a, b in pairwise(first_verse.notes)]
    assert [b.midi - a.midi for a, b in pairwise(lead)] == steps
    assert not [s for s in made.syllables if start <= s.notes[0].start < end]


def test_a_pickup_gets_a_bar_of_its_own_where_the_section_before_still_sings():
    made = score("drunken-sailor", "folk", "Rowan Vale", "full")
    with_pickup = score("battle-hymn-of-the-republic", "folk", "Rowan Vale", "full")

    for track in (made, with_pickup):
        starts = [syllable.notes[0].start for syllable in track.syllables]
        assert starts == sorted(starts)


def test_blues_makes_sevenths_and_swings_the_words():
    made = score("london-bridge", "blues", "Otis Barlow", "short")

    assert {label.split(":")[1] for _, _, label in made.chords} == {"7"}
    beat = 60 / made.tempo
    # "Lon-don": the second syllable is written on a dotted rhythm's short note.
    first, second = (syllable.notes[0].start for syllable in made.syllables[:2])
    assert (second - first) / beat == pytest.approx(1.64, abs=1e-3)


def test_electronic_voices_have_no_vibrato_and_short_glides():
    made = score("jingle-bells", "electronic", "Elena Marsh", "short")

    assert made.voice.vibrato_cents == 0
    assert made.voice.portamento == 0.02
    assert made.mix.ducking


def test_every_genre_has_two_kits_or_no_drums_and_draws_both():
    for genre in GENRES:
        assert len(genre.kits) == 2 or not genre.drums
    kits = {
        event.instrument
        for seed in range(12)
        for event in score("yankee-doodle", "rock", "Dex Carver", "short", seed).events
        if event.instrument.startswith("snare")
    }
    assert kits == {"snare_a", "snare_b"}


def test_every_artist_and_genre_stand_on_the_ring():
    for genre in GENRES:
        assert sum(genre.name in artist.trained for artist in ARTISTS) == 3
        assert sum(genre.name == artist.held_out for artist in ARTISTS) == 1
    assert all(artist.held_out not in artist.trained for artist in ARTISTS)


def test_voicings_hold_the_tones_of_the_chord():
    chord = Harmony(7, "7")  # G B D F
    for notes in (close_voicing(chord, 60), guitar_voicing(chord, 40)):
        assert {note % 12 for note in notes} <= {7, 11, 2, 5}
    assert power_voicing(chord, 40) == (43, 50, 55)
    assert guitar_voicing(chord, 40)[0] == 43


def test_keys_and_chords_are_named_with_their_accidentals():
    assert key_name(SONGS["greensleeves"], 0) == "A:min"
    assert key_name(SONGS["drunken-sailor"], 2) == "E:dor"
    assert key_name(SONGS["amazing-grace"], 1) == "Ab:maj"
    assert Harmony(10, "m7").label(flats=True) == "Bb:min7"
    assert Harmony(6, "").label(flats=False) == "F#:maj"
