"""The two kernels that all time goes into, called so that this machine does them well.

`row_product` gives every row the same bits whatever stands beside it, so that a song sung alone
equals the same song in a batch. `fused_attention` keeps the fused kernel off the oneDNN route,
which serves large products well and the kernel's many small ones badly.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiogen.machine import ONEDNN_PRODUCTS

# torch sends a float32 product to oneDNN from this many multiplications on.
_ONEDNN_FROM = 16**3 + 1
# The default library computes fewer rows than this by other kernels, with other rounding.
_SAFE_ROWS = 8


def row_product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x · weightᵀ + bias for few rows; a row's bits do not depend on the others on a CPU.

    Args:
        x: (batch, dim).
        weight: (out_dim, dim).
        bias: (out_dim,).
    """
    if x.device.type != "cpu":
        return F.linear(x, weight, bias)
    batch = x.shape[0]
    missing = _rows_for(batch, weight.numel()) - batch
    if missing <= 0:
        return _product(x, weight, bias)
    return _product(F.pad(x, (0, 0, 0, missing)), weight, bias)[:batch]


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    # addmm takes 4 to 20 microseconds less than linear, which plans for more axes.
    return torch.addmm(bias, x, weight.t()) if bias is not None else torch.mm(x, weight.t())


def _rows_for(batch: int, size: int) -> int:
    """Say how many rows a product needs for its library to treat all batch sizes alike.

    Measured for batches of 1 to 16: rows of oneDNN's float32 products are equal bit for bit at
    any batch, those of the default library from 5 rows on.
    """
    if ONEDNN_PRODUCTS.fp32_precision == "none":
        return -(-batch // _SAFE_ROWS) * _SAFE_ROWS
    return max(batch, -(-_ONEDNN_FROM // size))


def fused_attention(query: Tensor, key: Tensor, value: Tensor, is_causal: bool = False) -> Tensor:
    """Attend without a mask tensor; all are (batch, head, position, head_dim).

    On a CPU the oneDNN route of products is left for the while: the kernel consists of small
    products, and 256 sequences of 64 positions took 58 ms with the route, 6 ms without.
    """
    if query.device.type != "cpu" or ONEDNN_PRODUCTS.fp32_precision == "none":
        return F.scaled_dot_product_attention(query, key, value, is_causal=is_causal)
    if torch.is_grad_enabled() and query.requires_grad:
        return _OffRouteAttention.apply(query, key, value, is_causal)
    return _off_route(F.scaled_dot_product_attention, query, key, value, is_causal=is_causal)


class _OffRouteAttention(torch.autograd.Function):
    """The fused CPU kernel and its gradient, both without the oneDNN route."""

    @staticmethod
    def forward(ctx, query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:  # noqa: ANN001
        kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        out, log_sums = _off_route(kernel, query, key, value, 0.0, is_causal)
        ctx.save_for_backward(query, key, value, out, log_sums)
        ctx.is_causal = is_causal
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
        return *_off_route(kernel, gradient, *ctx.saved_tensors, 0.0, ctx.is_causal), None


def _off_route(kernel, *arguments, **options):  # noqa: ANN001, ANN002, ANN003, ANN202
    before = ONEDNN_PRODUCTS.fp32_precision
    ONEDNN_PRODUCTS.fp32_precision = "none"
    try:
        return kernel(*arguments, **options)
    finally:
        ONEDNN_PRODUCTS.fp32_precision = before
