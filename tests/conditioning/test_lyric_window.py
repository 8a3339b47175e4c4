import random

import pytest

from audiogen.conditioning.lyric_window import LyricWindow, sung_path, window_around
from audiogen.data.manifest import Word


def words(*timed: tuple[str, float, float]) -> list[Word]:
    return [Word(text=text, start=start, end=end) for text, start, end in timed]


def slow_window(tokens: list[int], center: int, size: int) -> list[tuple[int, int]]:
    """Move a window one token at a time; give (token, place) pairs."""
    padded = [(0, -1)] * max(size - len(tokens), 0) + [(t, i) for i, t in enumerate(tokens)]
    first = 0
    while first + size < len(padded) and first + size // 2 < center:
        first += 1
    return padded[first : first + size]


def test_windows_match_a_window_moved_one_token_at_a_time():
    draw = random.Random(0)
    for _ in range(500):
        tokens = [draw.randint(1, 9) for _ in range(draw.randint(0, 20))]
        center, size = draw.randint(0, 25), 2 * draw.randint(1, 6)
        window = window_around(tokens, center, size)
        expected = slow_window(tokens, center, size)
        assert list(zip(window.tokens, window.characters, strict=True)) == expected


def test_the_first_character_is_that_of_the_first_token_that_is_no_padding():
    assert window_around([5, 6], 0, 4) == LyricWindow([0, 0, 5, 6], [-1, -1, 0, 1])
    assert window_around([5, 6], 0, 4).first_character == 0
    assert window_around(list(range(10)), 6, 4).first_character == 4
    assert window_around([], 0, 4).first_character == 0


def test_the_path_passes_through_every_word_and_goes_evenly_between_them():
    path = sung_path("Oh, my love", words(("oh", 1, 2), ("my", 4, 5), ("love", 5, 9)))
    reached = [path.character_at(seconds) for seconds in (0, 1, 1.5, 2, 3, 4, 5, 7, 9, 99)]
    assert reached == [0, 0, 1, 2, 3, 4, 7, 9, 11, 11]


def test_case_punctuation_and_line_ends_do_not_matter():
    path = sung_path("[Verse]\r\nDON'T stop…\r\nme", words(("don’t", 0, 1), ("Stop!", 1, 2)))
    assert path.characters == [8, 13, 14, 18]


def test_scripts_without_spaces_are_matched():
    path = sung_path("さくら野山も", words(("さくら", 0, 3), ("野山", 3, 5), ("も", 5, 6)))
    assert path.characters == [0, 3, 3, 5, 5, 6]


def test_letters_whose_lower_case_is_longer_keep_their_places():
    path = sung_path("İİİ go", words(("go", 0, 1)))
    assert path.characters == [4, 6]


def test_a_repeated_word_is_found_in_order():
    path = sung_path("la la la", words(("la", 0, 1), ("la", 1, 2), ("la", 2, 3)))
    assert path.characters == [0, 2, 3, 5, 6, 8]


def test_a_word_that_the_lyrics_lack_is_passed_over():
    path = sung_path("one two three", words(("one", 0, 1), ("zwei", 1, 2), ("three", 2, 3)))
    assert path.characters == [0, 3, 8, 13]


def test_a_common_word_far_ahead_does_not_pull_the_path_with_it():
    lyrics = "one two " + "three " * 30 + "zwei"
    sung = words(("one", 0, 1), ("zwei", 1, 2), ("two", 2, 3), ("three", 3, 4))
    assert sung_path(lyrics, sung).characters == [0, 3, 4, 7, 8, 13]


def test_times_that_turn_back_do_not_turn_the_path_back():
    path = sung_path("a b c", words(("a", 0, 3), ("b", 2, 2.5), ("c", 4, 5)))
    assert path.seconds == sorted(path.seconds)


@pytest.mark.parametrize("lyrics", ["", "quite another song", "one"])
def test_lyrics_that_hold_half_of_the_words_or_fewer_give_no_path(lyrics):
    assert sung_path(lyrics, words(("one", 0, 1), ("zwei", 1, 2))) is None


def test_no_words_give_no_path():
    assert sung_path("la la", []) is None
    assert sung_path("la la", words(("♪", 0, 1))) is None
