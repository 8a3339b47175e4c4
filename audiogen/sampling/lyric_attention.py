"""How much each moment of a song looks at each character of the lyrics, for every head that can."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiogen.conditioning.labels import Description, LabelEncoder, Labels
from audiogen.conditioning.vocabulary import normalize_lyrics
from audiogen.prior.model import Prior
from audiogen.sampling.alignment import diagonal_score
from audiogen.sampling.windows import Window

COLUMN_SECONDS = 0.06
"""Attention is averaged over about this long: short beside a syllable, and it keeps songs small."""

MIN_COLUMNS = 16
"""Columns that a window has at least, so that it can be seen whether a head moves in it."""


class SongAttention(NamedTuple):
    """Attention of a whole song, as far as it was made."""

    heads: dict[tuple[int, int], np.ndarray]  # (layer, head) -> (column, character) float32
    scores: dict[tuple[int, int], float]  # (layer, head) -> mean `diagonal_score` of the windows
    column_seconds: float


def attention_over_lyrics(
    prior: Prior,
    encoder: LabelEncoder,
    description: Description,
    codes: Tensor,
    windows: list[Window],
) -> SongAttention:
    """Read a song once more and keep what its frames look at.

    Every frame is read in the window that made it, where it saw what it saw then.

    Args:
        prior: One that reads lyrics.
        encoder: What labels its windows.
        description: The whole song in words.
        codes: (frame,) int64 of one item.
        windows: The windows that cover them.
    """
    config = prior.config
    seconds = config.hop_length / config.sample_rate
    most = max(min(config.context_length, len(codes)) // MIN_COLUMNS, 1)
    frames = min(max(round(COLUMN_SECONDS / seconds), 1), most)  # of one column
    shape = (-(-len(codes) // frames), len(normalize_lyrics(description.lyrics)))
    heads: dict[tuple[int, int], np.ndarray] = {}
    scores: dict[tuple[int, int], float] = {}
    for window in windows:
        offset = window.start * config.hop_length
        labels = encoder.encode(description, offset, config.window_length_samples)
        places = _places(encoder, description, offset, config.window_length_samples)
        window_codes = codes[None, window.start : window.end]
        for key, attention in _heads_of_window(prior, window_codes, labels):
            seen = attention[:, places >= 0].cpu().numpy()  # (frame, character of the window)
            # Within one window: from one to the next the lyrics move, whatever a head does.
            score = diagonal_score(_averaged(seen, frames))
            scores[key] = scores.get(key, 0.0) + score / len(windows)
            whole = heads.setdefault(key, np.zeros(shape, dtype=np.float32))
            column = np.arange(window.first_new, window.end) // frames
            new = seen[window.first_new - window.start :] / frames
            np.add.at(whole, (column[:, None], places[places >= 0][None]), new)
    return SongAttention(heads, scores, frames * seconds)


def _averaged(attention: np.ndarray, frames: int) -> np.ndarray:
    """Average (frame, character) over columns of `frames`; the last may be shorter."""
    starts = np.arange(0, len(attention), frames)
    sizes = np.diff(np.append(starts, len(attention)))
    return np.add.reduceat(attention, starts) / sizes[:, None]


def _places(
    encoder: LabelEncoder, description: Description, offset: int, length: int
) -> np.ndarray:
    """Return the character that each position of the lyrics stands for; -1 for none.

    Sequences are shifted by one token: what a position has read last is the token before it.
    """
    characters = encoder.lyric_window(description, offset, length).characters
    return np.array([-1, *characters[:-1]])


@torch.inference_mode()
def _heads_of_window(
    prior: Prior, codes: Tensor, labels: Labels
) -> Iterator[tuple[tuple[int, int], Tensor]]:
    """Yield (layer, head) and its attention (frame, token) in one teacher-forced pass."""
    device = next(prior.parameters()).device
    conditioning = prior.condition(labels.to(device))
    hidden = prior.hidden_before(0, codes.to(device), conditioning)
    for layer, pattern in enumerate(prior.config.patterns):
        block = prior.transformer.blocks[layer]
        if pattern in ("cross", "prefix"):
            query = block.attention_norm(hidden)
            for head in range(prior.config.num_heads):
                seen = block.attention.probabilities(query, conditioning.memory, head)[0]
                yield (layer, head), seen[prior.config.num_prefix :, : labels.lyrics.shape[1]]
        hidden = block(hidden, conditioning.memory)
