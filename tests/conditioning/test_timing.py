import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from audiogen.conditioning.timing import TimingConfig, TimingEmbedding

CONFIG = TimingConfig(num_bins=16, min_seconds=2.0, max_seconds=10.0)
RATE = 1000


@pytest.fixture
def timing() -> TimingEmbedding:
    torch.manual_seed(0)
    return TimingEmbedding(CONFIG, dim=8, init_scale=1.0, sample_rate=RATE)


def slow_bins(total: int, offset: int, length: int, num_frames: int) -> tuple[list[int], ...]:
    """Choose bins frame by frame, in float32."""
    f = np.float32

    def row(value: np.float32, low: float, high: float) -> int:
        return min(max(math.floor(f(16) * ((value - f(low)) / f(high - low))), 0), 15)

    absolute, relative = [], []
    start, end = f(offset), f(offset + length)
    share, share_end = start / f(total), min(end / f(total), f(1))
    for frame in range(num_frames):
        along = f(frame) / f(num_frames)
        absolute.append(row(start + (end - start) * along, 0, 10_000))
        relative.append(row(share + (share_end - share) * along, 0, 1))
    return [row(f(total), 2000, 10_000)], absolute, relative


@pytest.mark.parametrize(
    ("total", "offset", "length"),
    [
        (2000, 0, 1024),
        (2001, 976, 1024),
        (9999, 8975, 1024),
        (5000, 1, 2048),
        (7777, 3333, 500),
        (3000, 2500, 2048),
        (500, 100, 2048),
        (20_000, 15_000, 2048),
    ],
)
def test_bins_match_a_loop_over_the_frames(timing, total, offset, length):
    bins = timing.bins(torch.tensor([total]), torch.tensor([offset]), length, 96)
    expected = slow_bins(total, offset, length, 96)
    assert tuple(rows[0].tolist() for rows in bins) == expected


def test_bins_are_even_and_leave_the_end_to_the_next_window(timing):
    bins = timing.bins(torch.tensor([10_000]), torch.tensor([0]), 10_000, 32)
    twice_each = [row for row in range(16) for _ in range(2)]
    assert bins.absolute[0].tolist() == bins.relative[0].tolist() == twice_each


def test_songs_outside_the_range_count_as_its_ends(timing):
    total = torch.tensor([1, 2000, 9999, 10_000, 50_000])
    bins = timing.bins(total, torch.zeros_like(total), 100, 2)
    assert bins.total_length.flatten().tolist() == [0, 0, 15, 15, 15]


def test_windows_beyond_the_song_and_the_range_count_as_the_end(timing):
    bins = timing.bins(torch.tensor([3000]), torch.tensor([90_000]), 100, 2)
    assert bins.absolute[0].tolist() == bins.relative[0].tolist() == [15, 15]


def test_the_embedding_of_a_frame_is_the_sum_of_its_three_rows(timing):
    total, offset = torch.tensor([4000, 9000]), torch.tensor([0, 6000])
    bins = timing.bins(total, offset, 2000, 12)
    embedding = timing(total, offset, 2000, 12)
    assert embedding.shape == (2, 12, 8)
    expected = (
        timing.total_length.weight[bins.total_length[1, 0]]
        + timing.absolute.weight[bins.absolute[1, 7]]
        + timing.relative.weight[bins.relative[1, 7]]
    )
    torch.testing.assert_close(embedding[1, 7], expected)


def test_dropped_timing_is_replaced_by_the_null_embedding_at_every_frame(timing):
    total, offset = torch.tensor([4000, 4000]), torch.tensor([0, 0])
    embedding = timing(total, offset, 2000, 12, dropped=torch.tensor([True, False]))
    assert torch.equal(embedding[0], timing.null.expand(12, 8))
    assert torch.equal(embedding[1], timing(total, offset, 2000, 12)[1])


def test_without_a_null_embedding_timing_counts_though_dropped():
    timing = TimingEmbedding(CONFIG.changed(null=False), 8, 1.0, RATE)
    total, offset = torch.tensor([4000]), torch.tensor([0])
    dropped = timing(total, offset, 2000, 12, dropped=torch.tensor([True]))
    assert torch.equal(dropped, timing(total, offset, 2000, 12))
    assert sum(parameter.numel() for parameter in timing.parameters()) == 3 * 16 * 8


def test_a_range_that_is_empty_is_refused():
    with pytest.raises(ValidationError, match="min_seconds 5.0 must be below max_seconds 5.0"):
        TimingConfig(min_seconds=5.0, max_seconds=5.0)
