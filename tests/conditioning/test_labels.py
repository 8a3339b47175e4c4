import random
from dataclasses import fields

import pytest
import torch

from audiogen.conditioning.labels import (
    Description,
    LabelEncoder,
    Labels,
    drop_labels_at_random,
)
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.data.manifest import Track, Word
from audiogen.errors import UserError

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(
        artists=("unknown", "Ann", "Bo"),
        genres=("unknown", "blues", "folk", "jazz"),
        alphabet=("", *LETTERS),
    )


@pytest.fixture
def encoder(vocabulary) -> LabelEncoder:
    return LabelEncoder(vocabulary, max_genres=2, num_lyric_tokens=4)


@pytest.fixture
def labels(encoder) -> Labels:
    songs = [
        Description(1000, artist="Ann", genres=("blues",), lyrics="abcdef"),
        Description(2000, artist="Bo", genres=("folk", "jazz"), lyrics="xy"),
        Description(3000),
    ]
    return Labels.stack([encoder.encode(song, 10 * i, 100) for i, song in enumerate(songs)])


def equal(one: Labels, other: Labels) -> bool:
    return all(
        torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
    )


def test_a_description_becomes_ids(labels):
    assert labels.artist.tolist() == [1, 2, 0]
    assert labels.genres.tolist() == [[1, -1], [2, 3], [0, -1]]
    assert labels.total_length.tolist() == [1000, 2000, 3000]
    assert labels.offset.tolist() == [0, 10, 20]
    assert labels.lyrics.tolist() == [[1, 2, 3, 4], [0, 0, 24, 25], [0, 0, 0, 0]]
    assert not labels.labels_dropped.any()
    assert not labels.lyrics_dropped.any()


def test_every_id_is_int64_and_every_mark_a_bool(labels):
    for field in fields(labels):
        expected = torch.bool if field.name.endswith("dropped") else torch.int64
        assert getattr(labels, field.name).dtype == expected


def test_selecting_undoes_stacking(labels):
    assert len(labels) == 3
    assert equal(Labels.stack([labels.select(i) for i in range(3)]), labels)
    assert equal(labels.select(slice(1, 3)), labels.select([1, 2]))
    assert equal(labels.select(torch.tensor([2, 0])), labels.select([2, 0]))
    assert labels.select(2).total_length.tolist() == [3000]


def test_nothing_cannot_be_stacked():
    with pytest.raises(ValueError, match="no labels to stack"):
        Labels.stack([])


def test_labels_move_to_a_device(labels):
    moved = labels.to("meta")
    assert {getattr(moved, field.name).device.type for field in fields(moved)} == {"meta"}


def test_withholding_marks_every_window_and_keeps_the_rest(labels):
    assert labels.without_labels().labels_dropped.all()
    assert not labels.without_labels().lyrics_dropped.any()
    assert labels.without_lyrics().lyrics_dropped.all()
    assert not labels.without_lyrics().labels_dropped.any()
    assert torch.equal(labels.without_lyrics().lyrics, labels.lyrics)
    assert not labels.labels_dropped.any()


def test_labels_and_lyrics_are_dropped_by_their_own_draws(labels):
    uniform = torch.tensor([[0.05, 0.5], [0.5, 0.15], [0.1, 0.2]])
    dropped = drop_labels_at_random(labels, 0.1, 0.2, uniform)
    assert dropped.labels_dropped.tolist() == [True, False, False]
    assert dropped.lyrics_dropped.tolist() == [False, True, False]


def test_what_is_withheld_stays_withheld(labels):
    kept = drop_labels_at_random(labels.without_labels(), 0.0, 0.0, torch.zeros(3, 2))
    assert kept.labels_dropped.all()
    assert not kept.lyrics_dropped.any()


def test_more_genres_than_fit_are_refused(encoder):
    with pytest.raises(UserError) as error:
        encoder.encode(Description(9, genres=("blues", "folk", "jazz")), 0, 9)
    assert str(error.value) == "genres blues, folk, jazz: 3 are too many; 2 fit in this model"


def test_a_model_without_labels_and_lyrics_gets_none(vocabulary):
    encoder = LabelEncoder(vocabulary, max_genres=0, num_lyric_tokens=0)
    labels = encoder.encode(Description(9, artist="Nobody", genres=("x",), lyrics="abc"), 0, 9)
    assert labels.genres.shape == labels.lyrics.shape == (1, 0)
    assert labels.artist.tolist() == [0]


def test_an_odd_number_of_lyric_tokens_is_refused(vocabulary):
    with pytest.raises(ValueError, match="even, not 5"):
        LabelEncoder(vocabulary, max_genres=1, num_lyric_tokens=5)


def test_windows_of_untimed_lyrics_follow_the_share_of_the_song_that_has_passed(vocabulary):
    draw = random.Random(0)
    for _ in range(300):
        lyrics = LETTERS[: draw.randint(0, 26)]
        size, total = 2 * draw.randint(1, 8), draw.randint(1, 5000)
        offset, length = draw.randint(0, 6000), draw.randint(1, 2000)
        window = LabelEncoder(vocabulary, 1, size).lyric_window(
            Description(total, lyrics=lyrics), offset, length
        )
        if len(lyrics) < size:
            places = [-1] * (size - len(lyrics)) + list(range(len(lyrics)))
        else:
            center = int(len(lyrics) * (offset + length / 2) / total)
            center = sorted([size // 2, center, len(lyrics) - size // 2])[1]
            places = list(range(center - size // 2, center + size // 2))
        assert window.characters == places
        assert window.tokens == [0 if place < 0 else place + 1 for place in places]


def test_a_window_beyond_the_end_of_the_song_has_the_last_lyrics(encoder):
    song = Description(1000, lyrics=LETTERS)
    assert encoder.lyric_window(song, 999, 100) == encoder.lyric_window(song, 50_000, 100)
    assert encoder.lyric_window(song, 50_000, 100).characters == [22, 23, 24, 25]


def test_timed_words_place_the_window(encoder):
    # All is sung in the last of ten seconds, at 100 samples a second.
    words = tuple(
        Word(text=letter, start=9 + i / 26, end=9 + (i + 1) / 26)
        for i, letter in enumerate(LETTERS)
    )
    song = Description(1000, lyrics=LETTERS, words=words, duration=10.0)
    assert encoder.lyric_window(song, 300, 200).characters == [0, 1, 2, 3]
    assert encoder.lyric_window(song, 900, 100).characters == [11, 12, 13, 14]
    assert encoder.lyric_window(song, 990, 100).characters == [22, 23, 24, 25]


def test_words_that_the_lyrics_lack_leave_the_window_to_the_share_of_the_song(encoder):
    words = (Word(text="других", start=9, end=9.5), Word(text="слів", start=9.5, end=10))
    timed = Description(1000, lyrics=LETTERS, words=words, duration=10.0)
    untimed = Description(1000, lyrics=LETTERS)
    for offset in range(0, 1000, 50):
        assert encoder.lyric_window(timed, offset, 100) == encoder.lyric_window(
            untimed, offset, 100
        )


def test_a_track_is_described_with_its_words():
    word = Word(text="la", start=0, end=1)
    track = Track(
        path="a.wav", duration=2.5, sample_rate=8000, channels=1, artist="Ann", genre="folk",
        lyrics="la", words=(word,),
    )  # fmt: skip
    song = Description.of_track(track, num_samples=500)
    assert song == Description(500, "Ann", ("folk",), "la", (word,), 2.5)


def test_words_of_a_track_without_duration_are_left_out():
    word = Word(text="la", start=0, end=1)
    track = Track(path="a.wav", duration=0, sample_rate=8000, channels=1, words=(word,))
    assert Description.of_track(track, num_samples=500).words == ()


def test_impossible_descriptions_are_refused():
    with pytest.raises(ValueError, match="0 samples"):
        Description(0)
    with pytest.raises(ValueError, match="duration"):
        Description(10, words=(Word(text="la", start=0, end=1),))
