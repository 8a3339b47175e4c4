"""A model with random weights and every part, small enough to sing in a moment."""

import os

# Before torch: many tiny tests on two threads each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from audiogen import machine
from audiogen.codec.model import Codec, CodecConfig
from audiogen.conditioning.label_embedding import LabelConfig
from audiogen.conditioning.lyrics import LyricConfig
from audiogen.conditioning.timing import TimingConfig
from audiogen.conditioning.upper_codes import UpperCodeConfig
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.model_folder import ModelFolder
from audiogen.prior.model import Prior, PriorConfig

SAMPLE_RATE = 1000
CODEBOOK_SIZE = 40

VOCABULARY = Vocabulary(
    artists=("unknown", "Mae Hollis"),
    genres=("unknown", "blues", "folk"),
    alphabet=("", "\n", " ", *"abcdefghijklmnopqrstuvwxyz<>/"),
)


def make_codec() -> Codec:
    codec = Codec(
        CodecConfig(
            sample_rate=SAMPLE_RATE,
            codebook_size=CODEBOOK_SIZE,
            codebook_dim=4,
            width=4,
            depth=1,
            num_downsamplings=(1, 1, 1),
            downsampling_stride=(2, 2, 4),
        )
    )
    # Hops 2, 4 and 16. Codebooks from noise: random weights still give many different codes.
    codec.initialize_codebooks_(torch.randn(8, 1, 1600), seed=0)
    return codec.eval()


def make_prior(level: int, *, lyrics: str = "encoder") -> Prior:
    upper = None
    if level < 2:
        upper = UpperCodeConfig(
            codebook_size=CODEBOOK_SIZE, width=8, depth=2, num_steps=1, stride=(2, 4)[level]
        )
    words = None
    if level == 2 and lyrics == "encoder":
        words = LyricConfig(
            mode="encoder",
            num_tokens=16,
            alphabet_size=len(VOCABULARY.alphabet),
            encoder_dim=8,
            encoder_num_layers=2,
            encoder_num_heads=1,
            encoder_num_rows=4,
        )
    if level == 2 and lyrics == "prefix":
        words = LyricConfig(mode="prefix", num_tokens=16, alphabet_size=len(VOCABULARY.alphabet))
    seeing = {"encoder": "cross", "prefix": "prefix", "none": "dense"}[lyrics]
    return Prior(
        PriorConfig(
            level=level,
            sample_rate=SAMPLE_RATE,
            hop_length=(2, 4, 16)[level],
            codebook_size=CODEBOOK_SIZE,
            context_length=32,
            dim=32,
            num_layers=4,
            num_heads=2,
            layers=("row", "column", "previous_row", seeing if level == 2 else "dense"),
            num_rows=4,
            # Large weights: the codes then depend visibly on everything that is told.
            init_scale=20.0,
            labels=LabelConfig(num_artists=2, num_genres=3, max_genres=2),
            timing=TimingConfig(num_bins=8) if level == 2 else None,
            lyrics=words,
            upper=upper,
        )
    ).eval()


def save_model(path, *, levels=(2, 1, 0), lyrics="encoder") -> ModelFolder:
    machine.prepare()
    torch.manual_seed(0)
    folder = ModelFolder(path)
    folder.save_codec(make_codec(), {})
    for level in levels:
        folder.save_prior(make_prior(level, lyrics=lyrics), {})
    folder.save_vocabulary(VOCABULARY)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> ModelFolder:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def build_model(tmp_path_factory):
    """Return a function that saves another model, with the arguments of `save_model`."""
    return lambda **parts: save_model(tmp_path_factory.mktemp("model"), **parts)
