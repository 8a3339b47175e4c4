import pytest
import torch
from torch import nn

from audiogen.training.ema import AveragedModel, decay_at


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))
        self.register_buffer("codebook", torch.zeros(2))


def test_the_average_follows_by_the_share_of_its_step():
    model = Model()
    averaged = AveragedModel(model, decay=0.9)
    expected = 0.0
    for step in range(200):
        with torch.no_grad():
            model.weight.fill_(step)
        averaged.follow_(model, step)
        keep = min(0.9, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * step
    # Float32 sums of 200 terms.
    assert averaged.module.weight.tolist() == pytest.approx([expected] * 3, rel=1e-5)
    assert not averaged.module.weight.requires_grad


def test_buffers_are_taken_over_as_they_are():
    model = Model()
    averaged = AveragedModel(model, decay=0.9)
    model.codebook += torch.tensor([1.0, 2.0])
    averaged.follow_(model, 0)
    assert averaged.module.codebook.tolist() == [1.0, 2.0]
    model.codebook += 1
    assert averaged.module.codebook.tolist() == [1.0, 2.0]


def test_the_decay_is_short_at_first():
    assert [decay_at(step, 0.9) for step in (0, 10, 1000)] == [0.1, 0.55, 0.9]
