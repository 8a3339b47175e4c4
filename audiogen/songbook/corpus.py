"""Render a corpus: planned tracks -> audio, truth and manifest, by several processes.

A track is finished when its truth file stands, which is written after its audio; so a corpus
that was interrupted goes on where it stopped, and the result is the same for any number of
workers.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from audiogen.data.audio_file import write_audio
from audiogen.data.manifest import Track, write_manifest
from audiogen.errors import Interrupted, UserError
from audiogen.files import read_json, sha256_of, write_json, write_text
from audiogen.interruption import StopRequest, stop_on_signals
from audiogen.progress import Progress, progress
from audiogen.songbook.arrangement import arrange
from audiogen.songbook.artists import ARTISTS, artist_named
from audiogen.songbook.form import FormName
from audiogen.songbook.genres import GENRES, genre_named
from audiogen.songbook.mixing import render
from audiogen.songbook.notation import SONG_FOLDER, read_songs
from audiogen.songbook.track_plan import TrackPlan, plan_tracks
from audiogen.songbook.track_record import compact_json, manifest_record, truth_record

FORMAT = 1
VALIDATION_SHARE = 0.12
HOURS_WITH_TESTS = 2.0
"""Corpora of so many hours or more hold test splits, unless told otherwise."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AudioSuffix = Literal[".flac", ".wav"]


@dataclass(frozen=True)
class TrackTask:
    """What a worker needs to make one track."""

    plan: TrackPlan
    folder: Path
    sample_rate: int
    suffix: AudioSuffix
    stems: bool


def make_corpus(
    output: Path,
    *,
    hours: float,
    seed: int = 0,
    workers: int | None = None,
    sample_rate: int = 22050,
    genres: Sequence[str] | None = None,
    artists: Sequence[str] | None = None,
    form: FormName = "full",
    validation_share: float = VALIDATION_SHARE,
    include_tests: bool | None = None,
    stems: bool = False,
    suffix: AudioSuffix = ".flac",
    songs: Path | None = None,
    resume: bool = False,
    shown: bool = True,
) -> Path:
    """Render about `hours` of songs and return the manifest's path.

    Args:
        output: folder of the corpus: audio/, truth/, stems/, corpus.json, manifest.jsonl.
        hours: planned length of all tracks together; the last track is made whole.
        seed: every choice follows from it.
        workers: processes; None: one a processor.
        sample_rate: of the audio written.
        genres: names; None: all eight.
        artists: names; None: all eight.
        form: "full", or "short": intro, verse, chorus, end.
        validation_share: of the seconds.
        include_tests: add the test splits (5 % each); None: from HOURS_WITH_TESTS hours on.
        stems: write the five stems of every track too.
        suffix: of the audio files.
        songs: folder of other song files; None: the songbook's own.
        resume: go on with what lies in `output`; it must have been made with these settings.
        shown: show progress.

    Raises:
        UserError: bad names or numbers, a folder that holds something else, or a worker that
            died.
        Interrupted: stopped by Ctrl-C or SIGTERM; finished tracks are kept.
    """
    _check_numbers(hours, validation_share, sample_rate, workers)
    tests = hours >= HOURS_WITH_TESTS if include_tests is None else include_tests
    plans = plan_tracks(
        read_songs(songs or SONG_FOLDER),
        [genre_named(name) for name in genres] if genres else GENRES,
        [artist_named(name) for name in artists] if artists else ARTISTS,
        hours=hours,
        seed=seed,
        form=form,
        validation_share=validation_share,
        include_tests=tests,
    )
    settings = {
        **{"hours": hours, "seed": seed, "sample_rate": sample_rate, "form": form},
        **{"validation_share": validation_share, "include_tests": tests},
        **{"stems": stems, "suffix": suffix},
        "genres": sorted({plan.genre.name for plan in plans}),
        "artists": sorted({plan.artist.name for plan in plans}),
        "tracks": [f"{plan.name}/{plan.split}" for plan in plans],
    }
    _claim_folder(output, settings, resume)
    tasks = [TrackTask(plan, output, sample_rate, suffix, stems) for plan in plans]
    _render_all(tasks, workers or os.cpu_count() or 1, shown)
    manifest = output / "manifest.jsonl"
    records = (read_json(_truth_path(task))["track"] for task in tasks)
    write_manifest(manifest, [Track.model_validate(record) for record in records])
    return manifest


def _check_numbers(
    hours: float, validation_share: float, sample_rate: int, workers: int | None
) -> None:
    if not 0 < hours < 10_000:
        raise UserError(f"hours: more than 0 and under 10000 (got {hours})")
    if not 0 <= validation_share <= 0.5:
        raise UserError(f"validation share: from 0 to 0.5 (got {validation_share})")
    if not 8000 <= sample_rate <= 96000:
        raise UserError(f"sample rate: from 8000 to 96000 (got {sample_rate})")
    if workers is not None and not 1 <= workers <= 256:
        raise UserError(f"workers: from 1 to 256 (got {workers})")


def _claim_folder(output: Path, settings: dict[str, Any], resume: bool) -> None:
    """Write the settings into a fresh folder, or compare them with those found there."""
    path = output / "corpus.json"
    settings = {"format": FORMAT} | settings
    if not path.exists():
        if output.exists() and any(output.iterdir()):
            raise UserError(f"{output}: holds other files; choose an empty or new folder")
        write_json(path, settings)
        return
    if not resume:
        raise UserError(f"{output}: already holds a corpus; add --resume to go on with it")
    found = read_json(path)
    different = [key for key, value in settings.items() if found.get(key) != value]
    if different:
        raise UserError(
            f"{output}: was made with other settings ({', '.join(different)} differ); "
            "use the same ones, or another folder"
        )


def _truth_path(task: TrackTask) -> Path:
    return task.folder / "truth" / f"{task.plan.name}.json"


def is_finished(task: TrackTask) -> bool:
    """Say whether a track's audio stands whole, as its truth says."""
    path = _truth_path(task)
    if not path.exists():
        return False
    record = read_json(path)["track"]
    audio = task.folder / record["path"]
    return audio.exists() and sha256_of(audio) == record["sha256"]


def make_track(task: TrackTask) -> None:
    """Arrange, render and write one track: stems, audio, and its truth last."""
    plan = task.plan
    score = arrange(
        plan.song,
        plan.genre,
        plan.artist,
        shift=plan.shift,
        tempo_factor=plan.tempo_factor,
        seed=plan.seed,
        form=plan.form,
    )
    rendering = render(score, task.sample_rate)
    write = partial(_write, task)
    stems = {}
    if task.stems:
        names = {name: f"stems/{plan.name}.{name}{task.suffix}" for name in rendering.stems}
        stems = {name: write(path, rendering.stems[name]) for name, path in names.items()}
    path = write(f"audio/{plan.name}{task.suffix}", rendering.mix)
    sha256 = sha256_of(task.folder / path)
    record = manifest_record(plan, score, rendering, task.sample_rate, path, sha256)
    truth = truth_record(plan, score, rendering, record, stems)
    write_text(_truth_path(task), compact_json(truth))


def _write(task: TrackTask, path: str, samples: Any) -> str:
    write_audio(task.folder / path, torch.from_numpy(samples)[None], task.sample_rate)
    return path


def _render_all(tasks: list[TrackTask], workers: int, shown: bool) -> None:
    finished = [is_finished(task) for task in tasks]
    left = [task for task, done in zip(tasks, finished, strict=True) if not done]
    if not left:
        return
    seconds = [round(task.plan.duration) for task in tasks]
    done = sum(length for length, is_done in zip(seconds, finished, strict=True) if is_done)
    with (
        progress(
            "songbook", sum(seconds), "audio second", done=done, shown=shown
        ) as shown_progress,
        stop_on_signals() as stop,
        _single_threaded_children(),
        ProcessPoolExecutor(
            min(workers, len(left)), multiprocessing.get_context("spawn"), _start_worker
        ) as pool,
    ):
        _feed(pool, left, workers, stop, shown_progress)
    if stop.requested:
        count = sum(is_finished(task) for task in tasks)
        if count < len(tasks):
            raise Interrupted(
                f"stopped: {count} of {len(tasks)} tracks are finished in {tasks[0].folder}; "
                "run the same command with --resume to go on"
            )


def _feed(
    pool: ProcessPoolExecutor,
    tasks: list[TrackTask],
    workers: int,
    stop: StopRequest,
    shown: Progress,
) -> None:
    """Keep every worker busy, with little queued, so that a stop takes effect soon."""
    waiting: Iterator[TrackTask] = iter(tasks)
    running: dict[Future[None], TrackTask] = {}
    while True:
        if stop.requested:
            # What has not started need not; what has is finished and kept.
            for future in running:
                future.cancel()
        else:
            for task in _up_to(waiting, workers + 1 - len(running)):
                with _interrupt_held_back():
                    running[pool.submit(make_track, task)] = task
        if not running:
            return
        # The timeout lets a signal be seen; it is no waiting for work.
        for future in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            if not future.cancelled():
                _raise_error(future)
                shown.advance(round(task.plan.duration), track=task.plan.name)


def _up_to(tasks: Iterator[TrackTask], count: int) -> Iterable[TrackTask]:
    return [task for _, task in zip(range(count), tasks, strict=False)]


def _raise_error(future: Future[None]) -> None:
    try:
        future.result()
    except BrokenProcessPool:
        raise UserError(
            "a worker process died, perhaps for lack of memory; run it again with --resume and "
            "fewer --workers"
        ) from None


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Let processes started in this block use one arithmetic thread each, for equal results."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Hold SIGINT back in this block; processes started in it never see one.

    Ctrl-C reaches every process of the terminal, also a worker that is still importing.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Work with one thread, and end with the parent."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
