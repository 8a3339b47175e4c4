import pytest
import torch

import audiogen
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder


def test_a_folder_loads_encodes_and_decodes(model):
    loaded = audiogen.Model.from_pretrained(model.path)
    codes = loaded.encode(torch.randn(2, 1, 160) * 0.1)
    assert [tuple(level.shape) for level in codes] == [(2, 80), (2, 40), (2, 10)]
    assert loaded.decode(codes, level=1).shape == (2, 1, 160)


def test_a_seed_sings_the_same_codes_in_memory_and_in_a_folder(model, tmp_path):
    loaded = audiogen.Model.from_pretrained(str(model.path))
    request = {"lyrics": "la la", "genre": "blues", "seconds": 0.2, "seed": 7}
    first = loaded.sample(**request)
    second = loaded.sample(output=tmp_path / "song", **request)
    assert first.waveform.shape == (1, 1, 200)
    for level in range(3):
        assert first.codes[level].tolist() == second.codes[level].tolist()
    assert (tmp_path / "song" / "index.html").exists()


def test_a_saved_copy_is_the_model_without_its_training(model, tmp_path):
    (model.path / "training").mkdir(exist_ok=True)
    audiogen.Model.from_pretrained(model.path).save_pretrained(tmp_path / "copy")
    copy = ModelFolder(tmp_path / "copy")
    assert copy.model_hash() == model.model_hash()
    assert not (tmp_path / "copy" / "training").exists()
    with pytest.raises(UserError, match="exists already"):
        audiogen.Model.from_pretrained(model.path).save_pretrained(tmp_path / "copy")


def test_a_wrong_request_is_one_sentence(model):
    with pytest.raises(UserError, match="did you mean 'lyrics'"):
        audiogen.Model.from_pretrained(model.path).sample(lyric="la")


def test_a_path_that_is_nothing_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        audiogen.Model.from_pretrained(tmp_path / "none")
