"""From logits to one code: temperature, then top-k, then top-p, then a draw."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt
from torch import Tensor

from audiogen.config import Settings
from audiogen.errors import UserError


def _one_for_all(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


Temperature = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Temperatures = Annotated[tuple[Temperature, ...], BeforeValidator(_one_for_all)]
Shares = Annotated[tuple[Share, ...], BeforeValidator(_one_for_all)]
Counts = Annotated[tuple[Count, ...], BeforeValidator(_one_for_all)]


class SamplingConfig(Settings):
    """How codes are drawn. One value holds for all levels; a list is by level, finest first."""

    temperature: Temperatures = (0.99,)
    """Below 1: likely codes become likelier. Jukebox used 0.98 to 0.995."""

    top_k: Counts = (0,)
    """Draw among this many likeliest codes; 0: all."""

    top_p: Shares = (1.0,)
    """Draw among the fewest likeliest codes that hold this probability together; 1: all."""

    window_stride: Shares = (0.5,)
    """Share of its context by which a window moves on. With less, a code sees more of the song
    before it, and the prior reads that part again for every window."""

    max_batch: PositiveInt = 16
    """Items that go through a prior together; more go one group after another."""

    def at(self, level: int, num_levels: int) -> "LevelSampling":
        """Return the values of one level.

        Raises:
            UserError: a list has neither one value nor one a level.
        """
        values = {}
        for name in LevelSampling.model_fields:
            listed = getattr(self, name)
            if len(listed) not in (1, num_levels):
                raise UserError(
                    f"sampling.{name}: {len(listed)} values for {num_levels} levels; "
                    "give one value for all, or one a level, finest first"
                )
            values[name] = listed[level % len(listed)]
        return LevelSampling(**values)


class LevelSampling(Settings):
    """The values of `SamplingConfig` at one level."""

    temperature: Temperature = 0.99
    top_k: Count = 0
    top_p: Share = 1.0
    window_stride: Share = 0.5


def draw(logits: Tensor, noise: Tensor, settings: LevelSampling) -> Tensor:
    """Draw one code an item.

    Args:
        logits: (batch, codebook_size) float32.
        noise: (batch, codebook_size) Gumbel noise.
        settings: Temperature and filters of the level.

    Returns:
        (batch,) int64.
    """
    logits = keep_top_p(keep_top_k(logits / settings.temperature, settings.top_k), settings.top_p)
    return (logits + noise).argmax(dim=-1)


def keep_top_k(logits: Tensor, top_k: int) -> Tensor:
    """Set all but the `top_k` largest of the last axis to -inf; 0 keeps all.

    Codes that tie with the last one kept stay too.
    """
    if top_k == 0 or top_k >= logits.shape[-1]:
        return logits
    least = logits.topk(top_k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -float("inf"))


def keep_top_p(logits: Tensor, top_p: float) -> Tensor:
    """Keep the fewest likeliest codes whose probabilities sum to `top_p` or more; 1 keeps all.

    The likeliest code always stays.
    """
    if top_p >= 1:
        return logits
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    likelier = probabilities.cumsum(dim=-1) - probabilities  # held by the codes before this one
    ordered = ordered.masked_fill(likelier >= top_p, -float("inf"))
    return logits.scatter(-1, order, ordered)
