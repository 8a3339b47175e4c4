"""What a training leaves to read: log.jsonl in the training folder, and the tracker's run."""

import json
from pathlib import Path
from typing import Any

from audiogen import files
from audiogen.training.tracking import Tracker, TrackerName, open_tracker


class Records:
    """Metrics and previews of the main process; in other processes it keeps nothing.

    Args:
        folder: the part's training folder, `model/training/<part>`.
        choice: which tracker receives them too.
        config: resolved settings of the run, for the tracker.
        step: where the run begins; what was logged after it is forgotten, it happens again.
        kept: whether this is the main process.
    """

    def __init__(
        self, folder: Path, choice: TrackerName, config: dict[str, Any], step: int, *, kept: bool
    ) -> None:
        self._path = folder / "log.jsonl"
        self._kept = kept
        name = f"{folder.parent.parent.name}-{folder.name}"
        self._tracker = (
            open_tracker(choice, folder, name=name, config=config) if kept else Tracker()
        )
        if kept and self._path.exists():
            lines = self._path.read_text(encoding="utf-8").splitlines()
            earlier = [line for line in lines if _step_of(line) <= step]
            files.write_text(self._path, "".join(f"{line}\n" for line in earlier))

    def metrics(self, metrics: dict[str, float], step: int) -> None:
        """Record metrics, named `group/name`, of one step."""
        if not self._kept:
            return
        self._tracker.log(metrics, step)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step} | metrics) + "\n")

    def audio(self, name: str, path: Path, step: int) -> None:
        """Record the sound of a WAV file."""
        self._tracker.audio(name, path, step)

    def close(self) -> None:
        """Write out what is left."""
        self._tracker.close()


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError):
        # The last line of a run that was killed while writing it.
        return float("inf")
