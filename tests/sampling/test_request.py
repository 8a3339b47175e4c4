import pytest

from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.config import validated
from audiogen.errors import UserError
from audiogen.sampling.request import SongPlan, SongRequest, check_words

VOCABULARY = Vocabulary(
    artists=("unknown", "Mae Hollis"),
    genres=("unknown", "blues", "folk"),
    alphabet=("", *" abcdefghijklmnopqrstuvwxyz'\n"),
)


def plan(**values):
    return SongPlan(SongRequest(**values), sample_rate=1000, channels=1, hop_lengths=(4, 8, 32))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seconds": 0}, r"seconds: input should be greater than 0 \(got 0\)"),
        ({"seconds": -3}, r"seconds: input should be greater than 0 \(got -3\)"),
        ({"seconds": 3601}, "seconds: input should be less than or equal to 3600"),
        ({"seconds": float("nan")}, "seconds: input should be"),
        ({"seconds": float("inf")}, "seconds: input should be"),
        ({"seconds": "long"}, "seconds: input should be a valid number"),
        ({"seconds": 20, "total_seconds": 10}, "10 s cannot hold the 20 s to make"),
        ({"candidates": 0}, "candidates: input should be greater than or equal to 1"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0"),
        ({"second": 3}, "second: no such setting; did you mean 'seconds'?"),
    ],
)
def test_bad_values_are_explained_in_one_line(values, message):
    with pytest.raises(UserError, match=message) as raised:
        validated(SongRequest, values, source="sample")
    assert "\n" not in str(raised.value)


def test_one_genre_may_be_given_as_text():
    assert SongRequest(genre="blues").genre == ("blues",)


def test_a_song_is_rounded_up_to_whole_top_codes_and_cut_to_the_asked_samples():
    song = plan(seconds=0.1)

    assert song.num_samples == 100
    assert [song.num_frames(level) for level in range(3)] == [32, 16, 4]


def test_every_level_spans_the_same_samples():
    song = plan(seconds=1.2345)

    assert {song.num_frames(level) * hop for level, hop in enumerate(song.hop_lengths)} == {1248}


def test_items_of_a_batch_have_consecutive_seeds():
    assert plan(seed=7, candidates=3).seeds == [7, 8, 9]


def test_less_than_one_top_code_is_refused():
    with pytest.raises(UserError, match="0.03 is less than one code of level 2; ask for 0.032"):
        plan(seconds=0.03).check()


@pytest.mark.parametrize("levels", [(0,), (2, 0), (1,), (3, 2)])
def test_levels_must_begin_at_the_top(levels):
    with pytest.raises(UserError, match="is no beginning of 2,1,0"):
        plan(levels=levels).check()


def test_levels_may_stop_early_in_any_order():
    song = plan(levels=(1, 2))
    song.check()
    assert song.levels == (2, 1)


def test_the_song_is_as_long_as_the_song_that_it_is_part_of():
    assert plan(seconds=1, total_seconds=60).description.num_samples == 60000
    assert plan(seconds=0.1).description.num_samples == 128


def test_words_that_the_model_knows_pass():
    request = SongRequest(lyrics="row your boat", genre="folk", artist="mae hollis")
    check_words(request, VOCABULARY, reads_labels=True, reads_lyrics=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"genre": "bluse"}, "genre 'bluse': the model does not know it; the nearest is 'blues'"),
        ({"artist": "May Hollis"}, "artist 'May Hollis': .* the nearest is 'Mae Hollis'"),
        ({"lyrics": "smile :-) 3"}, r"lyrics: the model never met ':' '-' '\)' '3'; write"),
    ],
)
def test_words_that_the_model_does_not_know_are_named(values, message):
    with pytest.raises(UserError, match=message):
        check_words(SongRequest(**values), VOCABULARY, reads_labels=True, reads_lyrics=True)


def test_words_without_effect_are_refused():
    request = SongRequest(lyrics="row", genre="folk")
    with pytest.raises(UserError, match="trained without labels"):
        check_words(request, VOCABULARY, reads_labels=False, reads_lyrics=True)
    with pytest.raises(UserError, match="trained without lyrics and cannot sing"):
        check_words(request, VOCABULARY, reads_labels=True, reads_lyrics=False)
