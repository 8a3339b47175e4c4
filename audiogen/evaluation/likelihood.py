"""How well a prior foretells held-out codes, and how much its conditioning helps: in bits a code.

What a condition is worth is measured by taking it from another clip: labels, lyrics or upper codes
are exchanged among the clips, everything else stays, and each clip is compared with itself.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiogen.conditioning.labels import Labels
from audiogen.prior.model import Prior


@dataclass(frozen=True)
class HeldOutClips:
    """Clips as a prior reads them, one row each; nothing of them is withheld."""

    codes: Tensor  # (clip, frame) int64
    labels: Labels | None
    upper_codes: Tensor | None  # (clip, upper_frame) int64

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.codes)


class Gain(NamedTuple):
    """What a condition is worth: bits a code with another clip's, minus bits with the true one."""

    bits_with_another: float
    mean: float
    low: float  # ends of the 95 % interval of the mean, paired over clips
    high: float
    num_clips: int
    num_differing: int  # clips for which the other clip's condition differs at all


def bits_per_clip(prior: Prior, clips: HeldOutClips, batch_size: int = 8) -> Tensor:
    """Measure (clip,) float64 mean bits a code of each clip, teacher-forced."""
    device = next(prior.parameters()).device
    pieces = []
    with torch.no_grad():
        for start in range(0, len(clips), batch_size):
            rows = slice(start, start + batch_size)
            labels = None if clips.labels is None else clips.labels.select(rows).to(device)
            upper = None if clips.upper_codes is None else clips.upper_codes[rows].to(device)
            bits = prior.bits_per_clip(clips.codes[rows].to(device), labels, upper)
            pieces.append(bits.double().cpu())
    return torch.cat(pieces)


def conditioning_gains(
    prior: Prior,
    clips: HeldOutClips,
    seed: int,
    batch_size: int = 8,
    true_bits: Tensor | None = None,
) -> dict[str, Gain]:
    """Measure what each condition of `prior` is worth on `clips`.

    Args:
        prior: in evaluation mode.
        clips: two or more.
        seed: which clips exchange their conditions.
        batch_size: clips at once.
        true_bits: (clip,) what `bits_per_clip` gave, where it is known already.

    Returns:
        Gains named "labels" (artist and genres), "lyrics" and "upper_codes"; only those that the
        prior has, and that differ between any two of the clips.
    """
    if true_bits is None:
        true_bits = bits_per_clip(prior, clips, batch_size)
    gains = {}
    for name, (values, exchange) in _conditions(prior, clips).items():
        order = exchanged(values, seed)
        num_differing = sum(values[row] != values[other] for row, other in enumerate(order))
        if not num_differing:
            continue
        bits = bits_per_clip(prior, exchange(torch.tensor(order)), batch_size)
        mean, low, high = mean_interval((bits - true_bits).numpy())
        gains[name] = Gain(bits.mean().item(), mean, low, high, len(clips), num_differing)
    return gains


def exchanged(values: Sequence[Hashable], seed: int) -> list[int]:
    """Permute clips so that none keeps its place, and as many as possible get another value.

    Returns:
        For each clip the clip whose condition it gets. Where no value is more frequent than half
        of the clips, every clip gets another value.
    """
    count = len(values)
    if count < 2:
        return list(range(count))
    draws = np.random.default_rng(seed).permutation(count)
    group_of = {value: group for group, value in enumerate(dict.fromkeys(values[d] for d in draws))}
    # Equal values stand together; a turn by the size of the largest group takes each clip out of
    # its own.
    ring = sorted(draws.tolist(), key=lambda clip: group_of[values[clip]])
    sizes = np.bincount([group_of[value] for value in values])
    turn = int(sizes.max()) % count or 1
    return [other for _, other in sorted(zip(ring, ring[turn:] + ring[:turn], strict=True))]


def mean_interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of (clip,) differences and its 95 % interval by Student's t.

    The interval is infinite for fewer than two differences.
    """
    from scipy.stats import t

    count = len(differences)
    mean = float(np.mean(differences))
    if count < 2:
        return mean, -np.inf, np.inf
    margin = float(t.ppf(0.975, count - 1) * np.std(differences, ddof=1) / np.sqrt(count))
    return mean, mean - margin, mean + margin


Condition = tuple[list[Hashable], Callable[[Tensor], HeldOutClips]]


def _conditions(prior: Prior, clips: HeldOutClips) -> dict[str, Condition]:
    """Name what can be exchanged: its value for each clip, and the clips with it exchanged."""
    config, labels, upper = prior.config, clips.labels, clips.upper_codes
    found: dict[str, Condition] = {}
    if config.labels is not None and labels is not None:
        names = torch.cat([labels.artist[:, None], labels.genres], dim=1)
        found["labels"] = (_rows(names), lambda order: _with_labels(clips, order))
    if config.lyrics is not None and labels is not None:
        found["lyrics"] = (_rows(labels.lyrics), lambda order: _with_lyrics(clips, order))
    if config.upper is not None and upper is not None:
        found["upper_codes"] = (
            _rows(upper),
            lambda order: replace(clips, upper_codes=upper[order]),
        )
    return found


def _with_labels(clips: HeldOutClips, order: Tensor) -> HeldOutClips:
    labels = clips.labels
    assert labels is not None
    # The place in the song stays: it is no label of another song.
    exchanged_labels = replace(labels, artist=labels.artist[order], genres=labels.genres[order])
    return replace(clips, labels=exchanged_labels)


def _with_lyrics(clips: HeldOutClips, order: Tensor) -> HeldOutClips:
    assert clips.labels is not None
    return replace(clips, labels=replace(clips.labels, lyrics=clips.labels.lyrics[order]))


def _rows(values: Tensor) -> list[Hashable]:
    return [tuple(row) for row in values.tolist()]
