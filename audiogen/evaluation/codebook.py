"""How much of a codebook is in use, from codes or from their histogram.

Histograms of parts add up to the histogram of the whole. A histogram's entropy is also what a
prior must beat: it is the bits a code of a model that knows the frequencies and nothing else.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def code_histogram(codes: ArrayLike, codebook_size: int) -> NDArray[np.int64]:
    """Return (code,) how often each code occurs in `codes`, an array of any shape.

    Raises:
        ValueError: a code lies outside the codebook.
    """
    flat = np.asarray(codes).reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >= codebook_size):
        raise ValueError(
            f"codes reach from {flat.min()} to {flat.max()}, the codebook holds {codebook_size}"
        )
    return np.bincount(flat.astype(np.int64), minlength=codebook_size)


def usage_share(histogram: ArrayLike) -> float:
    """Return the share, 0 to 1, of the codes that occur at all."""
    return float(np.mean(np.asarray(histogram) > 0))


def entropy_bits(histogram: ArrayLike) -> float:
    """Return the entropy of the histogram in bits a code; 0 where nothing was counted."""
    counts = np.asarray(histogram, dtype=np.float64)
    counts = counts[counts > 0]
    if not counts.size:
        return 0.0
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum() + 0.0)


def perplexity(histogram: ArrayLike) -> float:
    """Return how many equally frequent codes would have the same entropy."""
    return 2.0 ** entropy_bits(histogram)
