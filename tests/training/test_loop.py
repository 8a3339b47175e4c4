import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

from audiogen.errors import Interrupted, UserError
from audiogen.training.begin import RunFacts, find_beginning
from audiogen.training.checkpoint import checkpoints, load_newest
from audiogen.training.loop import NotFiniteError
from audiogen.training.setup import TrainingConfig
from audiogen.training.task import TrainOptions

# Tests are imported by path, so that equal file names do not clash; the toy lies beside them.
_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = sys.modules.setdefault("toy", importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(toy)

RESUME = TrainOptions(resume=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model" / "training" / "codec"


def state_of(folder):
    checkpoint, warnings = load_newest(folder)
    assert warnings == []
    return checkpoint


def assert_equal_states(one, other):
    assert one.step == other.step
    for name in ("model", "averaged"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)
    torch.testing.assert_close(one.optimizer["state"], other.optimizer["state"], rtol=0, atol=0)


def interrupted_at(step):
    task = toy.ToyTask()
    task.interrupt = step
    return task


def test_two_and_two_steps_equal_four_bit_for_bit(folder, tmp_path):
    run = toy.toy_run()
    whole = tmp_path / "whole" / "training" / "codec"
    assert toy.toy_loop(whole, run).run()

    with pytest.raises(Interrupted):
        toy.toy_loop(folder, run, task=interrupted_at(0)).run()
    assert state_of(folder).step == 2
    # A task of another seed: everything must come from the checkpoint.
    task = toy.ToyTask(seed=5)
    assert toy.toy_loop(folder, run, RESUME, task).run()

    assert_equal_states(state_of(folder), state_of(whole))
    assert task.started == 0


def test_training_learns(folder):
    run = toy.toy_run(steps=200, learning_rate=0.05, save_every=200)
    loop = toy.toy_loop(folder, run)
    before = loop.task.model(torch.ones(1, 4)).item()
    loop.run()
    assert loop.averaged.module(torch.ones(1, 4)).item() < before / 100


def test_micro_batches_make_the_same_step(folder, tmp_path):
    toy.toy_loop(folder, toy.toy_run()).run()
    other = tmp_path / "other" / "training" / "codec"
    toy.toy_loop(other, toy.toy_run(accumulation=4)).run()
    # Sums in another order.
    torch.testing.assert_close(state_of(folder).averaged, state_of(other).averaged)


def test_a_stop_request_saves_and_says_how_to_go_on(folder):
    task = interrupted_at(0)
    with pytest.raises(Interrupted, match="stopped at step 2 of 4, all saved.*--resume"):
        toy.toy_loop(folder, toy.toy_run(save_every=100), task=task).run()
    # The signal came while step 1 ended; step 2 saw it.
    assert state_of(folder).step == 2
    assert [facts["finished"] for facts in task.saved] == [False]


def test_a_stop_request_in_the_last_step_lets_the_training_finish(folder):
    task = interrupted_at(2)
    assert toy.toy_loop(folder, toy.toy_run(), task=task).run()
    assert task.saved[-1]["finished"]


def test_the_time_limit_saves_and_returns(folder, capsys):
    loop = toy.toy_loop(folder, toy.toy_run(), TrainOptions(max_minutes=0.0))
    assert not loop.run()
    assert state_of(folder).step == 1
    assert "the time is up at step 1 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_loss_that_is_not_finite_stops_before_the_weights_move(folder, accumulation):
    run = toy.toy_run(save_every=100, accumulation=accumulation)
    task = toy.ToyTask()
    task.dataset = toy.PoisonedClips(item=9)  # of step 2
    with pytest.raises(NotFiniteError, match="codec: the loss at step 2 is nan; stopped before"):
        toy.toy_loop(folder, run, task=task).run()
    saved = state_of(folder)
    assert saved.step == 2
    assert all(value.isfinite().all() for value in saved.model.values())
    torch.testing.assert_close(dict(task.model.state_dict()), saved.model, rtol=0, atol=0)
    assert task.saved == []

    clean = folder.parents[2] / "clean" / "training" / "codec"
    with pytest.raises(Interrupted):
        toy.toy_loop(clean, run, task=interrupted_at(0)).run()
    assert_equal_states(saved, state_of(clean))


def test_a_gradient_that_is_not_finite_stops_too(folder):
    task = toy.ToyTask()
    plain = task.forward

    def forward(model, batch):
        output = plain(model, batch)
        # The slope of a square root at zero is infinite, its value is not.
        output.loss = (
            output.loss + (model.layer.bias - model.layer.bias.detach()).abs().sum().sqrt()
        )
        return output

    task.forward = forward
    with pytest.raises(NotFiniteError, match="codec: the length of the gradient at step 0 is nan"):
        toy.toy_loop(folder, toy.toy_run(), task=task).run()
    assert state_of(folder).step == 0


def test_checkpoints_rotate_and_the_log_names_its_metrics(folder):
    toy.toy_loop(folder, toy.toy_run(steps=6, log_every=2, validate_every=3)).run()
    assert [path.name for path in checkpoints(folder)] == ["checkpoint-4", "checkpoint-6"]
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3, 4, 6, 6]
    assert lines[0].keys() >= {"codec/loss", "codec/codebook", "train/grad_norm"}
    assert lines[0].keys() >= {"train/learning_rate", "speed/codes_per_second"}
    assert lines[1].keys() == lines[-1].keys() == {"step", "validation/loss"}
    assert json.loads((folder / "validation.json").read_text()).keys() == {"validation/loss"}


def test_a_resume_forgets_what_was_logged_after_its_checkpoint(folder):
    run = toy.toy_run(log_every=1)
    with pytest.raises(Interrupted):
        toy.toy_loop(folder, run, task=interrupted_at(0)).run()
    log = folder / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 3, "codec/loss": 1.0}\n{"step": 4, "cod')
    toy.toy_loop(folder, run, RESUME).run()
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 4]


def test_the_model_folder_receives_the_averaged_weights_at_every_save(folder):
    task = toy.ToyTask()
    toy.toy_loop(folder, toy.toy_run(), task=task).run()
    assert [(facts["steps"], facts["finished"]) for facts in task.saved] == [
        (2, False),
        (4, False),
        (4, True),
    ]
    assert task.saved[-1]["validation"].keys() == {"validation/loss"}


def test_a_folder_with_a_training_is_not_overwritten(folder):
    run = toy.toy_run()
    toy.toy_loop(folder, run).run()
    with pytest.raises(UserError, match="already holds a training of codec; go on with --resume"):
        toy.toy_loop(folder, run)
    with pytest.raises(UserError, match="already holds a training"):
        toy.toy_loop(folder.parent / "prior_2", run, provenance={"steps": 9})


def test_a_resume_refuses_other_settings_and_other_data_by_name(folder):
    toy.toy_loop(folder, toy.toy_run()).run()
    with pytest.raises(UserError, match="training.learning_rate: 0.0003 then, 0.1 now"):
        toy.toy_loop(folder, toy.toy_run(learning_rate=0.1), RESUME)
    with pytest.raises(UserError, match="other data"):
        find_beginning(folder, RunFacts.of(toy.toy_run(), "others"), None, resume=True)


def test_a_finished_training_is_recognized(folder):
    run = toy.toy_run()
    toy.toy_loop(folder, run).run()
    facts = RunFacts.of(run, "toy")
    done = {"finished": True, "run": facts.digest}
    assert find_beginning(folder, facts, done, resume=True).finished
    assert not find_beginning(folder, facts, {"finished": False}, resume=True).finished
    # The training folder may be deleted.
    gone = folder.parent / "gone"
    assert find_beginning(gone, facts, done, resume=True).finished
    with pytest.raises(UserError, match="gone was finished with other settings"):
        find_beginning(gone, facts, done | {"run": "other"}, resume=True)
    with pytest.raises(UserError, match="state of an unfinished training is gone"):
        find_beginning(gone, facts, {"finished": False}, resume=True)


def test_nothing_to_resume_starts_anew_and_says_so(folder):
    beginning = find_beginning(folder, RunFacts.of(toy.toy_run(), "toy"), None, resume=True)
    assert beginning.checkpoint is None
    assert beginning.remarks == (f"codec: nothing to resume in {folder}; starting anew",)


def test_workers_read_the_same_clips(folder, tmp_path):
    toy.toy_loop(folder, toy.toy_run()).run()
    other = tmp_path / "other" / "training" / "codec"
    toy.toy_loop(other, toy.toy_run(num_workers=1)).run()
    assert_equal_states(state_of(folder), state_of(other))


def test_bfloat16_on_a_cpu_is_taken_where_it_is_asked_for(folder):
    loop = toy.toy_loop(folder, toy.toy_run(mixed_precision="bf16"))
    with loop.accelerator.autocast():
        assert loop.task.model.layer(torch.ones(1, 4)).dtype == torch.bfloat16
    loop.run()
    assert state_of(folder).model["layer.weight"].dtype == torch.float32


def test_yaml_no_is_no_precision():
    with pytest.raises(ValueError, match="true or false is no value here"):
        TrainingConfig(steps=1, batch_size=1, mixed_precision=False)
