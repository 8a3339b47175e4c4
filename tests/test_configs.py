"""Every config in configs/ is valid, and the released shapes have the released sizes."""

from pathlib import Path

import pytest
import torch

from audiogen.codec.model import Codec
from audiogen.config import load_settings
from audiogen.prior.model import Prior, PriorConfig
from audiogen.training.codec_task import CodecRun
from audiogen.training.prior_settings import PriorRun

CONFIGS = Path(__file__).parent.parent / "configs"
RUNS = sorted(p for p in CONFIGS.rglob("*.yaml") if p.parent.name != "accelerate")

RELEASED = {
    "upsampler_level_0": 981_298_176,
    "upsampler_level_1": 981_298_176,
    "prior_1b_lyrics": 942_643_200,
    "prior_5b": 5_060_452_800,
    "prior_5b_lyrics": 5_640_506_800,
}


@pytest.mark.parametrize("path", RUNS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_config_is_valid_and_says_what_it_trains(path):
    kind = CodecRun if "codec" in path.stem else PriorRun
    load_settings(kind, path)
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_the_released_codec_has_its_parameters():
    run = load_settings(CodecRun, CONFIGS / "jukebox" / "codec.yaml")
    with torch.device("meta"):
        codec = Codec(run.codec)
    trainable = [p for p in codec.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == 1_485_763
    assert run.codec.hop_lengths == (8, 32, 128)


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_prior_has_its_parameters(name):
    run = load_settings(PriorRun, CONFIGS / "jukebox" / f"{name}.yaml")
    config = PriorConfig.model_validate(run.prior.model_dump())
    with torch.device("meta"):
        prior = Prior(config)
    assert sum(p.numel() for p in prior.parameters()) == RELEASED[name]
