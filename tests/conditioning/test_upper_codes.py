import pytest
import torch

from audiogen.conditioning.upper_codes import UpperCodeConfig, UpperCodeEmbedding

TINY = UpperCodeConfig(codebook_size=7, width=6, depth=3, dilation_cycle=2)


def build(config: UpperCodeConfig, **options) -> UpperCodeEmbedding:
    torch.manual_seed(0)
    return UpperCodeEmbedding(config, dim=8, init_scale=1.0, **options)


@pytest.mark.parametrize(("num_steps", "stride", "ratio"), [(2, 2, 4), (1, 3, 3), (3, 2, 8)])
def test_every_upper_code_gives_ratio_frames(num_steps, stride, ratio):
    config = TINY.changed(num_steps=num_steps, stride=stride)
    assert config.ratio == ratio
    assert build(config)(torch.randint(7, (2, 5))).shape == (2, 5 * ratio, 8)


def test_the_released_conditioner_has_the_released_shapes_and_parameters():
    with torch.device("meta"):
        module = UpperCodeEmbedding(UpperCodeConfig(), dim=1920, init_scale=0.4)
    assert sum(parameter.numel() for parameter in module.parameters()) == 156_180_096
    assert module(torch.zeros(1, 6, dtype=torch.int64, device="meta")).shape == (1, 24, 1920)


def test_dilations_grow_within_the_cycle_and_are_not_reversed():
    config = UpperCodeConfig(codebook_size=2, width=1)
    stack = build(config).upsampling.steps[0][0]
    dilations = [block.dilated.dilation[0] for block in stack.blocks]
    assert dilations == [1, 3, 9, 27, 81, 243, 729, 2187] * 2


def test_scaled_residuals_are_divided_by_the_square_root_of_the_depth():
    config = UpperCodeConfig(codebook_size=2, width=1)
    for scale_residuals, scale in ((False, 1.0), (True, 0.25)):
        stack = build(config.changed(scale_residuals=scale_residuals)).upsampling.steps[0][0]
        assert {block.scale for block in stack.blocks} == {scale}


def test_frames_are_normalized():
    frames = build(TINY)(torch.randint(7, (2, 5)))
    torch.testing.assert_close(frames.mean(dim=-1), torch.zeros(2, 20), atol=1e-5, rtol=0)


def test_a_frame_sees_upper_codes_on_both_sides():
    module = build(TINY)
    codes = torch.zeros(1, 9, dtype=torch.int64)
    for changed_place in (3, 5):
        changed = codes.clone()
        changed[0, changed_place] = 1
        assert not torch.equal(module(codes)[0, 16:20], module(changed)[0, 16:20])


def test_recomputation_changes_no_gradient():
    codes = torch.randint(7, (1, 5), generator=torch.Generator().manual_seed(0))
    gradients = []
    for checkpointing in (False, True):
        module = build(TINY, checkpointing=checkpointing)
        module(codes).square()[..., 0].sum().backward()
        gradients.append([parameter.grad for parameter in module.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])
