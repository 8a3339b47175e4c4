import torch

from audiogen import machine


def test_preparing_leaves_products_exact_to_float32():
    machine.prepare()
    generator = torch.Generator().manual_seed(1)
    for rows in (1, 3, 200):
        left = torch.randn(rows, 384, generator=generator)
        right = torch.randn(384, 257, generator=generator)
        exact = left.double() @ right.double()
        error = ((left @ right).double() - exact).norm() / exact.norm()
        assert error < machine.PROBE_TOLERANCE


def test_small_steps_take_one_thread_and_give_the_others_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with machine.decoding_threads(1000):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with machine.decoding_threads(machine.LARGE_STEP_WEIGHTS):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
