"""The random numbers of sampling: a function of (seed of the item, level, frame) and no more.

Nothing is carried from one draw to the next, so a song is the same alone or in a batch, in any
windows, and after a resume. Philox is such a function by construction: it encrypts a counter.
(Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".)
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_WORDS_PER_COUNT = 4  # 64-bit words that Philox makes of one value of its counter
_DRAWS_PER_COUNT = 2 * _WORDS_PER_COUNT  # 32 random bits a code


def gumbel_noise(
    seeds: Sequence[int], level: int, start: int, end: int, codebook_size: int
) -> Tensor:
    """Draw the noise of frames [start, end) for one item a seed.

    The code with the largest logit + noise is a draw from the softmax of the logits.

    Returns:
        (batch, frame, codebook_size) float32 on the CPU.
    """
    items = [_uniform(seed, level, start, end, codebook_size) for seed in seeds]
    uniform = np.stack(items)
    # Logarithms in float64: rounding them to float32 hides what one processor's library
    # computes differently from another's.
    noise = -np.log(-np.log(uniform))
    return torch.from_numpy(noise.astype(np.float32))


def _uniform(seed: int, level: int, start: int, end: int, codebook_size: int) -> np.ndarray:
    """Return (frame, codebook_size) float64 in (0, 1), both ends excluded."""
    counts = -(-codebook_size // _DRAWS_PER_COUNT)
    philox = np.random.Philox(key=(level << 64) | seed, counter=start * counts)
    words = philox.random_raw((end - start) * counts * _WORDS_PER_COUNT)
    # The low half of a word first on every machine, whatever its byte order.
    halves = words.astype("<u8").view("<u4")
    draws = halves.reshape(end - start, counts * _DRAWS_PER_COUNT)[:, :codebook_size]
    return (draws + 0.5) * 2.0**-32
