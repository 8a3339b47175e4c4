import errno

import pytest
import safetensors.torch
import torch
from torch import nn

from audiogen.errors import UserError
from audiogen.training import checkpoint as module
from audiogen.training.checkpoint import Checkpoint, checkpoints, load_newest, save_checkpoint


def some_state(step):
    torch.manual_seed(step)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(
        [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0.0}], fused=True
    )
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    run = {"config": {"training": {"steps": 9}}, "data": "d", "digest": "c"}
    state = module.tensors_of(model)
    return Checkpoint(step, state, state, optimizer.state_dict(), run), model, optimizer


def test_everything_comes_back_bit_for_bit(tmp_path):
    saved, model, optimizer = some_state(3)
    save_checkpoint(tmp_path, saved, keep=2)
    loaded, warnings = load_newest(tmp_path)
    assert warnings == []
    assert (loaded.step, loaded.run) == (3, saved.run)
    torch.testing.assert_close(loaded.model, saved.model, rtol=0, atol=0)
    assert loaded.optimizer["param_groups"] == saved.optimizer["param_groups"]

    other = torch.optim.AdamW(
        [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0.0}], fused=True
    )
    other.load_state_dict(loaded.optimizer)
    torch.testing.assert_close(
        other.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0
    )


def test_the_last_ones_are_kept(tmp_path):
    for step in (2, 4, 100):
        save_checkpoint(tmp_path, some_state(step)[0], keep=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-4", "checkpoint-100"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.json", "hashes.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_newest_checkpoint_is_passed_over_in_one_sentence(tmp_path, name, damage):
    for step in (2, 4):
        save_checkpoint(tmp_path, some_state(step)[0], keep=2)
    victim = tmp_path / "checkpoint-4" / name
    content = victim.read_bytes()
    if damage == "delete":
        victim.unlink()
    elif damage == "truncate":
        victim.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        flipped = bytes([content[middle] ^ 1])
        victim.write_bytes(content[:middle] + flipped + content[middle + 1 :])

    loaded, warnings = load_newest(tmp_path)
    assert loaded.step == 2
    assert len(warnings) == 1
    assert "checkpoint-4: damaged (" in warnings[0]
    assert name in warnings[0] or name == "hashes.json"


def test_only_damaged_checkpoints_are_an_error(tmp_path):
    save_checkpoint(tmp_path, some_state(2)[0], keep=2)
    (tmp_path / "checkpoint-2" / "state.json").unlink()
    with pytest.raises(UserError, match="every checkpoint is damaged"):
        load_newest(tmp_path)


def test_no_checkpoint_is_no_error(tmp_path):
    assert load_newest(tmp_path / "absent") == (None, [])


def test_saving_a_damaged_step_again_replaces_it(tmp_path):
    save_checkpoint(tmp_path, some_state(2)[0], keep=2)
    (tmp_path / "checkpoint-2" / "state.json").unlink()
    save_checkpoint(tmp_path, some_state(2)[0], keep=2)
    assert load_newest(tmp_path)[0].step == 2


def test_a_full_disk_is_one_sentence_and_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, some_state(2)[0], keep=1)

    def fail(*_):
        raise safetensors.SafetensorError(
            f"Error while serializing: I/O error: No space left on device (os error {errno.ENOSPC})"
        )

    monkeypatch.setattr(safetensors.torch, "save_file", fail)
    with pytest.raises(UserError, match="the disk is full"):
        save_checkpoint(tmp_path, some_state(4)[0], keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
    assert load_newest(tmp_path)[0].step == 2


def test_checkpoints_hold_no_pickle(tmp_path):
    path = save_checkpoint(tmp_path, some_state(2)[0], keep=1)
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}
