"""What a scan found, in numbers and sentences."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiogen.data.manifest import Track
from audiogen.data.splits import same_recordings

SHOWN_NAMES = 12


@dataclass(frozen=True)
class ScanReport:
    """The usable tracks and the files that are not, with the reason for each."""

    output: Path
    tracks: tuple[Track, ...]
    problems: tuple[tuple[str, str], ...]  # (path relative to the scanned folder, reason)

    @property
    def num_songs(self) -> int:
        """Distinct recordings; copies of one in several formats count once."""
        return len(same_recordings(self.tracks))

    @property
    def hours(self) -> float:
        """Length of all usable tracks together."""
        return sum(track.duration for track in self.tracks) / 3600

    def text(self) -> str:
        """Return the report as lines for people."""
        with_lyrics = [track for track in self.tracks if track.lyrics or track.words]
        timed = sum(bool(track.words) for track in with_lyrics)
        sung = sum(track.duration for track in with_lyrics) / 3600
        lines = [
            f"{self.output}: {_many(len(self.tracks), 'track')} of "
            f"{_many(self.num_songs, 'song')}, {_length(self.hours)}",
            f"genres: {_names(genre for track in self.tracks for genre in track.genre)}",
            f"artists: {_names(track.artist for track in self.tracks if track.artist)}",
            f"lyrics: {len(with_lyrics)} of {_many(len(self.tracks), 'track')} "
            f"({sung / max(self.hours, 1e-9):.0%} of the time), {timed} with word times",
        ]
        unassigned = sum(not track.split for track in self.tracks)
        if 0 < unassigned < len(self.tracks):
            lines.append(
                f"splits: {_many(unassigned, 'track')} without a split, while others name one, "
                "will not be used"
            )
        return "\n".join([*lines, self.problem_lines()])

    def problem_lines(self) -> str:
        """Return the number of problems and one line for each."""
        lines = [f"  {path}: {reason}" for path, reason in self.problems]
        return "\n".join([f"problems: {len(self.problems) or 'none'}", *lines])


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _length(hours: float) -> str:
    return f"{hours:.2f} hours" if hours >= 0.1 else f"{hours * 3600:.1f} seconds"


def _names(values: Iterable[str]) -> str:
    counts = Counter(values).most_common()
    shown = ", ".join(f"{name} ({count})" for name, count in counts[:SHOWN_NAMES])
    rest = f" and {len(counts) - SHOWN_NAMES} more" if len(counts) > SHOWN_NAMES else ""
    return f"{len(counts)}: {shown}{rest}" if counts else "none"
