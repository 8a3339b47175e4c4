"""The codec's training: clips of waveform in, held-out spectral convergence out."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import PositiveFloat, PositiveInt, model_validator
from torch import Tensor, nn

from audiogen import machine
from audiogen.codec.losses import measure_bandwidth
from audiogen.codec.model import Codec, CodecConfig, CodecOutput
from audiogen.config import Settings
from audiogen.data.audio_file import write_audio
from audiogen.data.manifest import Manifest, read_manifest
from audiogen.data.waveform_dataset import WaveformDataset
from audiogen.errors import UserError
from audiogen.evaluation.codebook import code_histogram, usage_share
from audiogen.evaluation.reconstruction import CLIP_SECONDS, spectral_convergence_ratios, to_db
from audiogen.model_folder import CODEC, ModelFolder, trained_now
from audiogen.progress import say
from audiogen.training.begin import RunFacts, begin_training, hash_of, take_weights_
from audiogen.training.loop import Loop
from audiogen.training.setup import TrainingConfig
from audiogen.training.task import Preview, StepOutput, Task, TrainOptions


class CodecDataConfig(Settings):
    """Which clips the codec hears."""

    clip_length: PositiveInt = 262144
    """Audio samples of a training clip; a multiple of the coarsest hop."""

    blend: bool = True
    """Mix the channels of stereo by a random share for each clip, where the codec is mono."""

    bandwidth_seconds: PositiveFloat = 600.0
    """Music over which the constants are measured that the losses are divided by."""


class CodecRun(Settings):
    """A whole training of the codec: what a config file holds."""

    codec: CodecConfig = CodecConfig()
    training: TrainingConfig
    data: CodecDataConfig = CodecDataConfig()

    @model_validator(mode="after")
    def _check_clip_length(self) -> Self:
        hop_length = self.codec.hop_lengths[-1]
        if self.data.clip_length % hop_length:
            raise ValueError(
                f"data.clip_length {self.data.clip_length} must be a multiple of the coarsest hop "
                f"{hop_length}"
            )
        shortest = max(stft.fft_size for stft in self.codec.loss.multi_spectral) // 2 + 1
        if self.codec.loss.multi_spectral_weight and self.data.clip_length < shortest:
            raise ValueError(
                f"data.clip_length {self.data.clip_length} must be {shortest} or more for the "
                "largest FFT of codec.loss.multi_spectral"
            )
        return self


def train_codec(
    run: CodecRun, manifest_path: Path, model_folder: Path, options: TrainOptions
) -> bool:
    """Train the codec on the "train" songs of a manifest, into a model folder.

    Returns:
        Whether the training is finished (it is not where `options.max_minutes` ended it).

    Raises:
        UserError: settings, data or the state in the folder do not allow it.
        Interrupted: a signal came; everything is saved.
    """
    machine.prepare()
    manifest = read_manifest(manifest_path)
    facts = RunFacts.of(run, hash_of(_tracks_as_lines(manifest)))
    folder = ModelFolder(model_folder)
    beginning, accelerator = begin_training(
        folder, CODEC, facts, run.training, resume=options.resume
    )
    if beginning.finished:
        return True

    task = CodecTask(run, manifest, folder, accelerator.device)
    if beginning.checkpoint is None:
        task.set_first_state_(options.init_from)
    training_folder = folder.training_folder(CODEC)
    return Loop(task, run.training, options, accelerator, training_folder, facts, beginning).run()


class CodecTask(Task):
    """Trains a codec on a manifest.

    Args:
        run: the settings.
        manifest: every track, with its split.
        folder: receives the averaged weights.
        device: of the training.

    Raises:
        UserError: no training song is as long as a clip.
    """

    part = CODEC
    model: Codec
    dataset: WaveformDataset

    def __init__(
        self, run: CodecRun, manifest: Manifest, folder: ModelFolder, device: torch.device
    ) -> None:
        self.run, self.folder, self.device = run, folder, device
        self._train, self._held_out = manifest.in_split("train"), manifest.in_split("validation")
        config = run.codec
        self.model = Codec(config).to(device)
        self.dataset = WaveformDataset(
            self._train,
            config.sample_rate,
            config.channels,
            run.data.clip_length,
            run.training.seed,
            run.data.blend,
        )
        self.codes_per_clip = sum(run.data.clip_length // hop for hop in config.hop_lengths)

    def set_first_state_(self, init_from: Path | None) -> None:
        """Measure the data's constants and take over other weights, before the first step."""
        if init_from is not None:
            take_weights_(self.model, ModelFolder(init_from).load_codec(), init_from)
        try:
            self.model.set_bandwidth_(measure_bandwidth(self._spread_training_clips()))
        except ValueError as error:
            raise UserError(f"the training songs: {error}") from None

    def start_(self, batches: list[dict[str, Any]]) -> None:
        """Fill the codebooks from the first global batch."""
        waveforms = [batch["waveform"] for batch in batches]
        self.model.initialize_codebooks_(waveforms, self.run.training.seed)

    def forward(self, model: nn.Module, batch: dict[str, Any]) -> StepOutput:
        """Reconstruct a micro-batch of waveforms."""
        output: CodecOutput = model(batch["waveform"])
        return StepOutput(output.loss, output.metrics, kept=output._replace(reconstructions=()))

    def follow_(self, kept: list[CodecOutput], step: int) -> dict[str, Tensor]:
        """Move the codebooks."""
        return self.model.update_codebooks_(kept, self.run.training.seed, step)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measure spectral convergence and codebook usage of each level on held-out clips."""
        assert isinstance(model, Codec)
        if not self._held_out.tracks:
            say("codec: the manifest has no validation split; nothing to validate on")
            return {}
        config = self.run.codec
        ratios: list[list[Tensor]] = [[] for _ in config.hop_lengths]
        histograms: list[Any] = [0] * config.num_levels
        for waveform in self._validation_clips:
            for level, codes in enumerate(model.encode(waveform[None].to(self.device))):
                rendered = model.decode(codes, level)[0].cpu()
                ratios[level].append(
                    spectral_convergence_ratios(waveform, rendered, config.sample_rate)
                )
                histograms[level] += code_histogram(codes.cpu(), config.codebook_size)
        metrics = {}
        for level, histogram in enumerate(histograms):
            metrics[f"validation/level_{level}/spectral_convergence_db"] = to_db(
                torch.cat(ratios[level])
            )
            metrics[f"validation/level_{level}/codebook_usage"] = usage_share(histogram)
        # Where every clip is silent there is no number.
        return {name: value for name, value in metrics.items() if math.isfinite(value)}

    def preview(self, model: nn.Module, step: int, folder: Path) -> list[Preview]:
        """Write one clip, held out if possible, as each level renders it."""
        assert isinstance(model, Codec)
        waveform, sample_rate = self._preview_clip, self.run.codec.sample_rate
        if not (folder / "original.wav").exists():
            write_audio(folder / "original.wav", waveform, sample_rate)
        previews = []
        for level, codes in enumerate(model.encode(waveform[None].to(self.device))):
            path = folder / f"step-{step}.level_{level}.wav"
            write_audio(path, model.decode(codes, level)[0], sample_rate)
            previews.append(Preview(f"codec/level_{level}/preview", path))
        return previews

    def save(self, state: Mapping[str, Tensor], provenance: dict[str, Any]) -> None:
        """Write the codec with averaged weights."""
        self.folder.save_codec(self.model, trained_now(**provenance), state)

    @cached_property
    def _validation_clips(self) -> list[Tensor]:
        """Fixed clips (channel, sample) of 6 s, or as long as the held-out songs allow."""
        return self._evenly(self._held_out, self.run.training.num_validation_clips)

    @cached_property
    def _preview_clip(self) -> Tensor:
        return self._evenly(self._held_out if self._held_out.tracks else self._train, 1)[0]

    def _evenly(self, songs: Manifest, count: int) -> list[Tensor]:
        config = self.run.codec
        hop_length = config.hop_lengths[-1]
        longest = max(int(track.duration * config.sample_rate) for track in songs.tracks)
        # Whole codes of the coarsest level; the codec drops what fills none.
        wanted = math.ceil(CLIP_SECONDS * config.sample_rate / hop_length) * hop_length
        length = max(min(wanted, longest // hop_length * hop_length), hop_length)
        seed = self.run.training.seed
        clips = WaveformDataset(songs, config.sample_rate, config.channels, length, seed)
        return [clip["waveform"] for clip in clips.evenly(count)]

    def _spread_training_clips(self) -> Iterator[Tensor]:
        """Yield clips (1, channel, sample) as long as those of training, spread over the songs."""
        samples = self.run.data.bandwidth_seconds * self.run.codec.sample_rate
        for clip in self.dataset.evenly(math.ceil(samples / self.run.data.clip_length)):
            yield clip["waveform"][None]


def _tracks_as_lines(manifest: Manifest) -> Iterator[str]:
    for track in manifest.tracks:
        yield f"{track.split} {track.path} {track.duration} {track.sha256}"
