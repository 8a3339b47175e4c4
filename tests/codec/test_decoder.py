import torch

from audiogen.codec.decoder import Decoder


def test_a_frame_becomes_a_hop_of_samples():
    decoder = Decoder(2, 6, 4, 1, [2, 1], [2, 3])

    assert decoder(torch.randn(2, 6, 5)).shape == (2, 2, 60)


def test_groups_run_from_the_coarsest_to_the_finest():
    decoder = Decoder(1, 6, 4, 1, [3, 1], [2, 5])

    strides = [[step[1].stride[0] for step in group.steps] for group in decoder.groups]
    assert strides == [[5], [2, 2, 2]]


def test_dilation_shrinks_from_the_first_block_to_the_last_when_reversed():
    decoder = Decoder(1, 6, 4, 3, [1], [2], reverse_dilation=True)
    stack, _ = decoder.groups[0].steps[0]

    assert [block.dilated.dilation[0] for block in stack.blocks] == [9, 3, 1]
