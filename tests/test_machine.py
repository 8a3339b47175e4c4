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
