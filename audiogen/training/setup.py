"""Settings of the loop, and the processes and precision that it runs with."""

from typing import Literal

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from pydantic import NonNegativeInt, PositiveInt

from audiogen.training.optimizer import OptimizerConfig


class TrainingConfig(OptimizerConfig):
    """How long, on how much at once, in which precision, and how often what is done."""

    steps: PositiveInt

    batch_size: PositiveInt
    """Clips a step, over all processes and micro-batches."""

    seed: NonNegativeInt = 0

    accumulation: PositiveInt = 1
    """Micro-batches whose gradients make one step; more of them need less memory."""

    mixed_precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto: bfloat16 on GPUs that have it, float32 on CPUs."""

    num_workers: NonNegativeInt = 0
    """Processes that read clips ahead; 0 reads in the training process."""

    log_every: PositiveInt = 10

    validate_every: PositiveInt | None = None
    """Steps between validations; null: at the end alone."""

    num_validation_clips: PositiveInt = 16

    preview_every: PositiveInt | None = None
    """Steps between audio previews; null: none."""

    save_every: PositiveInt = 500
    keep_checkpoints: PositiveInt = 2


def open_accelerator(config: TrainingConfig) -> Accelerator:
    """Join the processes that `accelerate launch` started, or be the only one."""
    # Trainings that follow each other in one process may differ in precision.
    AcceleratorState._reset_state()
    use_bfloat16 = config.mixed_precision == "bf16" or (
        config.mixed_precision == "auto"
        and torch.cuda.is_available()
        and torch.cuda.is_bf16_supported()
    )
    return Accelerator(
        # Without a GPU, processes find each other only where the CPU is asked for.
        cpu=not torch.accelerator.is_available(),
        mixed_precision="bf16" if use_bfloat16 else "no",
        gradient_accumulation_steps=config.accumulation,
        # Codebooks are equal everywhere by their own sums; nothing is to be sent again.
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )
