"""A prior's training: clips of codes and their labels in, held-out bits per code out."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audiogen import machine
from audiogen.conditioning.labels import LabelEncoder
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.data.code_dataset import CodeDataset
from audiogen.data.code_store import CodeStore
from audiogen.data.manifest import to_json_line
from audiogen.errors import UserError
from audiogen.evaluation.codebook import entropy_bits
from audiogen.evaluation.likelihood import HeldOutClips, bits_per_clip, conditioning_gains
from audiogen.model_folder import ModelFolder, prior_part, trained_now
from audiogen.prior.model import Prior, PriorConfig, PriorOutput
from audiogen.progress import say
from audiogen.training.begin import RunFacts, begin_training, hash_of, take_weights_
from audiogen.training.loop import Loop
from audiogen.training.order import DataOrder
from audiogen.training.prior_clips import LabeledClips, PriorBatch, join, remarks_on_labels
from audiogen.training.prior_settings import PriorRun, complete
from audiogen.training.setup import TrainingConfig
from audiogen.training.task import StepOutput, Task, TrainOptions

__all__ = ["PriorRun", "PriorTask", "train_prior"]


def train_prior(
    run: PriorRun, level: int, codes_folder: Path, model_folder: Path, options: TrainOptions
) -> bool:
    """Train the prior of one level on the "train" songs of a code store, into a model folder.

    Returns:
        Whether the training is finished (it is not where `options.max_minutes` ended it).

    Raises:
        UserError: settings, codes or the state in the folder do not allow it.
        Interrupted: a signal came; everything is saved.
    """
    machine.prepare()
    folder = ModelFolder(model_folder)
    store = CodeStore.open(codes_folder, folder.codec_hash())
    vocabulary = _vocabulary_of(folder, store, options.init_from)
    config = complete(run.prior, level, store, vocabulary)
    resolved = run.changed(prior=config.model_dump())
    part = prior_part(level)
    facts = RunFacts.of(resolved, hash_of([store.codec_hash, *map(to_json_line, store.tracks)]))
    remarks = remarks_on_labels(store.tracks, vocabulary, config)
    beginning, accelerator = begin_training(
        folder, part, facts, run.training, resume=options.resume, remarks=remarks
    )
    if beginning.finished:
        return True

    device, num_processes = accelerator.device, accelerator.num_processes
    task = PriorTask(config, run.training, store, vocabulary, folder, device, num_processes)
    if beginning.checkpoint is None and options.init_from is not None:
        source = ModelFolder(options.init_from).load_prior(level)
        take_weights_(task.model, source, options.init_from)
    if accelerator.is_main_process and not folder.has_vocabulary():
        folder.save_vocabulary(vocabulary)
    training_folder = folder.training_folder(part)
    return Loop(task, run.training, options, accelerator, training_folder, facts, beginning).run()


class PriorTask(Task):
    """Trains the prior of one level on a code store.

    Args:
        config: of the prior, complete.
        training: settings of the loop.
        store: the codes.
        vocabulary: of the model.
        folder: receives the averaged weights.
        device: of the training.
        num_processes: that share a batch.

    Raises:
        UserError: no training song is as long as the context.
    """

    model: Prior
    dataset: LabeledClips

    def __init__(
        self,
        config: PriorConfig,
        training: TrainingConfig,
        store: CodeStore,
        vocabulary: Vocabulary,
        folder: ModelFolder,
        device: torch.device,
        num_processes: int = 1,
    ) -> None:
        self.config, self.training, self.store, self.folder = config, training, store, folder
        self.part = prior_part(config.level)
        self.codes_per_clip = config.context_length
        self.model = Prior(config).to(device)
        self.encoder = LabelEncoder(
            vocabulary,
            config.labels.max_genres if config.labels else 0,
            config.lyrics.num_tokens if config.lyrics else 0,
        )
        self.dataset = LabeledClips(
            self._code_clips("train"), store.tracks, self.encoder, config, training.seed
        )
        order = DataOrder(training.batch_size, num_processes, training.accumulation)
        self._clips_at_once = order.per_device

    def collate(self, clips: list[PriorBatch]) -> PriorBatch:
        """Join clips into a micro-batch."""
        return join(clips)

    def forward(self, model: nn.Module, batch: PriorBatch) -> StepOutput:
        """Foretell every code of a micro-batch from those before it."""
        output: PriorOutput = model(batch.codes, batch.labels, batch.upper_codes)
        metrics = {
            "prior/loss": output.loss.detach(),
            "prior/bits_per_code": output.code_bits.detach(),
        }
        if output.lyric_bits is not None:
            metrics["prior/bits_per_lyric_token"] = output.lyric_bits.detach()
        return StepOutput(output.loss, metrics)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measure bits per code of held-out clips, nothing withheld."""
        assert isinstance(model, Prior)
        clips = self._held_out
        if clips is None:
            return {}
        bits = bits_per_clip(model, clips, self._clips_at_once).mean().item()
        rate = self.config.sample_rate / self.config.hop_length
        return {"validation/bits_per_code": bits, "validation/bits_per_second": bits * rate}

    def close(self, model: nn.Module) -> dict[str, Any]:
        """Compare held-out bits with the codes' own frequencies and with exchanged conditions."""
        assert isinstance(model, Prior)
        clips = self._held_out
        if clips is None:
            return {}
        report: dict[str, Any] = dict(self.validate(model))
        bits = report["validation/bits_per_code"]
        entropy = entropy_bits(self.store.histogram(self.config.level, "train"))
        report["validation/training_entropy_bits"] = entropy
        report["validation/share_under_entropy"] = 1 - bits / entropy if entropy else 0.0
        say(
            f"{self.part}: {bits:.3f} bits per held-out code, {len(clips)} clips; the frequencies "
            f"of the training codes alone give {entropy:.3f}"
        )
        if len(clips) < 2:
            return report
        gains = conditioning_gains(model, clips, self.training.seed, self._clips_at_once)
        for name, gain in gains.items():
            say(
                f"{self.part}: with another clip's {name.replace('_', ' ')} {gain.mean:+.4f} bits "
                f"(95 % interval {gain.low:+.4f} to {gain.high:+.4f}, paired over "
                f"{gain.num_clips} clips, {gain.num_differing} of them differing)"
            )
            report[f"validation/{name}_gain_bits"] = gain.mean
        report["gains"] = {name: gain._asdict() for name, gain in gains.items()}
        return report

    def save(self, state: Mapping[str, Tensor], provenance: dict[str, Any]) -> None:
        """Write the prior with averaged weights."""
        self.folder.save_prior(self.model, trained_now(**provenance), state)

    def _code_clips(self, split: str) -> CodeDataset:
        config = self.config
        return CodeDataset(
            self.store,
            split,
            config.level,
            config.context_length,
            self.training.seed,
            config.upper is not None,
        )

    @cached_property
    def _held_out(self) -> HeldOutClips | None:
        """Fixed clips of the validation songs; None, with a sentence, where there are none."""
        if not any(track.split == "validation" for track in self.store.tracks):
            say(f"{self.part}: the codes have no validation split; nothing to validate on")
            return None
        try:
            codes = self._code_clips("validation")
        except UserError as error:
            say(f"{self.part}: nothing to validate on ({error})")
            return None
        labeled = LabeledClips(codes, self.store.tracks, self.encoder, self.config, seed=None)
        clips = codes.evenly(self.training.num_validation_clips)
        return HeldOutClips(*join([labeled.labeled(clip) for clip in clips]))


def _vocabulary_of(folder: ModelFolder, store: CodeStore, init_from: Path | None) -> Vocabulary:
    """Take the model's vocabulary, that of the model to begin with, or the training data's."""
    if folder.has_vocabulary():
        return folder.load_vocabulary()
    if init_from is not None:
        return ModelFolder(init_from).load_vocabulary()
    return Vocabulary.collect(track for track in store.tracks if track.split == "train")
