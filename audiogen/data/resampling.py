"""Resampling of a range of a file such that it equals the same slice of the whole, resampled.

The resampler's filter repeats every `orig` source samples, which make `new` samples of the
result. A range is therefore read from a multiple of `orig`, with the reach of the filter on both
sides; a range that touches an end of the file meets the same zeros there as the whole does.
"""

import math
from fractions import Fraction

from torch import Tensor

from audiogen.torchaudio_guard import torchaudio

FILTER_ZEROS = 6
"""Zero crossings of the low-pass filter on each side (`lowpass_filter_width`)."""
ROLLOFF = 0.99
MAX_RATIO_TERM = 1000
"""Rates without a small common ratio would need filters of gigabytes; the nearest ratio with this
bound is off by less than a millionth: half a millisecond in ten minutes."""


class BlockResampler:
    """Arithmetic of one pair of sample rates, and the call into torchaudio."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        ratio = Fraction(source_rate, target_rate).limit_denominator(MAX_RATIO_TERM)
        self.orig, self.new = ratio.numerator, ratio.denominator
        width = math.ceil(FILTER_ZEROS * self.orig / (min(self.orig, self.new) * ROLLOFF))
        self._margin = math.ceil(width / self.orig)  # whole periods of the filter

    def output_length(self, num_samples: int) -> int:
        """Return how many samples `num_samples` of the source become."""
        return -(-num_samples * self.new // self.orig)

    def source_range(self, first: int, last: int, num_samples: int) -> tuple[int, int]:
        """Return the source samples that samples [first, last) of the result need."""
        if self.orig == self.new:
            return first, last
        start = max(0, first // self.new - self._margin) * self.orig
        end = (-(-last // self.new) + self._margin) * self.orig
        return start, min(num_samples, end)

    def resample(self, source: Tensor, source_start: int, first: int, last: int) -> Tensor:
        """Turn `source` (channel, sample), read from `source_start`, into samples [first, last)."""
        if self.orig == self.new:
            return source
        resampled = torchaudio.functional.resample(
            source, self.orig, self.new, lowpass_filter_width=FILTER_ZEROS, rolloff=ROLLOFF
        )
        skipped = source_start // self.orig * self.new
        return resampled[:, first - skipped : last - skipped].contiguous()
