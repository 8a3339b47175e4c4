from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, PositiveInt

from audiogen.config import Settings, load_settings, nearest
from audiogen.errors import UserError


class Codec(Settings):
    codebook_size: PositiveInt = 2048
    learning_rate: float = Field(3e-4, gt=0)
    mode: Literal["row", "column"] = "row"
    reverse: bool = True
    strides: tuple[int, ...] = (8, 4)


class Run(Settings):
    codec: Codec = Codec()
    name: str | None = None


def load(tmp_path: Path, text: str, *changes: str) -> Run:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return load_settings(Run, path, changes)


def test_a_file_holds_what_differs_and_set_changes_more(tmp_path):
    run = load(tmp_path, "codec:\n  codebook_size: 512\n", "codec.mode=column", "name=x")
    assert run == Run(codec=Codec(codebook_size=512, mode="column"), name="x")


def test_a_number_that_yaml_reads_as_text_is_mended(tmp_path):
    assert load(tmp_path, "codec:\n  learning_rate: 1e-4\n").codec.learning_rate == 1e-4


@pytest.mark.parametrize("key", ["codebook_size", "learning_rate", "strides", "mode"])
def test_a_boolean_is_no_number_and_no_word(tmp_path, key):
    with pytest.raises(UserError, match=f"codec.{key}"):
        load(tmp_path, f"codec:\n  {key}: no\n")


def test_a_boolean_setting_takes_a_boolean(tmp_path):
    assert load(tmp_path, "codec:\n  reverse: no\n").codec.reverse is False


def test_an_unknown_key_names_the_nearest_known_one(tmp_path):
    with pytest.raises(UserError) as error:
        load(tmp_path, "codec:\n  codebok_size: 4\n")
    path = tmp_path / "run.yaml"
    assert (
        str(error.value)
        == f"{path}: codec.codebok_size: no such setting; did you mean 'codebook_size'?"
    )


def test_every_wrong_value_has_its_line(tmp_path):
    with pytest.raises(UserError) as error:
        load(tmp_path, "codec:\n  codebook_size: -1\n  learning_rate: fast\n")
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("codec.codebook_size: input should be greater than 0 (got -1)")
    assert "codec.learning_rate" in lines[1] and "'fast'" in lines[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("- 1\n", "holds no settings"), ("a: [1\n", "not YAML"), ("", "holds no settings")],
)
def test_a_file_without_settings_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence):
        load(tmp_path, text)


@pytest.mark.parametrize("change", ["codec.mode", "=3", "codec.mode.deep=3"])
def test_a_change_that_is_no_assignment_is_refused(tmp_path, change):
    with pytest.raises(UserError, match="--set"):
        load(tmp_path, "codec:\n  mode: row\n", change)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no such config file"):
        load_settings(Run, tmp_path / "none.yaml")


def test_the_digest_follows_the_values():
    assert Run().digest() == Run().digest() != Run(name="x").digest()


def test_a_changed_copy_is_validated():
    with pytest.raises(ValueError, match="greater than 0"):
        Codec().changed(codebook_size=0)


def test_nearest_says_nothing_where_nothing_is_near():
    assert nearest("xyz", ["blues"]) == ""
