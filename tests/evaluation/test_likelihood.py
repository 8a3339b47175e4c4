import math

import numpy as np
import pytest
import torch

from audiogen.conditioning.labels import Labels
from audiogen.evaluation.likelihood import (
    HeldOutClips,
    bits_per_clip,
    conditioning_gains,
    exchanged,
    mean_interval,
)
from audiogen.prior.model import Prior, PriorConfig


@pytest.mark.parametrize("values", ["aabb", "abcdefg", "aaabbb", "abacabad", "aabbbcccdd"])
@pytest.mark.parametrize("seed", range(5))
def test_every_clip_gets_another_value_where_no_value_is_in_the_majority(values, seed):
    order = exchanged(values, seed)
    assert sorted(order) == list(range(len(values)))
    assert all(values[other] != value for value, other in zip(values, order, strict=True))


@pytest.mark.parametrize("values", ["aaaaab", "aaa", "aab"])
def test_with_a_majority_as_many_as_possible_get_another_value(values):
    order = exchanged(values, seed=0)
    assert sorted(order) == list(range(len(values)))
    assert all(place != other for place, other in enumerate(order))
    differing = sum(values[other] != value for value, other in zip(values, order, strict=True))
    minority = len(values) - values.count("a")
    assert differing == 2 * minority


def test_the_exchange_depends_on_the_seed_alone():
    values = list(range(20))
    assert exchanged(values, 1) == exchanged(values, 1) != exchanged(values, 2)


def test_the_interval_is_students():
    differences = np.array([1.0, 2.0, 3.0, 6.0])
    mean, low, high = mean_interval(differences)
    # t for 3 degrees of freedom is 3.18245; the standard deviation is 2.16025.
    assert mean == 3
    assert high - mean == pytest.approx(3.18245 * 2.16025 / 2, rel=1e-5)
    assert mean - low == pytest.approx(high - mean)
    assert mean_interval(np.array([1.0])) == (1.0, -math.inf, math.inf)


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        _, low, high = mean_interval(generator.normal(0.3, 1.0, size=6))
        hits += low <= 0.3 <= high
    # Three standard deviations of a share of 2000.
    assert abs(hits / 2000 - 0.95) < 0.015


@pytest.fixture
def prior():
    torch.manual_seed(0)
    config = PriorConfig(
        level=0,
        hop_length=4,
        codebook_size=8,
        context_length=8,
        dim=16,
        num_layers=1,
        layers=("dense",),
        attention_multiplier=1.0,
        init_scale=20.0,  # so that conditions matter without any training
        labels={"num_artists": 3, "num_genres": 3, "max_genres": 1},
        upper={"codebook_size": 8, "width": 8, "depth": 1, "num_steps": 1},
    )
    return Prior(config).eval()


def some_clips(count, num_artists=2):
    generator = torch.Generator().manual_seed(1)
    artist = torch.arange(count) % num_artists
    labels = Labels(
        artist=artist,
        genres=artist[:, None],
        total_length=torch.full((count,), 1000),
        offset=torch.zeros(count, dtype=torch.int64),
        lyrics=torch.zeros(count, 0, dtype=torch.int64),
        labels_dropped=torch.zeros(count, dtype=torch.bool),
        lyrics_dropped=torch.zeros(count, dtype=torch.bool),
    )
    codes = torch.randint(8, (count, 8), generator=generator)
    return HeldOutClips(codes, labels, torch.randint(8, (count, 4), generator=generator))


def test_bits_of_clips_do_not_depend_on_how_many_are_measured_at_once(prior):
    clips = some_clips(7)
    torch.testing.assert_close(bits_per_clip(prior, clips, 3), bits_per_clip(prior, clips, 7))


def test_gains_are_paired_differences_of_what_the_prior_has(prior):
    clips = some_clips(6)
    gains = conditioning_gains(prior, clips, seed=0, batch_size=4)
    assert gains.keys() == {"labels", "upper_codes"}
    true_bits = bits_per_clip(prior, clips)
    for gain in gains.values():
        # Bits are float32, and the batches differ.
        difference = gain.bits_with_another - true_bits.mean().item()
        assert gain.mean == pytest.approx(difference, abs=1e-5)
        assert abs(gain.mean) > 1e-3
        assert gain.low < gain.mean < gain.high
        assert (gain.num_clips, gain.num_differing) == (6, 6)

    upper = clips.upper_codes[exchanged([tuple(row) for row in clips.upper_codes.tolist()], 0)]
    by_hand = bits_per_clip(prior, HeldOutClips(clips.codes, clips.labels, upper))
    assert gains["upper_codes"].bits_with_another == pytest.approx(by_hand.mean().item())


def test_a_condition_that_all_clips_share_has_no_gain(prior):
    gains = conditioning_gains(prior, some_clips(4, num_artists=1), seed=0)
    assert gains.keys() == {"upper_codes"}
