import pytest
import torch
import torch.nn.functional as F

from audiogen.prior.kernels import fused_attention, row_product


@pytest.mark.parametrize("shape", [(24, 32), (64, 128), (192, 256), (200, 48)])
def test_a_row_has_the_same_bits_in_any_batch(product_route, shape):
    torch.manual_seed(0)
    weight, bias = torch.randn(shape), torch.randn(shape[0])
    x = torch.randn(16, shape[1])
    together = row_product(x, weight, bias)

    for batch in (1, 2, 3, 4, 5, 8, 13):
        assert torch.equal(row_product(x[2 : 2 + batch], weight, bias), together[2 : 2 + batch])
    torch.testing.assert_close(together, F.linear(x, weight, bias))


def test_a_product_needs_no_bias(product_route):
    torch.manual_seed(0)
    weight, x = torch.randn(5, 7), torch.randn(3, 7)
    torch.testing.assert_close(row_product(x, weight), x @ weight.T)


@pytest.mark.parametrize("is_causal", [True, False])
def test_fused_attention_and_its_gradient_equal_the_plain_formula(product_route, is_causal):
    torch.manual_seed(0)
    parts = [torch.randn(3, 2, 8, 4, dtype=torch.float32, requires_grad=True) for _ in range(3)]
    cotangent = torch.randn(3, 2, 8, 4)

    def plain(query, key, value):
        scores = query @ key.mT / 2
        later = torch.ones(8, 8, dtype=torch.bool).triu(1) if is_causal else torch.tensor(False)
        return scores.masked_fill(later, -torch.inf).softmax(-1) @ value

    results = []
    for function in (lambda *x: fused_attention(*x, is_causal=is_causal), plain):
        out = function(*parts)
        results.append([out, *torch.autograd.grad((out * cotangent).sum(), parts)])
    torch.testing.assert_close(*results)


def test_the_product_route_is_the_same_after_attention(product_route):
    before = torch.backends.mkldnn.matmul.fp32_precision
    fused_attention(*torch.randn(3, 1, 1, 4, 4))
    assert torch.backends.mkldnn.matmul.fp32_precision == before


def test_attention_off_the_route_survives_recomputation(product_route):
    torch.manual_seed(0)
    x = torch.randn(1, 1, 4, 4, requires_grad=True)
    direct = torch.autograd.grad(fused_attention(x, x, x).sum(), x)
    again = torch.utils.checkpoint.checkpoint(
        lambda y: fused_attention(y, y, y), x, use_reentrant=False
    )
    torch.testing.assert_close(torch.autograd.grad(again.sum(), x), direct)
