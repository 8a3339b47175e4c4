"""Progress with rate and time left: a bar on a terminal, plain or JSON lines elsewhere."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

PLAIN_LINE_SECONDS = 5.0
_json_lines = False


def use_json_lines(enabled: bool) -> None:
    """Print progress as JSON lines, for programs that read it (`--json`)."""
    global _json_lines
    _json_lines = enabled


def say(text: str, **fields: object) -> None:
    """Print one line for people, or `fields` with it as one JSON line."""
    line = json.dumps({"message": text, **fields}, ensure_ascii=False) if _json_lines else text
    print(line, flush=True)


class Progress:
    """Counts units of one task and shows how fast they go and how long the rest takes.

    Outside a terminal it prints the first unit, the last, and one line at most every
    `PLAIN_LINE_SECONDS` (the variable AUDIOGEN_PROGRESS_SECONDS changes that; 0: every unit).
    """

    def __init__(self, task: str, total: int, unit: str, done: int = 0, shown: bool = True) -> None:
        self.task, self.total, self.unit = task, total, unit
        self.done = self._done_at_start = done
        self._shown = shown
        self._started = time.monotonic()
        self._last_line = -float("inf")
        self._seconds = float(os.environ.get("AUDIOGEN_PROGRESS_SECONDS", PLAIN_LINE_SECONDS))
        self._bar = _terminal_bar(task, total, done) if shown else None

    def __enter__(self) -> "Progress":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    @property
    def rate(self) -> float:
        """Units a second since the start of this run."""
        return (self.done - self._done_at_start) / max(time.monotonic() - self._started, 1e-9)

    @property
    def seconds_left(self) -> float:
        """Time to the end at the rate so far."""
        return (self.total - self.done) / max(self.rate, 1e-9)

    def advance(self, units: int = 1, **fields: float | str) -> None:
        """Count `units` as done; `fields` (a loss, a window) are shown beside them."""
        self.done += units
        if not self._shown:
            return
        if self._bar:
            text = "  ".join(f"{key} {_short(value)}" for key, value in fields.items())
            self._bar.update(self._bar.task_ids[0], completed=self.done, fields=text)
            return
        now = time.monotonic()
        if now - self._last_line >= self._seconds or self.done >= self.total:
            self._last_line = now
            self._print_line(fields)

    def _print_line(self, fields: dict[str, float | str]) -> None:
        if _json_lines:
            line = {"task": self.task, "done": self.done, "total": self.total, "unit": self.unit}
            line |= {"rate": round(self.rate, 3), "seconds_left": round(self.seconds_left, 1)}
            print(json.dumps(line | fields), flush=True)
            return
        extra = "".join(f", {key} {_short(value)}" for key, value in fields.items())
        print(
            f"{self.task}: {self.done}/{self.total} {self.unit}s, {self.rate:.3g} {self.unit}s/s, "
            f"{clock(self.seconds_left)} left{extra}",
            flush=True,
        )


@contextmanager
def progress(
    task: str, total: int, unit: str, *, done: int = 0, shown: bool = True
) -> Iterator[Progress]:
    """Show the progress of one task; `done` units were made by an earlier run."""
    with Progress(task, total, unit, done, shown) as shown_progress:
        yield shown_progress


def clock(seconds: float) -> str:
    """Write a duration as people read it: 7 s, 3:05, 2:00:00."""
    whole = int(round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _terminal_bar(task: str, total: int, done: int):  # noqa: ANN202 (rich is imported only here)
    if _json_lines or not sys.stdout.isatty():
        return None
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Bar(*columns, TimeRemainingColumn(), TextColumn("{task.fields[fields]}"))
    bar.add_task(task, total=total, completed=done, fields="")
    return bar
