import json
import shutil

import pytest
import torch

from audiogen.errors import UserError
from audiogen.model_folder import CODEC, ModelFolder


@pytest.fixture
def copy(model, tmp_path) -> ModelFolder:
    shutil.copytree(model.path, tmp_path / "model")
    return ModelFolder(tmp_path / "model")


def test_parts_are_named_in_the_order_of_the_flow(model):
    assert model.parts() == ["codec", "prior_2", "prior_1", "prior_0"]


def test_what_is_saved_is_what_is_loaded(copy):
    prior = copy.load_prior(1)
    copy.save_prior(prior, {"steps": 7})
    again = copy.load_prior(1)
    assert again.config == prior.config
    for name, value in prior.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    assert copy.provenance("prior_1")["steps"] == 7


def test_nothing_stays_without_values_and_the_parts_work(model):
    for part in (model.load_codec(), model.load_prior(2), model.load_prior(0)):
        values = [*part.parameters(), *part.buffers()]
        assert not any(value.is_meta for value in values)
        assert not part.training


def test_the_codec_hash_follows_weights_and_settings(copy):
    before = copy.codec_hash()
    codec = copy.load_codec()
    assert copy.codec_hash() == before
    state = codec.state_dict()
    first = next(name for name in state if name.endswith("weight"))
    copy.save_codec(codec, {}, state | {first: state[first] + 1})
    assert copy.codec_hash() != before


def test_a_folder_that_is_none_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        ModelFolder(tmp_path / "none").load_codec()


def test_a_missing_part_is_named_with_its_cure(copy):
    shutil.rmtree(copy.path / "prior_1")
    with pytest.raises(UserError, match=r"has no prior_1 .*train prior CONFIG --level 1"):
        copy.load_prior(1)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_noticed(copy, share):
    path = copy.path / "codec" / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match="truncated or altered"):
        copy.load_codec()


def test_an_altered_weight_is_noticed(copy):
    path = copy.path / CODEC / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="truncated or altered"):
        copy.load_codec()


def test_an_altered_config_is_noticed(copy):
    path = copy.path / CODEC / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sample_rate": 1}))
    with pytest.raises(UserError, match="altered since the training"):
        copy.load_codec()


def test_a_newer_format_is_refused(copy):
    path = copy.path / "audiogen.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(UserError, match="newer audiogen"):
        copy.load_codec()


def test_a_model_without_vocabulary_says_when_it_is_written(copy):
    (copy.path / "vocabulary.json").unlink()
    with pytest.raises(UserError, match="when a prior is trained"):
        copy.load_vocabulary()
