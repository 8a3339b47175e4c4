"""Parameter groups and the learning-rate schedule."""

from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat
from torch import nn

from audiogen.config import Settings

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


class OptimizerConfig(Settings):
    """AdamW and its learning rate. The defaults are the original recipe's."""

    learning_rate: PositiveFloat = 3e-4
    """The highest one, reached after the warm-up."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Share of the old average of gradients, and of their squares, that a step keeps."""

    eps: PositiveFloat = 1e-8

    weight_decay: NonNegativeFloat = 0.0

    weight_decay_on: Literal["matrices", "everything"] = "matrices"
    """`matrices` spares biases, norms and embeddings; the original decayed everything."""

    warmup_steps: NonNegativeInt = 100
    """Steps over which the learning rate grows linearly from zero."""

    decay_steps: NonNegativeInt = 0
    """Last steps of the training over which it falls linearly to zero."""

    max_grad_norm: PositiveFloat | None = 1.0
    """Gradients longer than this are shortened to it; null: never."""

    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Share of the old averaged weights that one step keeps, once past the first steps."""


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """Make AdamW over two groups: the decayed weights and the spared ones."""
    everything = config.weight_decay_on == "everything"
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for parameter, is_matrix in _parameters(model):
        (decayed if everything or is_matrix else spared).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    filled = [group for group in groups if group["params"]]
    return torch.optim.AdamW(
        filled, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True
    )


def learning_rate(step: int, num_steps: int, config: OptimizerConfig) -> float:
    """Give the learning rate of `step`, counted from 0, in a training of `num_steps`.

    The step after the last would have zero; the first has 1/warmup_steps of the highest.
    """
    factor = 1.0
    if config.warmup_steps:
        factor = min(factor, (step + 1) / config.warmup_steps)
    if config.decay_steps:
        factor = min(factor, (num_steps - step) / config.decay_steps)
    return config.learning_rate * max(factor, 0.0)


def _parameters(model: nn.Module) -> Iterator[tuple[nn.Parameter, bool]]:
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                yield parameter, _is_matrix(name, module, parameter)


def _is_matrix(name: str, module: nn.Module, parameter: nn.Parameter) -> bool:
    # Positions, start tokens and null states are tables too, though plain parameters.
    is_table = isinstance(module, (nn.Embedding, *NORMS)) or name != "weight"
    return parameter.ndim >= 2 and not is_table
