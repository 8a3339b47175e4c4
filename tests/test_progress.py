import json

import pytest

from audiogen import progress as module
from audiogen.progress import clock, progress, say


@pytest.fixture(autouse=True)
def every_unit(monkeypatch):
    monkeypatch.setenv("AUDIOGEN_PROGRESS_SECONDS", "0")
    yield
    module.use_json_lines(False)


def test_plain_lines_say_how_far_how_fast_and_how_long(capsys):
    with progress("train codec", 2, "step") as shown:
        shown.advance(loss=0.5)
        shown.advance(loss=0.25)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("train codec: 1/2 steps, ") and first.endswith("left, loss 0.5")
    assert last.startswith("train codec: 2/2 steps, ")


def test_json_lines_are_for_programs(capsys):
    module.use_json_lines(True)
    with progress("encode", 4, "track", done=3) as shown:
        shown.advance()
    say("finished", songs=4)
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["done"], first["total"], first["unit"]) == (4, 4, "track")
    assert last == {"message": "finished", "songs": 4}


def test_the_rate_counts_this_run_only():
    with progress("encode", 10, "track", done=9, shown=False) as shown:
        assert shown.rate == 0
        shown.advance()
        assert shown.rate > 0 and shown.seconds_left == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59, "59 s"), (185, "3:05"), (7200, "2:00:00")]
)
def test_clock_writes_durations_as_people_read_them(seconds, text):
    assert clock(seconds) == text
