"""The tour: a songbook is made, a small model is trained on it, and it sings.

Every stage leaves its result in the output folder, so an interrupted tour goes on where it was,
and a finished one is reused.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audiogen import files
from audiogen.config import load_settings
from audiogen.encoding import encode_collection
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder
from audiogen.progress import clock, say
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song import sample_song
from audiogen.songbook.corpus import make_corpus
from audiogen.training.codec_task import CodecRun, train_codec
from audiogen.training.prior_task import PriorRun, train_prior
from audiogen.training.task import TrainOptions

CONFIGS = Path(__file__).parent.parent / "configs" / "tiny"

HOURS = 0.5
SAMPLE_RATE = 22050
SEED = 1

LYRICS = "Twinkle, twinkle, little star,\nhow I wonder what you are!"
GENRE = "folk"
ARTIST = "Rowan Vale"
SECONDS = 8.0


@dataclass
class Tour:
    """The folder of one tour and the time that each stage took, over all its runs."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def manifest(self) -> Path:
        """The songbook's list of tracks."""
        return self.folder / "songbook" / "manifest.jsonl"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.folder / "model"

    @property
    def codes(self) -> Path:
        """The code store."""
        return self.folder / "codes"

    @property
    def song(self) -> Path:
        """The song folder."""
        return self.folder / "songs" / "first"

    @property
    def times_path(self) -> Path:
        """Where the stages' times are kept."""
        return self.folder / "times.json"


def run_demo(folder: Path) -> None:
    """Make everything that `folder` does not hold yet, and say what lies there.

    Raises:
        UserError: the folder holds a tour of other settings, or cannot be written.
        Interrupted: a signal came; running it again goes on.
    """
    tour = Tour(folder)
    if tour.times_path.exists():
        tour.seconds = files.read_json(tour.times_path)
    for number, (name, stage) in enumerate(STAGES, 1):
        heading = f"[{number}/{len(STAGES)}] {name}"
        if name in tour.seconds:
            say(f"{heading}: made before in {clock(tour.seconds[name])}; reused")
            continue
        say(heading)
        _run_stage(tour, name, stage)
    say(_closing_words(tour))


def _run_stage(tour: Tour, name: str, stage: Callable[[Tour], None]) -> None:
    started = time.monotonic()
    stage(tour)
    tour.seconds[name] = round(time.monotonic() - started, 1)
    files.write_json(tour.times_path, tour.seconds)
    say(f"{name}: {clock(tour.seconds[name])}")


def _make_songbook(tour: Tour) -> None:
    make_corpus(tour.manifest.parent, HOURS, SEED, sample_rate=SAMPLE_RATE, resume=True)


def _train_codec(tour: Tour) -> None:
    run = load_settings(CodecRun, _config("codec.yaml"))
    train_codec(run, tour.manifest, tour.model, TrainOptions(resume=True))


def _encode(tour: Tour) -> None:
    encode_collection(tour.manifest, ModelFolder(tour.model), tour.codes, resume=True)


def _train_prior(level: int, config: str) -> Callable[[Tour], None]:
    def stage(tour: Tour) -> None:
        run = load_settings(PriorRun, _config(config))
        train_prior(run, level, tour.codes, tour.model, TrainOptions(resume=True))

    return stage


def _sing(tour: Tour) -> None:
    request = SongRequest(lyrics=LYRICS, genre=(GENRE,), artist=ARTIST, seconds=SECONDS, seed=SEED)
    sample_song(ModelFolder(tour.model), request, tour.song, resume=tour.song.exists())


STAGES: list[tuple[str, Callable[[Tour], None]]] = [
    ("make a songbook", _make_songbook),
    ("train the codec", _train_codec),
    ("encode the songbook", _encode),
    ("train the top prior", _train_prior(2, "top_prior.yaml")),
    ("train the upsampler to level 1", _train_prior(1, "upsampler_1.yaml")),
    ("train the upsampler to level 0", _train_prior(0, "upsampler_0.yaml")),
    ("sing", _sing),
]


def _config(name: str) -> Path:
    path = CONFIGS / name
    if not path.exists():
        raise UserError(f"{path}: the tour needs the configs of a source checkout of audiogen")
    return path


def _closing_words(tour: Tour) -> str:
    return f"""
Made in {clock(sum(tour.seconds.values()))}, all in {tour.folder}:
  songbook   {tour.manifest.parent}
  model      {tour.model}
  song       {tour.song}/level_0.wav ({SECONDS:g} s of {GENRE})
  page       {tour.song}/index.html (open it in a browser: listen, follow the words)

The model is as small as its training was short: expect the colors of the genre, not clear words.
Next:
  audiogen sample --model {tour.model} --genre blues --artist "Mae Hollis" --seconds 8 \\
    --lyrics "Row, row, row your boat" -o songs/boat
  audiogen doctor --model {tour.model}            its genres, artists and letters
  audiogen scan MY-MUSIC -o manifest.jsonl        your own music: see README.md"""
