"""A task small enough to follow by hand: a line learns to double its input."""

import torch
from torch import nn
from torch.utils.data import Dataset

from audiogen.config import Settings
from audiogen.data.clips import uniform
from audiogen.training.begin import RunFacts, find_beginning
from audiogen.training.loop import Loop
from audiogen.training.setup import TrainingConfig, open_accelerator
from audiogen.training.task import StepOutput, Task, TrainOptions


class ToyRun(Settings):
    training: TrainingConfig


class ToyModel(nn.Module):
    """A layer, and a codebook that moves without gradients."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("codebook", torch.zeros(4))

    def forward(self, clip):
        return (self.layer(clip) - 2 * clip).square().mean()


class ToyClips(Dataset):
    def __getitem__(self, item):
        return torch.tensor([uniform(7, item, i) for i in range(4)])


class ToyTask(Task):
    part = "codec"
    codes_per_clip = 4

    def __init__(self, seed=0):
        torch.manual_seed(seed)
        self.model = ToyModel()
        self.dataset = ToyClips()
        self.saved = []
        self.started = 0
        self.poison = self.interrupt = None

    def start_(self, batches):
        self.started += 1
        self.model.codebook.copy_(batches[0][0])

    def forward(self, model, batch):
        loss = model(batch)
        return StepOutput(loss, {"codec/loss": loss.detach()}, kept=batch)

    def follow_(self, kept, step):
        if step == self.interrupt:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)
        # The noise proves that draws from torch's own stream survive a resume.
        self.model.codebook += torch.cat(kept).sum(dim=0) + torch.rand(4)
        return {"codec/codebook": self.model.codebook.mean()}

    def validate(self, model):
        return {"validation/loss": float(model(torch.ones(1, 4)))}

    def save(self, state, provenance):
        self.saved.append(provenance)


class PoisonedClips(ToyClips):
    def __init__(self, item):
        self.item = item

    def __getitem__(self, item):
        clip = super().__getitem__(item)
        return clip * float("nan") if item == self.item else clip


def toy_run(**training):
    defaults = {"steps": 4, "batch_size": 4, "save_every": 2, "warmup_steps": 2, "decay_steps": 2}
    return ToyRun.model_validate({"training": defaults | {"ema_decay": 0.5} | training})


def toy_loop(folder, run, options=None, task=None, provenance=None):
    """Make the loop of a toy task; `folder` stands for model/training/codec."""
    options = options or TrainOptions()
    task = task or ToyTask()
    facts = RunFacts.of(run, data="toy")
    beginning = find_beginning(folder, facts, provenance, resume=options.resume)
    accelerator = open_accelerator(run.training)
    task.model.to(accelerator.device)
    return Loop(task, run.training, options, accelerator, folder, facts, beginning)
