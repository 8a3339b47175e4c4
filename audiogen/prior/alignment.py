"""Where the music stands in the lyrics: what one attention head looks at."""

import torch
from torch import Tensor

from audiogen.conditioning.labels import Labels
from audiogen.prior.model import Prior


@torch.no_grad()
def lyric_attention(
    prior: Prior,
    codes: Tensor,
    labels: Labels,
    upper_codes: Tensor | None = None,
    *,
    layer: int,
    head: int,
) -> Tensor:
    """Return how much each frame looks at each lyric token, float32 (batch, frame, token).

    Of a cross layer each row sums to 1; of a prefix (or dense) layer the part that falls on the
    lyrics is returned. A token is looked at one position after its own in a prefix, whose
    sequence is shifted.

    Args:
        prior: with lyrics, in either way.
        codes: (batch, frame) int64, the whole context or its beginning.
        labels: of the windows.
        upper_codes: for a prior that reads them.
        layer: number of the layer, from 0.
        head: number of the head, from 0.

    Raises:
        ValueError: the layer does not look at lyrics, or there is no such layer or head.
    """
    config = prior.config
    if config.lyrics is None:
        raise ValueError("this prior reads no lyrics")
    if not 0 <= layer < config.num_layers or not 0 <= head < config.num_heads:
        raise ValueError(
            f"no head {head} in a layer {layer}: there are {config.num_layers} layers of "
            f"{config.num_heads} heads"
        )
    conditioning = prior.condition(labels, upper_codes)
    hidden = prior.hidden_before(layer, codes, conditioning)
    block = prior.transformer.blocks[layer]
    seen = block.attention.probabilities(block.attention_norm(hidden), conditioning.memory, head)
    return seen[:, config.num_prefix :, : config.lyrics.num_tokens]
