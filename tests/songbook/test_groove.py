from fractions import Fraction

import pytest

from audiogen.songbook.arrangement import grid_of, transpositions
from audiogen.songbook.artists import ARTISTS
from audiogen.songbook.genres import GENRES
from audiogen.songbook.groove import SHORTEST_NOTE_SECONDS, TEMPO_FACTORS, Grid, shortest_note
from audiogen.songbook.notation import read_songs

ONE = Fraction(1)


def test_the_first_beat_of_three_becomes_two_of_four():
    grid = Grid("3/4", "4/4", ONE, 60, 0.5)

    positions = [Fraction(n, 2) for n in (-2, -1, 0, 1, 2, 4, 6)]
    assert [grid.groove_position(p) for p in positions] == [-1, Fraction(-1, 2), 0, 1, 2, 3, 4]


def test_eighths_of_six_become_long_short_short():
    grid = Grid("6/8", "4/4", ONE, 60, 0.5)

    positions = [grid.groove_position(Fraction(n, 2)) for n in range(-1, 7)]
    assert [float(p) for p in positions] == [-0.5, 0, 1, 1.5, 2, 3, 3.5, 4]


def test_swing_moves_the_off_beat_and_leaves_the_beats():
    grid = Grid("4/4", "4/4", ONE, 60, 0.64)

    times = [grid.seconds(Fraction(n, 4)) for n in (-2, 0, 1, 2, 3, 4)]
    assert times == pytest.approx([-0.36, 0, 0.32, 0.64, 0.82, 1])


def test_no_note_of_any_song_is_too_short_to_sing_in_any_genre_and_tempo():
    for song in read_songs():
        for genre in GENRES:
            for factor in TEMPO_FACTORS:
                grid = grid_of(song, genre, factor)
                assert shortest_note(song, grid) >= SHORTEST_NOTE_SECONDS - 1e-6


def test_tempi_stay_in_the_range_of_the_genre():
    for song in read_songs():
        for genre in GENRES:
            tempo = grid_of(song, genre, 1.0).tempo
            assert genre.tempo[0] <= tempo <= genre.tempo[1]


def test_a_genre_keeps_or_converts_the_metre():
    songs = {song.name: song for song in read_songs()}
    genres = {genre.name: genre for genre in GENRES}

    assert grid_of(songs["amazing-grace"], genres["folk"], 1.0).metre == "3/4"
    assert grid_of(songs["amazing-grace"], genres["blues"], 1.0).metre == "4/4"
    assert grid_of(songs["yankee-doodle"], genres["folk"], 1.0).metre == "4/4"
    assert grid_of(songs["greensleeves"], genres["jazz"], 1.0).swing == 0.5


def test_transpositions_keep_the_melody_inside_the_range():
    for song in read_songs():
        for artist in ARTISTS:
            shifts = transpositions(song, artist)
            assert 1 <= len(shifts) <= 3
            for shift in shifts:
                assert song.lowest + shift >= artist.voice.low
                assert song.highest + shift <= artist.voice.high
