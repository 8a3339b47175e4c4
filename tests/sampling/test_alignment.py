import numpy as np
import pytest

from audiogen.sampling.alignment import (
    Alignment,
    align,
    diagonal_score,
    forward_path,
    linear_alignment,
    lrc,
    word_times,
)


def aligned(heads, column_seconds, total_seconds):
    scores = {key: diagonal_score(attention) for key, attention in heads.items()}
    return align(heads, scores, column_seconds, total_seconds)


def following(columns, characters, sharpness=1.5):
    """Attention that moves evenly through the text: (column, character)."""
    center = np.arange(columns)[:, None] * characters / columns
    attention = np.exp(-(((np.arange(characters) - center) / sharpness) ** 2))
    return attention / attention.sum(1, keepdims=True)


@pytest.fixture
def noise():
    attention = np.random.default_rng(0).random((200, 60))
    return attention / attention.sum(1, keepdims=True)


def test_the_path_is_the_best_that_never_goes_back():
    rng = np.random.default_rng(1)
    attention = rng.random((5, 4))
    near = np.stack([attention[:, max(c - 2, 0) : c + 3].sum(1) for c in range(4)], axis=1)

    paths = [p for p in np.ndindex(4, 4, 4, 4, 4) if list(p) == sorted(p)]
    best = max(paths, key=lambda p: near[np.arange(5), p].sum())

    path = forward_path(attention)
    assert list(path) == sorted(path)
    assert near[np.arange(5), path].sum() == pytest.approx(near[np.arange(5), best].sum())


def test_a_head_that_follows_the_text_scores_high_and_others_do_not(noise):
    static = np.zeros((200, 60))
    static[:, 7] = 1

    assert diagonal_score(following(200, 60)) > 0.5
    assert abs(diagonal_score(static)) < 0.01
    assert abs(diagonal_score(noise)) < 0.05
    assert diagonal_score(following(200, 60)[::-1]) < -0.5


def test_the_head_that_follows_the_text_is_chosen_and_gives_the_times(noise):
    heads = {(3, 0): noise, (3, 1): following(200, 60), (7, 0): noise[::-1]}

    found = aligned(heads, column_seconds=0.05, total_seconds=10.0)

    assert (found.method, found.layer, found.head) == ("attention", 3, 1)
    assert np.abs(found.starts - np.arange(60) / 6).max() < 0.4  # two characters
    assert (np.diff(found.starts) >= 0).all()


def test_times_follow_the_singing_where_it_is_not_even():
    late = following(200, 60)
    late = np.concatenate([np.repeat(late[:1], 100, axis=0), late[::2]])  # silence for half of it

    found = aligned({(0, 0): late}, column_seconds=0.05, total_seconds=10.0)

    assert found.method == "attention"
    assert found.starts[10] > 5
    assert found.starts[40] == pytest.approx(5 + 40 / 12, abs=0.4)


def test_without_a_head_to_trust_times_are_spread_evenly_and_say_so(noise):
    found = aligned({(3, 0): noise}, column_seconds=0.05, total_seconds=20.0)

    assert found.method == "linear"
    assert found.starts[30] == pytest.approx(10.0)
    assert found.to_json("x" * 60)["method"] == "linear"
    assert found.score is not None


def test_lyrics_that_were_not_reached_come_after_what_was_made():
    attention = np.pad(following(200, 30), ((0, 0), (0, 30)))

    found = aligned({(0, 0): attention}, column_seconds=0.05, total_seconds=20.0)

    assert found.method == "attention"
    assert found.starts[28] < 10.01
    assert found.starts[45] > 10


def test_an_alignment_is_read_back_as_it_was_written():
    alignment = aligned({(2, 1): following(50, 12)}, 0.06, 3.0)

    found = Alignment.from_json(alignment.to_json("twelve chars"))

    assert (found.method, found.layer, found.head) == ("attention", 2, 1)
    np.testing.assert_allclose(found.starts, alignment.starts, atol=5e-4)  # milliseconds


def test_words_and_lines_get_the_times_of_their_characters():
    lines = word_times("ab  cde\n\nf", linear_alignment(10, 5.0))

    times = [[(word.text, word.start, word.end) for word in line] for line in lines]
    assert times == [[("ab", 0.0, 1.0), ("cde", 2.0, 3.5)], [], [("f", 4.5, 5.0)]]


def test_lrc_has_a_time_a_line():
    lines = word_times("one two\n\nthree", linear_alignment(14, 140.0))

    assert lrc(lines) == "[00:00.00]one two\n[01:30.00]three\n"
