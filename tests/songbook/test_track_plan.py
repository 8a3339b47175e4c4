import pytest

from audiogen.errors import UserError
from audiogen.songbook.artists import ARTISTS, artist_named
from audiogen.songbook.genres import GENRES, genre_named
from audiogen.songbook.notation import read_songs
from audiogen.songbook.track_plan import (
    TEST_FAMILIES,
    VALIDATION_FAMILIES,
    plan_tracks,
    split_of,
)

SONGS = read_songs()
DEMO_GENRES = [genre_named(name) for name in ("folk", "blues", "electronic", "rock")]


def plan(hours=0.47, genres=GENRES, artists=ARTISTS, tests=False, share=0.12, seed=0):
    return plan_tracks(
        SONGS,
        genres,
        artists,
        hours=hours,
        seed=seed,
        form="short",
        validation_share=share,
        include_tests=tests,
    )


def families(tracks, *splits):
    return {track.song.family for track in tracks if track.split in splits}


def pairs(tracks, *splits):
    return {(t.artist.name, t.genre.name) for t in tracks if t.split in splits}


def test_the_held_out_families_exist():
    known = {song.family for song in SONGS}

    assert known >= VALIDATION_FAMILIES
    assert known >= TEST_FAMILIES
    assert not VALIDATION_FAMILIES & TEST_FAMILIES


def test_splits_share_no_family_and_test_pairs_are_never_trained():
    tracks = plan(hours=4, tests=True)

    train = families(tracks, "train")
    assert not train & families(tracks, "validation")
    assert not train & families(tracks, "test_song", "test_both")
    assert families(tracks, "test_pair") <= train
    trained = pairs(tracks, "train", "validation", "test_song")
    assert not trained & pairs(tracks, "test_pair", "test_both")
    assert {t.split for t in tracks} == {
        *("train", "validation", "test_song", "test_pair", "test_both")
    }


def test_no_line_of_lyrics_stands_in_two_splits():
    owners = {}
    for song in SONGS:
        group = "train"
        if song.family in TEST_FAMILIES | VALIDATION_FAMILIES:
            group = "test" if song.family in TEST_FAMILIES else "validation"
        for section in song.sections:
            ends = [*section.lines[1:], len(section.words)]
            for start, end in zip(section.lines, ends, strict=True):
                line = " ".join(word.text.lower() for word in section.words[start:end])
                assert owners.setdefault(line, group) == group


def test_a_small_corpus_holds_every_pair_and_several_families():
    tracks = plan(genres=DEMO_GENRES)

    wanted = {
        (a.name, g.name)
        for a in ARTISTS
        for g in DEMO_GENRES
        if split_of("saints", a, g) == "train"
    }
    assert pairs(tracks, "train") == wanted
    assert len(families(tracks, "train")) >= 10
    assert len(families(tracks, "validation")) >= 2
    minutes = {
        s: sum(t.duration for t in tracks if t.split == s) / 60 for s in ("train", "validation")
    }
    assert minutes["train"] == pytest.approx(25, abs=1.5)
    assert minutes["validation"] == pytest.approx(3.4, abs=0.8)


def test_the_hours_are_filled_and_no_track_comes_twice():
    tracks = plan(hours=1.5, tests=True)

    seconds = [track.duration for track in tracks]
    assert sum(seconds) >= 1.5 * 3600 > sum(seconds[:-1])
    assert len({track.name for track in tracks}) == len(tracks)
    assert len({track.seed for track in tracks}) == len(tracks)


def test_a_longer_plan_starts_like_a_shorter_one():
    assert [t.name for t in plan(0.6)][: len(plan(0.3))] == [t.name for t in plan(0.3)]


def test_seeds_change_the_order_and_the_seeds_of_tracks():
    assert [t.name for t in plan(seed=0)] != [t.name for t in plan(seed=1)]
    assert not {t.seed for t in plan(seed=0)} & {t.seed for t in plan(seed=1)}


def test_file_names_say_song_artist_genre_key_and_tempo():
    song, artist, genre, key, tempo = plan()[0].name.split(".")

    assert song in {song.name for song in SONGS}
    assert artist in {artist.slug for artist in ARTISTS}
    assert genre in {genre.name for genre in GENRES}
    assert key[0] in "ABCDEFG"
    assert len(tempo) == 3


def test_artists_who_never_train_a_genre_cannot_fill_a_corpus():
    with pytest.raises(UserError, match="none of these artists sings any of these genres"):
        plan(genres=[genre_named("classical")], artists=[artist_named("rowan-vale")])


def test_more_hours_than_the_songbook_has_are_refused():
    with pytest.raises(UserError, match="no more train tracks after .* ask for fewer hours"):
        plan(hours=20, genres=[genre_named("folk")], artists=[artist_named("Rowan Vale")], share=0)


def test_wrong_names_come_with_the_nearest():
    with pytest.raises(UserError, match="no genre 'blue'; did you mean 'blues'?"):
        genre_named("blue")
    with pytest.raises(UserError, match="no artist 'Mae Holis'; did you mean 'Mae Hollis'?"):
        artist_named("Mae Holis")
