"""The order, reuse and interruption of the tour; its stages are replaced by small ones."""

import pytest

from audiogen import demo
from audiogen.demo import Stage, run_demo
from audiogen.errors import Interrupted, UserError


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """Replace the stages by three that write a file each; return the names of those that ran."""
    made: list[str] = []

    def stage(name: str) -> Stage:
        def run(tour):
            made.append(name)
            tour.folder.mkdir(exist_ok=True)
            (tour.folder / name).write_text(name)

        return Stage(name, lambda tour: tour.folder / name, run)

    monkeypatch.setattr(demo, "STAGES", tuple(map(stage, ("one", "two", "three"))))
    return made


def test_a_second_run_reuses_everything_and_says_so(calls, tmp_path, capsys):
    run_demo(tmp_path / "demo")
    run_demo(tmp_path / "demo")
    assert calls == ["one", "two", "three"]
    assert capsys.readouterr().out.count("reused") == 3


def test_what_was_removed_is_made_again(calls, tmp_path):
    run_demo(tmp_path / "demo")
    (tmp_path / "demo" / "two").unlink()
    run_demo(tmp_path / "demo")
    assert calls == ["one", "two", "three", "two"]


def test_an_interrupted_run_says_how_to_go_on_and_does(calls, tmp_path, monkeypatch):
    first, second, third = demo.STAGES

    def stop(_tour):
        raise Interrupted("saved")

    interrupted = Stage(second.name, second.output, stop)
    monkeypatch.setattr(demo, "STAGES", (first, interrupted, third))
    with pytest.raises(Interrupted, match="stopped in 'two', all saved; the same command goes on"):
        run_demo(tmp_path / "demo")
    monkeypatch.setattr(demo, "STAGES", (first, second, third))
    run_demo(tmp_path / "demo")
    assert calls == ["one", "two", "three"]


def test_the_last_lines_say_what_was_made_and_what_to_try(calls, tmp_path, capsys):
    run_demo(tmp_path / "demo")
    said = capsys.readouterr().out
    assert "index.html" in said and "audiogen sample" in said and "audiogen scan" in said


def test_a_checkout_without_configs_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "CONFIGS", tmp_path)
    with pytest.raises(UserError, match="configs of a source checkout"):
        demo.STAGES[1].run(demo.Tour(tmp_path))
