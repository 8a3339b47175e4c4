"""Which chunks of a long file give exactly what the whole file would give; arithmetic only.

A chunk is computed with a margin on both sides and the margin's results are thrown away. The
margin is the receptive field of the layers, so nothing kept depends on where the chunk was cut.
At the true ends of the file there is no margin: the zero padding there is the whole file's own.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import nn

from audiogen.codec.convolution import Convolution, TransposedConvolution


class Layer(NamedTuple):
    """What of a convolution decides which inputs an output depends on."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    transposed: bool


class Chunk(NamedTuple):
    """Frames start..end are kept of the frames padded_start..padded_end that are computed."""

    start: int
    end: int
    padded_start: int
    padded_end: int


def layers_of(module: nn.Module) -> list[Layer]:
    """List the convolutions of `module`, which registers them in the order of execution."""
    return [
        Layer(
            layer.kernel_size[0],
            layer.stride[0],
            int(layer.padding[0]),
            layer.dilation[0],
            isinstance(layer, TransposedConvolution),
        )
        for layer in module.modules()
        if isinstance(layer, Convolution | TransposedConvolution)
    ]


def needed_inputs(layers: Sequence[Layer], first: int, last: int) -> tuple[int, int]:
    """Return the first and last input that the outputs `first`..`last` depend on.

    Positions count from the start of the file; negative ones lie before it.
    """
    for layer in reversed(layers):
        if layer.transposed:
            # Output o receives input i through kernel position o + padding - i * stride.
            first = -((layer.kernel - 1 - layer.padding - first) // layer.stride)
            last = (last + layer.padding) // layer.stride
        else:
            reach = (layer.kernel - 1) * layer.dilation
            first = first * layer.stride - layer.padding
            last = last * layer.stride - layer.padding + reach
    return first, last


def encoder_margin(layers: Iterable[Layer], hop_length: int) -> int:
    """Return the frames on each side whose samples a frame of the latent depends on."""
    first, last = needed_inputs(list(layers), 0, 0)
    return -(-max(-first, last - (hop_length - 1), 0) // hop_length)


def decoder_margin(layers: Iterable[Layer], hop_length: int) -> int:
    """Return the frames on each side that the samples of a frame depend on."""
    first, last = needed_inputs(list(layers), 0, hop_length - 1)
    return max(-first, last, 0)


def chunks_of(num_frames: int, chunk_frames: int, margin: int) -> list[Chunk]:
    """Cut `num_frames` into chunks that keep about `chunk_frames` each.

    All chunks of all files are computed over equally many frames (files shorter than that, whole):
    a CPU plans its convolutions anew for every length, which took longer than the convolutions.
    """
    computed = max(chunk_frames, 1) + 2 * margin
    chunks: list[Chunk] = []
    start = 0
    while start < num_frames:
        # The last chunk begins earlier instead of being shorter.
        padded_start = max(0, min(start - margin, num_frames - computed))
        padded_end = min(num_frames, padded_start + computed)
        end = num_frames if padded_end == num_frames else padded_end - margin
        chunks.append(Chunk(start, end, padded_start, padded_end))
        start = end
    return chunks
