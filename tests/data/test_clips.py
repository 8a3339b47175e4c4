from collections import Counter

import pytest

from audiogen.data.clips import ClipPlan, permuted, uniform
from audiogen.errors import UserError


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 100, 257])
def test_a_permutation_reaches_every_place_once(size):
    for epoch in range(3):
        places = [permuted(place, size, key=(7, epoch)) for place in range(size)]
        assert sorted(places) == list(range(size))


def test_epochs_and_seeds_have_different_orders():
    keys = [(0, 0), (0, 1), (1, 0)]
    orders = [tuple(permuted(place, 50, key=key) for place in range(50)) for key in keys]
    assert len(set(orders)) == 3


def test_uniform_numbers_fill_the_unit_interval_evenly():
    draws = [uniform(3, number) for number in range(4000)]
    counts = Counter(int(draw * 10) for draw in draws)
    assert sorted(counts) == list(range(10))
    # 400 are expected in each tenth; 100 is five standard deviations.
    assert all(abs(count - 400) < 100 for count in counts.values())


def test_an_epoch_visits_every_slot_of_every_track_once():
    lengths = [1000, 99, 100, 250, 0, 101]
    plan = ClipPlan(lengths, clip_length=100, seed=5)
    assert plan.num_clips == 10 + 1 + 3 + 2
    for epoch in range(4):
        items = range(epoch * plan.num_clips, (epoch + 1) * plan.num_clips)
        tracks = Counter(plan.clip(item).track for item in items)
        assert tracks == {0: 10, 2: 1, 3: 3, 5: 2}


def test_clips_lie_inside_their_track_and_start_at_multiples():
    lengths = [1000, 96, 250, 132]
    plan = ClipPlan(lengths, clip_length=96, seed=1, multiple=4)
    for item in range(500):
        track, start = plan.clip(item)
        assert start % 4 == 0
        assert 0 <= start <= lengths[track] - 96


def test_an_item_is_a_pure_function_of_seed_and_number():
    items = [907, 3, 55, 3]
    clips = [ClipPlan([500, 900], 100, seed=2).clip(item) for item in items]
    plan = ClipPlan([500, 900], 100, seed=2)
    assert [plan.clip(item) for item in items] == clips
    assert [ClipPlan([500, 900], 100, seed=3).clip(item) for item in range(20)] != [
        plan.clip(item) for item in range(20)
    ]


def test_shifts_change_from_epoch_to_epoch_and_reach_both_ends():
    plan = ClipPlan([1000], clip_length=100, seed=0)
    starts = [plan.clip(item).start for item in range(2000)]
    assert len(set(starts)) > 700
    assert min(starts) == 0
    assert max(starts) == 900


def test_even_clips_are_fixed_spread_and_distinct():
    plan = ClipPlan([1000, 1000], clip_length=100, seed=0)
    clips = plan.evenly(4)
    assert clips == ClipPlan([1000, 1000], clip_length=100, seed=9).evenly(4)
    assert [clip.track for clip in clips] == [0, 0, 1, 1]
    assert len(set(plan.evenly(100))) == plan.num_clips


def test_too_short_tracks_are_one_sentence():
    with pytest.raises(UserError) as error:
        ClipPlan([10, 99], clip_length=100, seed=0, unit="frames of level 2")
    assert str(error.value) == (
        "no track is long enough: a clip takes 100 frames of level 2, the longest of 2 tracks has "
        "99; use a shorter clip or longer songs"
    )
