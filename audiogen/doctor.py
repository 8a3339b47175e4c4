"""What this machine offers to audiogen, what is wrong, and the cure."""

import importlib
import importlib.metadata
import os
import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch

from audiogen import machine
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder

OPTIONAL_PACKAGES = ("wandb", "tensorboard", "librosa")


@dataclass
class Report:
    """Findings as lines; `problems` are those that stop work."""

    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Say whether nothing stops work."""
        return not self.problems

    def text(self) -> str:
        """Write all findings, problems last."""
        lines = [*self.findings, *(f"PROBLEM {problem}" for problem in self.problems)]
        return "\n".join([*lines, "all well" if self.healthy else "see the problems above"])


def examine(model: Path | None = None) -> Report:
    """Look at packages, devices, memory, formats, and a model folder if one is given."""
    report = Report()
    _examine_machine(report)
    _examine_packages(report)
    _examine_audio(report)
    if model is not None:
        _examine_model(report, ModelFolder(model))
    return report


def _examine_machine(report: Report) -> None:
    report.findings.append(f"python {platform.python_version()}, torch {torch.__version__}")
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    report.findings.append(f"{os.cpu_count()} CPU cores, {pages / 2**30:.1f} GiB of memory")
    fast = "on" if machine.use_onednn_products() else "not available or not exact here"
    report.findings.append(f"fast float32 products (oneDNN): {fast}")
    kept = "on" if machine.keep_freed_memory() else "not available (needs glibc)"
    report.findings.append(f"kept memory: {kept}")
    if not torch.cuda.is_available():
        report.findings.append("no CUDA device: everything runs on the CPU")
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        report.findings.append(f"GPU {index}: {device.name}, {device.total_memory / 2**30:.0f} GiB")


def _examine_packages(report: Report) -> None:
    try:
        from audiogen.torchaudio_guard import torchaudio

        report.findings.append(f"torchaudio {torchaudio.__version__}")
    except ImportError as error:
        report.problems.append(f"torchaudio: {error}; install it: pip install torchaudio")
    for name in OPTIONAL_PACKAGES:
        try:
            report.findings.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            report.findings.append(f"{name}: not installed (optional)")


def _examine_audio(report: Report) -> None:
    try:
        soundfile = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        report.problems.append(f"soundfile: {error}; install it: pip install soundfile")
        return
    known = soundfile.available_formats()
    formats = [name for name in ("WAV", "FLAC", "OGG", "MP3") if name in known]
    if "OPUS" in soundfile.available_subtypes("OGG"):
        formats.append("Opus")
    report.findings.append(f"soundfile {soundfile.__version__} reads {', '.join(formats)}")
    ffmpeg = shutil.which("ffmpeg")
    report.findings.append(
        f"M4A and AAC: {'by ' + ffmpeg if ffmpeg else 'not readable; install ffmpeg to read them'}"
    )


def _examine_model(report: Report, model: ModelFolder) -> None:
    parts = model.parts()
    report.findings.append(f"model {model.path}: {', '.join(parts) or 'no trained part'}")
    for part in parts:
        try:
            model.load_codec() if part == "codec" else model.load_prior(int(part[6:]))
        except UserError as error:
            report.problems.append(str(error))
        else:
            report.findings.append(f"{part}: {model.provenance(part).get('steps', '?')} steps")
    if model.has_vocabulary():
        vocabulary = model.load_vocabulary()
        report.findings.append(f"genres: {', '.join(vocabulary.genres[1:])}")
        report.findings.append(f"artists: {', '.join(vocabulary.artists[1:])}")
        report.findings.append(f"letters: {''.join(vocabulary.alphabet[1:])!r}")
