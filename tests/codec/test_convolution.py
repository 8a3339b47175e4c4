import pytest
import torch
import torch.nn.functional as F

from audiogen.codec.convolution import (
    Convolution,
    DownsamplingGroup,
    ResidualStack,
    UpsamplingGroup,
    dilations,
    downsampling,
    from_rows,
    to_rows,
    upsampling,
)


def plain_stack(stack, x, dilation_list, scale):
    """The residual stack written out with one-dimensional convolutions."""
    for block, dilation in zip(stack.blocks, dilation_list, strict=True):
        hidden = F.conv1d(
            F.relu(x),
            block.dilated.weight,
            block.dilated.bias,
            padding=dilation,
            dilation=dilation,
        )
        x = x + scale * F.conv1d(F.relu(hidden), block.mix.weight, block.mix.bias)
    return x


def test_rows_of_several_channels_are_stored_channels_last_and_come_back_equal():
    x = torch.randn(2, 5, 16)
    rows = to_rows(x)

    assert rows.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(from_rows(rows), x, rtol=0, atol=0)


def test_a_convolution_over_rows_equals_the_one_dimensional_one():
    layer = Convolution(3, 4, 3, padding=2, dilation=2)
    x = torch.randn(2, 3, 20)

    expected = F.conv1d(x, layer.weight, layer.bias, padding=2, dilation=2)
    torch.testing.assert_close(from_rows(layer(to_rows(x))), expected)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("length", [12, 13, 17])
def test_downsampling_and_upsampling_give_whole_frames_at_any_stride(stride, length):
    x = torch.randn(1, 2, length)
    down = from_rows(downsampling(2, 3, stride)(to_rows(x)))
    up = from_rows(upsampling(3, 2, stride)(to_rows(down)))

    assert down.shape == (1, 3, length // stride)
    assert up.shape == (1, 2, length // stride * stride)


def test_dilation_grows_wraps_around_and_is_reversed():
    assert dilations(4, 3, None) == [1, 3, 9, 27]
    assert dilations(5, 3, 2) == [1, 3, 1, 3, 1]
    assert dilations(4, 2, None, reverse=True) == [8, 4, 2, 1]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_residual_stack_computes_what_its_recipe_says(reverse):
    stack = ResidualStack(
        6, 3, dilation_growth=2, reverse_dilation=reverse, residual_scale=0.5, hidden_multiplier=1.5
    )
    x = torch.randn(2, 6, 40)

    expected = plain_stack(stack, x, [4, 2, 1] if reverse else [1, 2, 4], 0.5)
    torch.testing.assert_close(from_rows(stack(to_rows(x))), expected)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_arithmetic_without_gradients_gives_the_same_and_leaves_a_groups_input_alone(scale):
    group = UpsamplingGroup(4, 3, 4, 2, 2, residual_scale=scale)
    x = to_rows(torch.randn(2, 4, 16)).squeeze(2)
    before = x.clone()

    with torch.inference_mode():
        out = group(x)
    torch.testing.assert_close(out, group(x).detach())
    torch.testing.assert_close(x, before, rtol=0, atol=0)


def test_zero_init_makes_a_stack_the_identity_that_still_learns():
    stack = ResidualStack(4, 2, zero_init=True)
    rows = to_rows(torch.randn(1, 4, 16))

    out = stack(rows)
    out.square().sum().backward()
    torch.testing.assert_close(out, rows)
    assert all(block.mix.weight.grad.abs().sum() > 0 for block in stack.blocks)


def test_recomputation_changes_neither_output_nor_gradients():
    x = torch.randn(2, 3, 32)
    results = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        group = UpsamplingGroup(3, 5, 4, 2, 2, checkpointing=checkpointing)
        out = group(x)
        out.square().sum().backward()
        results.append([out, *(parameter.grad for parameter in group.parameters())])

    torch.testing.assert_close(results[1], results[0])


def test_in_place_arithmetic_gives_the_gradients_of_the_plain_recipe():
    stack = ResidualStack(4, 3, residual_scale=0.25)
    x = torch.randn(2, 4, 30, dtype=torch.float32, requires_grad=True)
    from_rows(stack(to_rows(x))).square().sum().backward()
    ours = [x.grad.clone(), *(parameter.grad.clone() for parameter in stack.parameters())]

    x.grad = None
    stack.zero_grad()
    plain_stack(stack, x, [1, 3, 9], 0.25).square().sum().backward()
    plain = [x.grad, *(parameter.grad for parameter in stack.parameters())]
    # Sums over 30 frames in another order.
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)


def test_groups_change_the_length_by_their_strides():
    assert DownsamplingGroup(1, 5, 4, 1, 3, 2)(torch.randn(2, 1, 83)).shape == (2, 5, 10)
    assert UpsamplingGroup(5, 7, 4, 1, 2, 3)(torch.randn(2, 5, 6)).shape == (2, 7, 54)


def test_the_released_conditioner_has_the_released_parameter_count():
    with torch.device("meta"):
        group = UpsamplingGroup(1920, 1920, 1024, 16, 2, dilation_cycle=8)
    count = sum(parameter.numel() for parameter in group.parameters())

    # 156.2 million with the embedding of 2048 codes and the norm, at width 1920.
    assert round((count + 2048 * 1920 + 2 * 1920) / 1e6, 1) == 156.2
    first_stack = group.steps[0][0]
    assert [block.dilated.dilation[0] for block in first_stack.blocks[6:10]] == [729, 2187, 1, 3]
