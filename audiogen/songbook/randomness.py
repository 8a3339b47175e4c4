"""Random streams named by what they are for, so that no two users ever share one.

A stream depends on its key alone: which track came before, or in which process, changes nothing.
"""

import hashlib

import numpy as np


def generator(*key: str | int | float) -> np.random.Generator:
    """Open the random stream of `key`; plain Python values only, since their text is hashed."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
