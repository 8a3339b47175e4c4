"""The verbs, in pipeline order. Parses, calls, prints; the work stands in the packages.

Exit codes: 0 done, 2 bad input or settings, 130 interrupted and saved.
"""

import errno
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiogen import progress
from audiogen.errors import Interrupted, UserError

# Heavy packages are imported by the verb that needs them, so that --help answers at once.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
songbook_app = typer.Typer(no_args_is_help=True, help="Make songs whose every word is known.")
train_app = typer.Typer(no_args_is_help=True, help="Train the codec or a prior.")
app.add_typer(songbook_app, name="songbook")
app.add_typer(train_app, name="train")


class TrackChoice(StrEnum):
    """Where metrics and audio previews go."""

    wandb = "wandb"
    tensorboard = "tensorboard"
    none = "none"


BY_LEVEL = "One value, or one a level, finest first: 0.99,0.98,0.95."
ModelOption = Annotated[Path, typer.Option("--model", help="The model folder.")]
ManifestOption = Annotated[Path, typer.Option("--data", help="The manifest, JSON Lines.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with what lies there.")]
ConfigArgument = Annotated[Path, typer.Argument(help="A YAML file, see configs/.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE")]
TrackOption = Annotated[TrackChoice, typer.Option("--track", help="Where metrics go.")]
MaxMinutesOption = Annotated[float | None, typer.Option(min=0.0, help="Save and stop after this.")]
InitFromOption = Annotated[Path | None, typer.Option(help="Start from this model's weights.")]


def main() -> None:
    """Run one verb and turn expected endings into exit codes."""
    try:
        app(standalone_mode=True)
    except UserError as error:
        _fail(f"error: {error}", 2)
    except Interrupted as error:
        _fail(f"interrupted: {error}", 130)
    except KeyboardInterrupt:
        _fail("interrupted before anything could be saved", 130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _fail(f"error: the disk is full ({error.filename or 'while writing'}); free some space", 2)


def _fail(text: str, code: int) -> None:
    print(text, file=sys.stderr, flush=True)
    sys.exit(code)


@app.callback()
def _common(
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines for programs.")] = False,
) -> None:
    """Train and run your own Jukebox: songs from lyrics, genre and artist."""
    progress.use_json_lines(json)


@app.command()
def doctor(
    model: Annotated[Path | None, typer.Option(help="Also look at this model folder.")] = None,
) -> None:
    """Say what this machine offers, what is wrong, and the cure."""
    from audiogen.doctor import examine

    report = examine(model)
    progress.say(report.text())
    if not report.healthy:
        raise typer.Exit(2)


@songbook_app.command("make")
def songbook_make(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")],
    hours: Annotated[float, typer.Option(min=0.001, help="Music to make, in hours.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores.")] = None,
    sample_rate: Annotated[int, typer.Option(min=16000, max=44100)] = 22050,
    stems: Annotated[bool, typer.Option("--stems", help="Write each part too.")] = False,
    songs: Annotated[Path | None, typer.Option(help="Your own songs, a folder of ABC.")] = None,
    resume: ResumeOption = False,
) -> None:
    """Render songs that belong to everyone, sung and arranged, with every word's time."""
    from audiogen.songbook.corpus import make_corpus

    manifest = make_corpus(
        output,
        hours=hours,
        seed=seed,
        workers=workers,
        sample_rate=sample_rate,
        stems=stems,
        songs=songs,
        resume=resume,
    )
    progress.say(f"{manifest}: next: audiogen train codec CONFIG --data {manifest} --model FOLDER")


@songbook_app.command("check")
def songbook_check(output: Annotated[Path, typer.Argument(metavar="OUT")]) -> None:
    """Check files, hashes and splits of a rendered songbook."""
    from audiogen.songbook.corpus_check import check_corpus

    report = check_corpus(output)
    progress.say(report.text())
    if report.problems:
        raise typer.Exit(2)


@app.command()
def scan(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of music.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Manifest to write.")],
    min_seconds: Annotated[float, typer.Option(min=0.0, help="Leave out shorter files.")] = 1.0,
) -> None:
    """Collect a folder's songs and labels into a manifest, and report what is wrong."""
    from audiogen.data.scan import scan_folder

    progress.say(scan_folder(folder, output, min_seconds).text())


@train_app.command("codec")
def train_codec(
    config: ConfigArgument,
    data: ManifestOption,
    model: ModelOption,
    changes: SetOption = None,
    resume: ResumeOption = False,
    track: TrackOption = TrackChoice.none,
    max_minutes: MaxMinutesOption = None,
    init_from: InitFromOption = None,
) -> None:
    """Train the codec on the waveforms of a manifest."""
    from audiogen.config import load_settings
    from audiogen.training.codec_task import CodecRun, train_codec
    from audiogen.training.task import TrainOptions

    run = load_settings(CodecRun, config, changes or ())
    options = TrainOptions(resume, track.value, max_minutes, init_from)
    train_codec(run, data, model, options)


@train_app.command("prior")
def train_prior(
    config: ConfigArgument,
    level: Annotated[int, typer.Option(min=0, help="0 is the finest.")],
    codes: Annotated[Path, typer.Option(help="The code store that `encode` wrote.")],
    model: ModelOption,
    changes: SetOption = None,
    resume: ResumeOption = False,
    track: TrackOption = TrackChoice.none,
    max_minutes: MaxMinutesOption = None,
    init_from: InitFromOption = None,
) -> None:
    """Train the prior of one level on a code store."""
    from audiogen.config import load_settings
    from audiogen.training.prior_task import PriorRun, train_prior
    from audiogen.training.task import TrainOptions

    run = load_settings(PriorRun, config, changes or ())
    options = TrainOptions(resume, track.value, max_minutes, init_from)
    train_prior(run, level, codes, model, options)


@app.command()
def encode(
    model: ModelOption,
    data: ManifestOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Code store to write.")],
    resume: ResumeOption = False,
) -> None:
    """Turn every track of a manifest into codes."""
    from audiogen.encoding import encode_collection
    from audiogen.model_folder import ModelFolder

    encode_collection(data, ModelFolder(model), output, resume=resume)
    progress.say(f"{output}: codes of every level; next: audiogen train prior")


@app.command()
def sample(
    output: Annotated[Path, typer.Option("-o", "--output", help="Song folder, songs/NAME.")],
    model: Annotated[Path | None, typer.Option("--model", help="The model folder.")] = None,
    lyrics: Annotated[str | None, typer.Option(help="The words, or @FILE.")] = None,
    genre: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    artist: str | None = None,
    seconds: Annotated[float | None, typer.Option(help="Length to make; 20.")] = None,
    total_seconds: Annotated[float | None, typer.Option(help="Length it is part of.")] = None,
    seed: Annotated[int | None, typer.Option(help="Drawn and recorded if not given.")] = None,
    candidates: Annotated[int | None, typer.Option(help="Songs; item k has seed + k.")] = None,
    prompt: Annotated[Path | None, typer.Option(help="A sound file to go on from.")] = None,
    levels: Annotated[str | None, typer.Option(help="For example 2,1,0; or 2 alone.")] = None,
    temperature: Annotated[str | None, typer.Option(help=BY_LEVEL)] = None,
    top_k: Annotated[str | None, typer.Option(help=BY_LEVEL)] = None,
    top_p: Annotated[str | None, typer.Option(help=BY_LEVEL)] = None,
    resume: ResumeOption = False,
) -> None:
    """Sing lyrics of a genre and artist: a song folder with audio of every level and a page."""
    from audiogen.config import validated
    from audiogen.model_folder import ModelFolder
    from audiogen.sampling.request import SongRequest
    from audiogen.sampling.request_file import found_model
    from audiogen.sampling.song import sample_song

    asked = {
        "lyrics": _text_or_file(lyrics),
        "genre": genre,
        "artist": artist,
        "seconds": seconds,
        "total_seconds": total_seconds,
        "seed": seed,
        "candidates": candidates,
        "prompt": prompt,
        "levels": _listed(levels),
        "sampling": _given(
            {
                "temperature": _listed(temperature),
                "top_k": _listed(top_k),
                "top_p": _listed(top_p),
            }
        ),
    }
    request = validated(SongRequest, _given(asked), source="sample")
    if model is None and not resume:
        raise UserError("sample: --model is missing; name the model folder to sing with")
    folder = ModelFolder(model or found_model(output))
    sample_song(folder, request if request.model_fields_set else None, output, resume=resume)


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value not in (None, [], {})}


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _text_or_file(text: str | None) -> str | None:
    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--lyrics {text}: cannot be read ({error})") from None


@app.command()
def decode(
    codes: Annotated[Path, typer.Argument(help="codes.safetensors of a song folder.")],
    model: ModelOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Sound file to write.")],
    level: Annotated[int | None, typer.Option(min=0, help="The finest there is.")] = None,
) -> None:
    """Turn saved codes into sound."""
    from audiogen.model_folder import ModelFolder
    from audiogen.sampling.song import decode_codes

    decode_codes(ModelFolder(model), codes, level, output)


@app.command()
def reconstruct(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sound files.")],
    model: ModelOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")],
) -> None:
    """Encode sound files and render them back at every level."""
    from audiogen.evaluation.round_trip import reconstruct_files
    from audiogen.model_folder import ModelFolder

    for result in reconstruct_files(files, ModelFolder(model), output):
        progress.say(
            f"{result.source.name} level {result.level}: spectral convergence "
            f"{result.spectral_convergence_db:.2f} dB -> {result.output}"
        )


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")] = Path("demo"),
) -> None:
    """Make a songbook, train a small model on it, and sing; again: reuse what is there."""
    from audiogen.demo import run_demo

    run_demo(output)
