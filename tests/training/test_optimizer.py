import pytest
import torch
from torch import nn

from audiogen.training.optimizer import OptimizerConfig, build_optimizer, learning_rate


class EveryKind(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.norm = nn.LayerNorm(3)
        self.table = nn.Embedding(4, 2)
        self.position = nn.Parameter(torch.zeros(5, 2))
        self.frozen = nn.Parameter(torch.zeros(2, 2), requires_grad=False)


def decayed_names(config):
    model = EveryKind()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = build_optimizer(model, config).param_groups
    decayed = {names[id(p)] for g in groups if g["weight_decay"] for p in g["params"]}
    return decayed, {names[id(p)] for g in groups for p in g["params"]}


def test_only_matrices_decay_unless_everything_shall():
    everything = {
        "linear.weight",
        "linear.bias",
        "norm.weight",
        "norm.bias",
        "table.weight",
        "position",
    }
    matrices = OptimizerConfig(weight_decay=0.1)
    assert decayed_names(matrices) == ({"linear.weight"}, everything)
    all_of_it = OptimizerConfig(weight_decay=0.1, weight_decay_on="everything")
    assert decayed_names(all_of_it) == (everything, everything)


def test_the_learning_rate_warms_up_holds_and_falls_to_zero():
    config = OptimizerConfig(learning_rate=1.0, warmup_steps=4, decay_steps=2)
    rates = [learning_rate(step, 10, config) for step in range(11)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.5, 0])


def test_without_warmup_and_decay_the_learning_rate_is_constant():
    config = OptimizerConfig(learning_rate=0.5, warmup_steps=0)
    assert {learning_rate(step, 10, config) for step in range(10)} == {0.5}
