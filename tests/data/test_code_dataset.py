import numpy as np
import pytest
import torch

from audiogen.data.code_dataset import CodeDataset
from audiogen.data.code_store import CodeStore, CodeStoreWriter
from audiogen.data.manifest import Track
from audiogen.errors import UserError


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store whose codes tell their place: code = frame of the level, plus 1000 a track."""
    folder = tmp_path_factory.mktemp("store") / "codes"
    lengths = {"a.wav": ("train", 40), "b.wav": ("validation", 30), "c.wav": ("train", 5)}
    settings = {"sample_rate": 8000, "hop_lengths": (2, 8, 16), "codebook_sizes": (4000,) * 3}
    with CodeStoreWriter(folder, codec_hash="abc", **settings) as writer:
        for number, (path, (split, frames)) in enumerate(lengths.items()):
            facts = {"duration": 1.0, "sample_rate": 8000, "channels": 1}
            codes = [np.arange(frames * ratio) + 1000 * number for ratio in (8, 2, 1)]
            writer.append(Track(path=path, split=split, **facts), codes)
    return CodeStore.open(folder, "abc")


def test_upper_codes_cover_the_same_stretch_of_sound(store):
    dataset = CodeDataset(store, "train", level=0, context_length=32, seed=0, has_upper=True)
    assert len(dataset) == 10 + 2
    for item in range(60):
        clip = dataset[item]
        assert clip["start"] % 4 == 0
        base = 1000 * clip["track"]
        frames = torch.arange(clip["start"], clip["start"] + 32)
        assert torch.equal(clip["codes"], base + frames)
        upper = torch.arange(clip["start"] // 4, clip["start"] // 4 + 8)
        assert torch.equal(clip["upper_codes"], base + upper)
        assert clip["codes"].dtype == clip["upper_codes"].dtype == torch.int64


def test_without_upper_codes_any_start_may_be_drawn(store):
    dataset = CodeDataset(store, "train", level=2, context_length=16, seed=0, has_upper=False)
    clips = [dataset[item] for item in range(200)]
    assert all("upper_codes" not in clip and clip["track"] == 0 for clip in clips)
    assert {clip["start"] for clip in clips} == set(range(25))


def test_a_split_gives_only_its_own_tracks(store):
    dataset = CodeDataset(store, "validation", 1, context_length=10, seed=0, has_upper=True)
    assert {dataset[item]["track"] for item in range(30)} == {1}
    clips = dataset.evenly(3)
    assert [clip["start"] for clip in clips] == sorted({clip["start"] for clip in clips})
    assert dataset.num_samples(1) == 30 * 16
    assert dataset.num_samples(0) == 40 * 16


def test_what_cannot_be_planned_is_one_sentence(store):
    def message(*arguments, **options):
        with pytest.raises(UserError) as error:
            CodeDataset(store, *arguments, seed=0, **options)
        return str(error.value)

    assert "no track in split 'test'; it has 'train', 'validation'" in message(
        "test", 0, 32, has_upper=False
    )
    assert "a clip takes 500 frames of level 0, the longest of 3 tracks has 320" in message(
        "train", 0, 500, has_upper=False
    )
    assert "level 2 is the top level" in message("train", 2, 8, has_upper=True)
    assert "context_length 30 is no multiple of 4, the frames of level 0" in message(
        "train", 0, 30, has_upper=True
    )
