"""Tiny priors of every kind: each pattern, both lyric ways, labels, timing, upper codes."""

from collections.abc import Callable

import pytest
import torch

from audiogen.conditioning.labels import Labels
from audiogen.prior.model import Prior, PriorConfig

SIZES = {
    "level": 2,
    "sample_rate": 1000,
    "hop_length": 10,
    "codebook_size": 12,
    "context_length": 24,
    "dim": 32,
    "num_heads": 2,
    "num_rows": 4,
}
LABELS = {"num_artists": 5, "num_genres": 4, "max_genres": 2}
TOLD = {"labels": LABELS, "timing": {"num_bins": 8, "max_seconds": 10.0}}
ENCODER = {
    "mode": "encoder",
    "num_tokens": 8,
    "alphabet_size": 7,
    "encoder_dim": 16,
    "encoder_num_layers": 3,
    "encoder_num_rows": 2,
}
PREFIX = {"mode": "prefix", "num_tokens": 8, "alphabet_size": 7}
UPPER = {"codebook_size": 9, "width": 8, "depth": 2, "num_steps": 1}

KINDS = {
    "unlabelled": {"layers": ["row", "column", "previous_row"], "num_layers": 3},
    "dense": {"layers": ["dense"], "num_layers": 2, "labels": LABELS},
    "labels_everywhere": {
        "layers": ["dense"],
        "num_layers": 2,
        "labels": LABELS | {"every_frame": True},
    },
    "row": {"layers": ["row"], "num_layers": 2, **TOLD},
    "column": {"layers": ["column"], "num_layers": 2, **TOLD},
    "previous_row": {"layers": ["previous_row"], "num_layers": 2, **TOLD},
    "upsampler": {
        "num_layers": 3,
        "labels": LABELS | {"every_frame": True},
        "upper": UPPER,
        "init_scale": 4.0,
    },
    "encoder": {
        "layers": ["row", "column", "previous_row", "cross"],
        "num_layers": 5,
        "lyrics": ENCODER,
        "tied_embedding": False,
        "conditioning_after": False,
        **TOLD,
    },
    "prefix": {
        "layers": ["row", "column", "previous_row", "prefix", "dense"],
        "num_layers": 5,
        "lyrics": PREFIX,
        **TOLD,
    },
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Run a test for every kind of prior."""
    return request.param


@pytest.fixture
def make_prior() -> Callable[..., Prior]:
    """Build a seeded prior of a kind, with weights large enough to tell positions apart."""

    def make(kind: str, **changes: object) -> Prior:
        torch.manual_seed(0)
        prior = Prior(PriorConfig.model_validate(SIZES | KINDS[kind] | changes))
        for parameter in prior.parameters():
            # The first weights are so small that mistakes would hide in rounding.
            torch.nn.init.normal_(parameter, std=0.3)
        return prior.eval()

    return make


@pytest.fixture
def make_batch() -> Callable[..., tuple]:
    """Draw (codes, labels, upper codes) of a batch that a prior can read."""

    def make(prior: Prior, batch: int = 2, num_frames: int | None = None) -> tuple:
        generator = torch.Generator().manual_seed(1)
        config = prior.config
        num_frames = num_frames or config.context_length

        def draw(high: int, *shape: int) -> torch.Tensor:
            return torch.randint(high, (batch, *shape), generator=generator)

        never = torch.zeros(batch, dtype=torch.bool)
        lyrics = draw(7, config.lyrics.num_tokens) if config.lyrics else draw(7, 0)
        places = (draw(900) + 300, draw(100))
        told = config.labels or config.timing or config.lyrics
        labels = Labels(draw(5), draw(4, 2), *places, lyrics, never, never) if told else None
        upper = config.upper
        upper_codes = draw(upper.codebook_size, num_frames // upper.ratio) if upper else None
        return draw(config.codebook_size, num_frames), labels, upper_codes

    return make


@pytest.fixture(params=["onednn", "default"])
def product_route(request: pytest.FixtureRequest):
    """Run a test with float32 products by either library, and restore the setting after it."""
    from audiogen import machine

    products = torch.backends.mkldnn.matmul
    before = products.fp32_precision
    products.fp32_precision = "none"
    if request.param == "onednn" and not machine.use_onednn_products():
        pytest.skip("no oneDNN route for float32 products here")
    yield request.param
    products.fp32_precision = before
