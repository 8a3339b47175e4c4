import pytest
import torch
import torch.nn.functional as F

from audiogen.prior.patterns import Grid
from audiogen.prior.transformer import Block, Transformer, quick_gelu

GRID = Grid(length=12, num_rows=3)


def test_quick_gelu_is_the_sigmoid_form():
    x = torch.linspace(-5, 5, 41)
    torch.testing.assert_close(quick_gelu(x), x * torch.sigmoid(1.702 * x))
    assert not torch.allclose(quick_gelu(x), F.gelu(x, approximate="tanh"), atol=1e-3)


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_block_scales_what_it_adds_but_not_what_it_normalizes(scale):
    torch.manual_seed(0)
    block = Block(16, 8, 16, 2, "row", GRID, residual_scale=scale, init_scale=10.0)
    x = torch.randn(2, 12, 16)
    attended = block.attention(block.attention_norm(x))
    fed = block.feed_forward(block.feed_forward_norm(x + attended))
    torch.testing.assert_close(block(x), x + scale * (attended + fed))


def test_cross_blocks_begin_as_identities():
    block = Block(16, 8, 16, 2, "cross", GRID)
    x = torch.randn(2, 12, 16)
    torch.testing.assert_close(block(x, torch.randn(2, 5, 16)), x)


def test_scaled_residuals_divide_by_the_number_of_layers():
    transformer = Transformer(16, ["row"] * 4, 2, GRID, residual_scale=True)
    assert [block.residual_scale for block in transformer.layers] == [0.25] * 4


@torch.inference_mode()
def test_steps_with_scaled_residuals_equal_the_full_pass():
    torch.manual_seed(0)
    patterns = ["row", "column", "previous_row"]
    transformer = Transformer(16, patterns, 2, GRID, residual_scale=True, init_scale=10.0)
    x = torch.randn(2, 12, 16)
    cache = transformer.new_cache(2, x)
    steps = torch.stack([transformer.step(x[:, position], cache) for position in range(12)], 1)
    torch.testing.assert_close(steps, transformer(x))


def test_memory_of_a_cache_is_known():
    cache = Transformer(16, ["row", "column"], 2, GRID).new_cache(3, torch.empty(0))
    assert cache.num_bytes == 2 * 3 * 4 * (4 + 12) * 4  # parts, batch, width, positions, bytes
