import pytest

from audiogen.sampling.windows import Window, stride_frames, windows


@pytest.mark.parametrize("total", [1, 5, 16, 17, 31, 32, 33, 100, 161])
@pytest.mark.parametrize("stride", [1, 5, 8, 16])
@pytest.mark.parametrize("known", [0, 3, 20])
def test_windows_make_every_unknown_frame_once_and_in_order(total, stride, known):
    made = []
    for window in windows(total, 16, stride, known=known):
        assert window.start <= window.first_new < window.end <= window.start + 16
        made += range(window.first_new, window.end)

    assert made == list(range(min(known, total), total))


def test_the_last_window_is_moved_back_so_that_it_is_full():
    assert windows(100, 32, 16) == [
        Window(0, 32, 0),
        Window(16, 48, 32),
        Window(32, 64, 48),
        Window(48, 80, 64),
        Window(64, 96, 80),
        Window(68, 100, 96),
    ]


def test_a_song_shorter_than_the_context_is_one_short_window():
    assert windows(20, 32, 16) == [Window(0, 20, 0)]


def test_a_short_song_with_a_prompt_ends_at_its_length():
    assert windows(20, 32, 16, known=12) == [Window(0, 20, 12)]


def test_a_song_that_is_all_prompt_needs_no_window():
    assert windows(20, 32, 16, known=20) == []


def test_windows_within_the_prompt_are_left_out():
    assert windows(64, 32, 16, known=40) == [Window(16, 48, 40), Window(32, 64, 48)]


@pytest.mark.parametrize("total", [37, 40, 63, 64, 66, 128])
def test_every_start_is_a_whole_frame_of_the_level_above(total):
    found = windows(total, 32, 12, ratio=4)

    assert all(window.start % 4 == 0 for window in found)
    assert found[-1].end == total


def test_a_stride_that_splits_a_frame_of_the_level_above_is_refused():
    with pytest.raises(ValueError, match="10 frames is no multiple of 4"):
        windows(64, 32, 10, ratio=4)


@pytest.mark.parametrize(
    ("fraction", "ratio", "frames"), [(0.5, 4, 16), (0.125, 1, 4), (0.3, 4, 8), (0.01, 4, 4)]
)
def test_a_stride_is_rounded_down_to_whole_frames_of_the_level_above(fraction, ratio, frames):
    assert stride_frames(32, fraction, ratio) == frames
