"""Moving average of the weights: what validation hears, and what the model folder receives."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class AveragedModel:
    """A copy of a model whose weights follow the trained ones slowly.

    State that moves without gradients (codebooks and their statistics) is averages already; the
    copy takes it over as it is.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(model).eval().requires_grad_(False)
        kept = self.module.state_dict().keys()
        self._averages = list(self.module.parameters())
        self._buffers = [pair for pair in self.module.named_buffers() if pair[0] in kept]

    @torch.no_grad()
    def follow_(self, model: nn.Module, step: int) -> None:
        """Move a little towards the weights that `model` has after step number `step`."""
        # One call for all weights: a call for each would keep a GPU waiting.
        move_ = get_ema_multi_avg_fn(decay_at(step, self.decay))
        move_(self._averages, list(model.parameters()), step)
        for name, buffer in self._buffers:
            buffer.copy_(model.get_buffer(name))


def decay_at(step: int, decay: float) -> float:
    """Give the share of the old average kept at `step`: short at first, so that it catches up."""
    return min(decay, (1 + step) / (10 + step))
