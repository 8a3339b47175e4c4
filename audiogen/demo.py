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
from audiogen.errors import Interrupted, UserError
from audiogen.model_folder import ModelFolder
from audiogen.progress import clock, say
from audiogen.sampling.logits import SamplingConfig
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song import sample_song
from audiogen.songbook.corpus import make_corpus
from audiogen.training.codec_task import CodecRun, train_codec
from audiogen.training.prior_task import PriorRun, train_prior
from audiogen.training.task import TrainOptions

CONFIGS = Path(__file__).parent.parent / "configs" / "tiny"

HOURS = 0.5
GENRES = ("folk", "blues", "electronic", "rock")
SAMPLE_RATE = 22050
SEED = 1

SONG = SongRequest(
    lyrics="""\
Twinkle, twinkle, little star, how I wonder what you are!
Up above the world so high, like a diamond in the sky.
Twinkle, twinkle, little star, how I wonder what you are!
""",
    genre=("folk",),
    artist="Rowan Vale",
    seconds=12.0,
    total_seconds=36.0,  # about as long as the songs of the corpus
    seed=SEED,
    # Somewhat below 1: what a short training leaves uncertain sounds as noise.
    sampling=SamplingConfig(temperature=(0.9, 0.9, 0.95)),
)


@dataclass
class Tour:
    """The folder of one tour, and what its stages took over all its runs."""

    folder: Path
    finished: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def songbook(self) -> Path:
        """The corpus."""
        return self.folder / "songbook"

    @property
    def manifest(self) -> Path:
        """The corpus' list of tracks."""
        return self.songbook / "manifest.jsonl"

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
    def record(self) -> Path:
        """Where finished stages and times are kept."""
        return self.folder / "tour.json"

    def read_record(self) -> None:
        """Take over what earlier runs did."""
        if self.record.exists():
            found = files.read_json(self.record)
            self.finished, self.seconds = found["finished"], found["seconds"]

    def write_record(self) -> None:
        """Keep what was done so far."""
        files.write_json(self.record, {"finished": self.finished, "seconds": self.seconds})


@dataclass(frozen=True)
class Stage:
    """One part of the tour."""

    name: str
    output: Callable[[Tour], Path]
    run: Callable[[Tour], object]


def run_demo(folder: Path) -> None:
    """Make everything that `folder` does not hold yet, and say what lies there.

    Raises:
        UserError: the folder holds a tour of other settings, or cannot be written.
        Interrupted: a signal came; running it again goes on.
    """
    tour = Tour(folder)
    tour.read_record()
    for number, stage in enumerate(STAGES, 1):
        heading = f"[{number}/{len(STAGES)}] {stage.name}"
        output = stage.output(tour)
        if stage.name in tour.finished and output.exists():
            say(f"{heading}: {output} is there, made in {_time_of(tour, stage)}; reused")
            continue
        say(heading)
        _run_stage(tour, stage)
    say(_closing_words(tour))


def _run_stage(tour: Tour, stage: Stage) -> None:
    started = time.monotonic()
    try:
        stage.run(tour)
    except Interrupted:
        where = f"{tour.folder}: stopped in '{stage.name}', all saved"
        raise Interrupted(f"{where}; the same command goes on") from None
    else:
        tour.finished = [*(name for name in tour.finished if name != stage.name), stage.name]
    finally:
        # The time of interrupted runs counts too.
        spent = tour.seconds.get(stage.name, 0.0) + time.monotonic() - started
        tour.seconds[stage.name] = round(spent, 1)
        tour.write_record()
    say(f"{stage.name}: done in {_time_of(tour, stage)}")


def _time_of(tour: Tour, stage: Stage) -> str:
    return clock(tour.seconds.get(stage.name, 0.0))


def _make_songbook(tour: Tour) -> None:
    make_corpus(
        tour.songbook,
        hours=HOURS,
        seed=SEED,
        sample_rate=SAMPLE_RATE,
        genres=GENRES,
        form="short",
        resume=True,
    )


def _train_codec(tour: Tour) -> None:
    run = load_settings(CodecRun, _config("codec.yaml"))
    train_codec(run, tour.manifest, tour.model, TrainOptions(resume=True))


def _encode(tour: Tour) -> None:
    encode_collection(tour.manifest, ModelFolder(tour.model), tour.codes, resume=True)


def _prior_stage(level: int, name: str, config: str) -> Stage:
    def train(tour: Tour) -> None:
        run = load_settings(PriorRun, _config(config))
        train_prior(run, level, tour.codes, tour.model, TrainOptions(resume=True))

    return Stage(name, lambda tour: tour.model / f"prior_{level}", train)


def _sing(tour: Tour) -> None:
    sample_song(ModelFolder(tour.model), SONG, tour.song, resume=tour.song.exists())


STAGES = (
    Stage("make a songbook", lambda tour: tour.manifest, _make_songbook),
    Stage("train the codec", lambda tour: tour.model / "codec", _train_codec),
    Stage("encode the songbook", lambda tour: tour.codes, _encode),
    _prior_stage(2, "train the top prior", "top_prior.yaml"),
    _prior_stage(1, "train the upsampler to level 1", "upsampler_level_1.yaml"),
    _prior_stage(0, "train the upsampler to level 0", "upsampler_level_0.yaml"),
    Stage("sing", lambda tour: tour.song / "index.html", _sing),
)


def _config(name: str) -> Path:
    path = CONFIGS / name
    if not path.exists():
        raise UserError(f"{path}: the tour needs the configs of a source checkout of audiogen")
    return path


def _closing_words(tour: Tour) -> str:
    return f"""
Made in {clock(sum(tour.seconds.values()))}, all in {tour.folder}:
  songbook   {tour.songbook}
  model      {tour.model}
  song       {tour.song}/level_0.wav ({SONG.seconds:g} s of {SONG.genre[0]})
  page       {tour.song}/index.html (open it in a browser: listen, follow the words)

The model is as small as its training was short: expect the colors of a genre, not clear words.
Next:
  audiogen sample --model {tour.model} --genre blues --artist "Mae Hollis" --seconds 8 \\
    --total-seconds 36 --lyrics "Row, row, row your boat" -o songs/boat
  audiogen doctor --model {tour.model}            its genres, artists and letters
  audiogen scan MY-MUSIC -o manifest.jsonl        your own music: see README.md"""
