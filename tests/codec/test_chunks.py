import pytest
import torch

from audiogen.codec.chunks import (
    chunks_of,
    decoder_margin,
    encoder_margin,
    layers_of,
    needed_inputs,
)
from audiogen.codec.decoder import Decoder
from audiogen.codec.encoder import Encoder

STACK = {"dilation_growth": 3, "reverse_dilation": True}


def reached(x, outputs):
    """The first and last position of x (1, 1, position) that `outputs` depend on."""
    (gradient,) = torch.autograd.grad(outputs.sum(), x)
    positions = gradient.abs().sum(dim=(0, 1)).nonzero()
    return positions.min().item(), positions.max().item()


def make_positive(module):
    # Without negative weights no path is cut off by a ReLU or cancelled by another.
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.abs() + 0.01)
    return module.double()


@pytest.mark.parametrize(
    ("depth", "steps", "strides"), [(1, [1], [2]), (2, [2, 1], [2, 3]), (3, [1], [4])]
)
def test_the_arithmetic_finds_the_samples_that_gradients_find(depth, steps, strides):
    encoder = make_positive(Encoder(1, 2, 2, depth, steps, strides, **STACK))
    hop = 1
    for count, stride in zip(steps, strides, strict=True):
        hop *= stride**count
    x = torch.rand(1, 1, 60 * hop, dtype=torch.float64, requires_grad=True)

    first, last = needed_inputs(layers_of(encoder), 30, 30)
    assert reached(x, encoder(x)[..., 30]) == (first, last)
    margin = encoder_margin(layers_of(encoder), hop)
    assert (30 - margin) * hop <= first and last < (31 + margin) * hop
    # One frame less on each side would not do.
    assert first < (31 - margin) * hop or last >= (30 + margin) * hop


@pytest.mark.parametrize(("depth", "steps", "strides"), [(1, [2], [2]), (2, [1, 1], [2, 3])])
def test_the_arithmetic_finds_the_frames_that_a_decoded_frame_depends_on(depth, steps, strides):
    decoder = make_positive(Decoder(1, 2, 2, depth, steps, strides, **STACK))
    latent = torch.rand(1, 2, 60, dtype=torch.float64, requires_grad=True)
    hop = decoder(latent).shape[-1] // 60
    first, last = reached(latent, decoder(latent)[..., 30 * hop : 31 * hop])

    assert needed_inputs(layers_of(decoder), 30 * hop, 31 * hop - 1) == (first, last)
    assert decoder_margin(layers_of(decoder), hop) == max(30 - first, last - 30)


@pytest.mark.parametrize("num_frames", [0, 1, 7, 10, 11, 29])
@pytest.mark.parametrize("chunk_frames", [1, 4, 10, 100])
def test_chunks_cover_every_frame_once_and_stay_within_the_file(num_frames, chunk_frames):
    chunks = chunks_of(num_frames, chunk_frames, margin=3)

    kept = [frame for chunk in chunks for frame in range(chunk.start, chunk.end)]
    assert kept == list(range(num_frames))
    for chunk in chunks:
        assert chunk.end - chunk.start > 0
        assert 0 <= chunk.padded_start <= max(0, chunk.start - 3)
        assert min(num_frames, chunk.end + 3) <= chunk.padded_end <= num_frames
        assert chunk.padded_end - chunk.padded_start == min(num_frames, chunk_frames + 6)
