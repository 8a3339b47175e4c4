import pytest

from audiogen.errors import UserError
from audiogen.training.order import DataOrder, OrderSampler


def step_items(order, step):
    """All items of a step, in the order of micro-batches, then ranks."""
    return [
        item
        for micro_batch in range(order.accumulation)
        for rank in range(order.num_processes)
        for item in order.items(step, micro_batch, rank)
    ]


@pytest.mark.parametrize(("processes", "accumulation"), [(1, 1), (2, 1), (1, 3), (2, 3), (4, 2)])
def test_any_number_of_processes_sees_the_same_global_batch(processes, accumulation):
    order = DataOrder(24, processes, accumulation)
    for step in (0, 1, 7):
        assert step_items(order, step) == list(range(step * 24, (step + 1) * 24))


def test_the_sampler_of_a_resume_goes_on_where_the_first_one_stopped():
    order = DataOrder(8, num_processes=2, accumulation=2)
    whole = list(OrderSampler(order, rank=1, start=0, end=5))
    first = list(OrderSampler(order, rank=1, start=0, end=3))
    rest = list(OrderSampler(order, rank=1, start=3, end=5))
    assert first + rest == whole
    assert len(OrderSampler(order, rank=1, start=3, end=5)) == len(rest) == 4


def test_a_batch_that_does_not_divide_is_one_sentence():
    with pytest.raises(
        UserError, match="batch_size: 10 clips.*3 processes.*2 micro.*multiple of 6"
    ):
        DataOrder(10, num_processes=3, accumulation=2)
