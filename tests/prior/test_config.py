import pytest

from audiogen.config import validated
from audiogen.errors import UserError
from audiogen.prior.config import PriorConfig

PLAIN = {
    "level": 0,
    "hop_length": 8,
    "context_length": 24,
    "dim": 32,
    "num_layers": 3,
    "num_rows": 4,
}
PREFIX = {"mode": "prefix", "num_tokens": 10, "alphabet_size": 5}
ENCODER = {"mode": "encoder", "num_tokens": 32, "alphabet_size": 5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_length": 25}, "context_length 25 must be a multiple of num_rows 4"),
        (
            {"lyrics": PREFIX},
            "context_length 24 with 10 lyric tokens before it (34) must be a multiple of num_rows",
        ),
        ({"num_heads": 3}, "gives attention a width of 8, no multiple of num_heads 3"),
        ({"lyrics": ENCODER}, "lyrics.mode 'encoder' needs a layer that is 'cross'"),
        ({"layers": ["cross"]}, "a layer that is 'cross' needs lyrics.mode 'encoder'"),
        ({"layers": ["prefix"]}, "a layer that is 'prefix' needs lyrics.mode 'prefix'"),
        ({"layers": []}, "layers"),
        ({"layers": "row_colum"}, "layers"),
        ({"upper": {"num_steps": 4}}, "context_length 24 must be a multiple of 16"),
        ({"num_layer": 3}, "num_layer: no such setting; did you mean 'num_layers'?"),
    ],
)
def test_impossible_settings_are_one_sentence(changes, message):
    with pytest.raises(UserError) as error:
        validated(PriorConfig, PLAIN | changes, source="run.yaml")
    assert str(error.value).startswith("run.yaml: ")
    assert message in str(error.value)


def test_rows_are_no_concern_of_layers_that_see_everything():
    config = PriorConfig.model_validate(PLAIN | {"layers": ["dense"], "context_length": 25})
    assert config.patterns == ("dense",) * 3


def test_a_lyric_prefix_lengthens_the_grid():
    config = PriorConfig.model_validate(PLAIN | {"lyrics": PREFIX, "num_rows": 2})
    assert config.grid.length == 34
    assert config.grid.row_length == 17


def test_settings_survive_json():
    config = PriorConfig.model_validate(PLAIN | {"layers": ["row", "dense"], "lyrics": None})
    assert PriorConfig.model_validate(config.to_json()) == config
