import pytest
import torch

from audiogen.codec.encoder import Encoder


@pytest.mark.parametrize("length", [24, 25, 47, 48])
def test_any_length_gives_floor_of_samples_over_hop_frames(length):
    encoder = Encoder(1, 6, 4, 1, [2, 1], [2, 3])

    assert encoder(torch.randn(2, 1, length)).shape == (2, 6, length // 12)


def test_dilation_grows_from_the_first_block_to_the_last():
    encoder = Encoder(1, 6, 4, 3, [1], [2])
    _, stack = encoder.groups[0].steps[0]

    assert [block.dilated.dilation[0] for block in stack.blocks] == [1, 3, 9]


def test_every_group_reads_the_latent_of_the_group_before():
    encoder = Encoder(2, 6, 4, 1, [1, 1, 1], [2, 2, 2])

    assert [group.steps[0][0].in_channels for group in encoder.groups] == [2, 6, 6]
    assert [group.project.out_channels for group in encoder.groups] == [6, 6, 6]
