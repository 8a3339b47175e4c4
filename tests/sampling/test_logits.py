import pytest
import torch

from audiogen.config import validated
from audiogen.errors import UserError
from audiogen.sampling.logits import LevelSampling, SamplingConfig, draw, keep_top_k, keep_top_p
from audiogen.sampling.noise import gumbel_noise


@pytest.fixture
def logits():
    return 2 * torch.randn(6, 30, generator=torch.Generator().manual_seed(0))


def kept(filtered):
    return [
        {i for i, value in enumerate(row) if value > -float("inf")} for row in filtered.tolist()
    ]


@pytest.mark.parametrize("top_k", [1, 3, 29])
def test_top_k_keeps_the_k_largest(logits, top_k):
    filtered = keep_top_k(logits, top_k)

    for row, found in zip(logits.tolist(), kept(filtered), strict=True):
        assert found == set(sorted(range(30), key=lambda i: -row[i])[:top_k])
    assert torch.equal(filtered[filtered > -float("inf")], logits[filtered > -float("inf")])


@pytest.mark.parametrize("top_p", [0.01, 0.5, 0.9, 0.999])
def test_top_p_keeps_the_fewest_codes_that_reach_p(logits, top_p):
    filtered = keep_top_p(logits, top_p)

    for row, found in zip(logits.softmax(-1).tolist(), kept(filtered), strict=True):
        expected, total = set(), 0.0
        for i in sorted(range(30), key=lambda i: -row[i]):
            if total >= top_p:
                break
            expected.add(i)
            total += row[i]
        assert found == expected
    assert torch.equal(filtered[filtered > -float("inf")], logits[filtered > -float("inf")])


def test_filters_that_keep_all_change_nothing(logits):
    assert torch.equal(keep_top_k(logits, 0), logits)
    assert torch.equal(keep_top_k(logits, 31), logits)
    assert torch.equal(keep_top_p(logits, 1.0), logits)


def test_top_p_sees_what_temperature_and_top_k_left():
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    noise = torch.tensor([[0.0, 0.0, 9.0, 99.0]])

    # Among the three likeliest at temperature 2 the shares are 0.51, 0.31, 0.19.
    settings = {"temperature": 2.0, "top_k": 3}
    assert draw(logits, noise, LevelSampling(**settings, top_p=0.9)).tolist() == [2]
    assert draw(logits, noise, LevelSampling(**settings, top_p=0.7)).tolist() == [0]
    assert draw(logits, noise, LevelSampling(**settings, top_p=0.5)).tolist() == [0]


def test_draws_follow_the_softmax_at_the_temperature():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    noise = gumbel_noise([1], 0, 0, 20000, 4)[0]

    codes = draw(logits.expand(20000, 4), noise, LevelSampling(temperature=0.7))

    shares = codes.bincount(minlength=4) / 20000
    # Four standard errors of a share of 20 000 draws are at most 0.014.
    torch.testing.assert_close(shares, (logits / 0.7).softmax(0), atol=0.015, rtol=0)


def test_an_item_is_drawn_alike_alone_and_in_a_batch(logits):
    noise = gumbel_noise(range(6), 0, 0, 1, 30)[:, 0]
    settings = LevelSampling(temperature=0.9, top_k=20, top_p=0.8)

    together = draw(logits, noise, settings)

    alone = [draw(logits[i : i + 1], noise[i : i + 1], settings).item() for i in range(6)]
    assert together.tolist() == alone


def test_one_value_holds_for_every_level_and_a_list_is_by_level():
    config = SamplingConfig(temperature=0.9, top_k=[0, 5, 9])

    assert config.at(2, num_levels=3) == LevelSampling(temperature=0.9, top_k=9)
    assert config.at(0, num_levels=3) == LevelSampling(temperature=0.9, top_k=0)


def test_a_list_of_the_wrong_length_is_explained():
    with pytest.raises(UserError, match="sampling.top_p: 2 values for 3 levels; give one"):
        SamplingConfig(top_p=[0.9, 0.8]).at(0, num_levels=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": 0}, r"temperature.0: input should be greater than 0 \(got 0\)"),
        ({"temperature": float("nan")}, "temperature.0: input should be a finite number"),
        ({"top_k": -1}, "top_k.0: input should be greater than or equal to 0"),
        ({"top_p": [0.5, 1.5]}, r"top_p.1: input should be less than or equal to 1 \(got 1.5\)"),
        ({"top_p": True}, "top_p: true or false is no value here"),
        ({"topk": 1}, "topk: no such setting; did you mean 'top_k'?"),
        ({"max_batch": 0}, "max_batch: input should be greater than 0"),
    ],
)
def test_settings_out_of_range_are_explained(values, message):
    with pytest.raises(UserError, match=message):
        validated(SamplingConfig, values, source="sample")
