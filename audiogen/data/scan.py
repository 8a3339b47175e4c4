"""From a folder of audio to a manifest, with a report of what is there and what is wrong."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path

from audiogen.data.audio_file import loudness_dbfs, probe
from audiogen.data.manifest import Track, write_manifest
from audiogen.data.scan_report import ScanReport
from audiogen.data.sidecars import track_of
from audiogen.errors import Interrupted, UserError
from audiogen.interruption import stop_on_signals
from audiogen.progress import progress

AUDIO_SUFFIXES = frozenset(
    {
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".mp3",
        ".opus",
        ".m4a",
        ".aac",
        ".mp4",
        ".aif",
        ".aiff",
    }
)
SILENCE_DBFS = -60.0
"""A file whose RMS over its whole length is below this is silent."""


def scan_folder(folder: Path, output: Path, min_seconds: float = 1.0) -> ScanReport:
    """Find all audio under `folder`, check it by decoding it, and write the manifest `output`.

    Paths in the manifest are relative to the folder of `output`. A file that cannot be used is
    listed in the report, and the scan goes on.

    Raises:
        UserError: no such folder, or nothing in it is usable.
        Interrupted: asked to stop; no manifest was written.
    """
    folder, output = Path(folder), Path(output)
    if not min_seconds >= 0:
        raise UserError(f"--min-seconds {min_seconds}: expected zero or more seconds")
    files = list(_audio_files(folder))
    report = _scan(files, folder, output, min_seconds)
    if not report.tracks:
        raise UserError(
            f"{folder}: no usable audio in {len(files)} files\n{report.problem_lines()}"
        )
    write_manifest(output, report.tracks)
    return report


@dataclass
class _Findings:
    tracks: list[Track] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)


def _scan(files: list[Path], folder: Path, output: Path, min_seconds: float) -> ScanReport:
    base = output.resolve().parent
    found = _Findings()
    with stop_on_signals() as stop, progress("scan", len(files), "file") as shown:
        for number, file in enumerate(files):
            if stop.requested:
                raise Interrupted(
                    f"scan stopped after {number} of {len(files)} files; {output} was not written: "
                    "run the same command again"
                )
            _add(found, file, base, min_seconds)
            shown.advance()
    problems = [(os.path.relpath(path, folder), reason) for path, reason in found.problems]
    return ScanReport(output, tuple(found.tracks), tuple(problems))


def _add(found: _Findings, file: Path, base: Path, min_seconds: float) -> None:
    try:
        info = probe(file)
        if info.num_samples == 0:
            raise UserError("it holds no sound: zero samples")
        if info.duration < min_seconds:
            raise UserError(
                f"too short: {info.duration:.3g} s, below {min_seconds:g} s (--min-seconds)"
            )
        loudness = loudness_dbfs(file)
        if loudness < SILENCE_DBFS:
            level = "no signal at all" if isinf(loudness) else f"{loudness:.0f} dBFS"
            raise UserError(f"silent: {level} over the whole file")
        name = Path(os.path.relpath(file.resolve(), base)).as_posix()
        track, problems = track_of(file, name, info)
    except (UserError, OSError) as error:
        found.problems.append((file, str(error).removeprefix(f"{file}: ")))
        return
    found.tracks.append(track)
    found.problems += problems


def _audio_files(folder: Path) -> Iterator[Path]:
    """Yield audio files in sorted order; hidden files are what systems leave behind."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
                count += 1
                yield Path(place) / name
    if count == 0:
        known = " ".join(sorted(AUDIO_SUFFIXES))
        raise UserError(f"{folder}: holds no audio files ({known})")
