"""Which clips a process sees at which step: a pure function of (step, micro-batch, rank).

Clips carry a running number, the item. A step consumes `global_batch` of them in order, however
many processes share the work; a resume therefore needs no state of a loader. Arithmetic only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch.utils.data import Sampler

from audiogen.errors import UserError


@dataclass(frozen=True)
class DataOrder:
    """Slices the items of every step into micro-batches and over processes.

    Raises:
        UserError: the global batch does not divide evenly.
    """

    global_batch: int
    num_processes: int = 1
    accumulation: int = 1

    def __post_init__(self) -> None:
        shares = self.num_processes * self.accumulation
        if self.global_batch % shares:
            raise UserError(
                f"training.batch_size: {self.global_batch} clips a step cannot be shared evenly by "
                f"{self.num_processes} processes times {self.accumulation} micro-batches; "
                f"choose a multiple of {shares}"
            )

    @property
    def per_device(self) -> int:
        """Clips in one micro-batch of one process."""
        return self.global_batch // (self.num_processes * self.accumulation)

    def items(self, step: int, micro_batch: int, rank: int) -> list[int]:
        """Number the clips of one micro-batch of one process."""
        share = micro_batch * self.num_processes + rank
        first = step * self.global_batch + share * self.per_device
        return list(range(first, first + self.per_device))


class OrderSampler(Sampler[list[int]]):
    """A batch sampler: the micro-batches of one rank from step `start` up to step `end`."""

    def __init__(self, order: DataOrder, rank: int, start: int, end: int) -> None:
        self.order, self.rank, self.start, self.end = order, rank, start, end

    def __len__(self) -> int:
        return (self.end - self.start) * self.order.accumulation

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.end):
            for micro_batch in range(self.order.accumulation):
                yield self.order.items(step, micro_batch, self.rank)
