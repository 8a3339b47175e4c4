"""Ctrl-C and SIGTERM as a question that long work answers at its next safe point."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked this process to stop; long loops look at `requested`."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Ask to stop; asking a second time stops at once, saving nothing more."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM while the block runs, and restore the handlers after it."""
    stop = StopRequest()
    handled = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop.request) for number in handled}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
