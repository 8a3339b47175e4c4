"""A sound file through the codec and back, at every level: what the codes keep of it."""

from dataclasses import dataclass
from pathlib import Path

from audiogen import files, machine
from audiogen.codec.model import Codec
from audiogen.data.audio_file import read_audio, write_audio
from audiogen.errors import UserError
from audiogen.evaluation.reconstruction import spectral_convergence_db
from audiogen.model_folder import ModelFolder
from audiogen.progress import progress


@dataclass(frozen=True)
class RoundTrip:
    """One file, rendered from its codes of one level."""

    source: Path
    level: int
    output: Path
    spectral_convergence_db: float


def reconstruct_files(sources: list[Path], model: ModelFolder, output: Path) -> list[RoundTrip]:
    """Write every source's reconstruction at every level to `output`, with `report.json`.

    The files are named `<name>.level_<level>.wav`; a name that occurs twice keeps its suffix.

    Raises:
        UserError: a source cannot be read, or the model has no codec.
    """
    machine.prepare()
    codec = model.load_codec().to(machine.default_device())
    names = _distinct_names(sources)
    results: list[RoundTrip] = []
    with progress("reconstruct", len(sources), "file") as shown:
        for source in sources:
            results += _reconstruct(source, codec, output / names[source])
            shown.advance()
    files.write_json(output / "report.json", [_as_json(result) for result in results])
    return results


def _reconstruct(source: Path, codec: Codec, stem: Path) -> list[RoundTrip]:
    config = codec.config
    waveform = read_audio(source, config.sample_rate, config.channels)[None]  # (1, channel, sample)
    if waveform.shape[-1] < codec.hop_lengths[-1]:
        raise UserError(f"{source}: shorter than one code of the coarsest level")
    device = next(codec.parameters()).device
    results = []
    for level, codes in enumerate(codec.encode(waveform.to(device))):
        rendered = codec.decode(codes, level).cpu()  # (1, channel, sample)
        path = stem.with_name(f"{stem.name}.level_{level}.wav")
        write_audio(path, rendered[0], config.sample_rate)
        original = waveform[..., : rendered.shape[-1]]
        distance = spectral_convergence_db(original, rendered, config.sample_rate)
        results.append(RoundTrip(source, level, path, distance))
    return results


def _distinct_names(sources: list[Path]) -> dict[Path, str]:
    stems = [source.stem for source in sources]
    return {
        source: source.stem if stems.count(source.stem) == 1 else source.name.replace(".", "_")
        for source in sources
    }


def _as_json(result: RoundTrip) -> dict[str, object]:
    return {
        "source": str(result.source),
        "level": result.level,
        "output": result.output.name,
        "spectral_convergence_db": result.spectral_convergence_db,
    }
