"""The one loop: step, validate, preview, save, stop. It knows nothing of codecs and priors."""

import math
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor
from torch.utils.data import DataLoader

from audiogen import files
from audiogen.data.clips import uniform
from audiogen.errors import Interrupted, UserError
from audiogen.interruption import StopRequest, stop_on_signals
from audiogen.progress import Progress, progress, say
from audiogen.training.begin import Beginning, RunFacts
from audiogen.training.checkpoint import Checkpoint, save_checkpoint, tensors_of
from audiogen.training.ema import AveragedModel
from audiogen.training.optimizer import build_optimizer, learning_rate
from audiogen.training.order import DataOrder, OrderSampler
from audiogen.training.records import Records
from audiogen.training.setup import TrainingConfig
from audiogen.training.task import StepOutput, Task, TrainOptions

STEP_STREAM = 4
"""Tells the seeds of steps from the draws of clips and labels."""


class NotFiniteError(UserError):
    """A loss or gradient is infinite or no number; the weights have not moved."""


class Loop:
    """Trains one part of a model from where it stands to its last step.

    Args:
        task: what is trained; its model is on the accelerator's device.
        config: the settings of the loop.
        options: of this run.
        accelerator: device, precision and processes.
        folder: the part's training folder.
        facts: settings and data, which a checkpoint carries along.
        beginning: where to begin.
    """

    def __init__(
        self,
        task: Task,
        config: TrainingConfig,
        options: TrainOptions,
        accelerator: Accelerator,
        folder: Path,
        facts: RunFacts,
        beginning: Beginning,
    ) -> None:
        self.task, self.config, self.options = task, config, options
        self.accelerator, self.folder, self.facts = accelerator, folder, facts
        self.order = DataOrder(config.batch_size, accelerator.num_processes, config.accumulation)
        self.averaged = AveragedModel(task.model, config.ema_decay)
        self.step = 0
        optimizer = build_optimizer(task.model, config)
        if beginning.checkpoint:
            self._restore_(beginning.checkpoint, optimizer)
        self.model, self.optimizer = accelerator.prepare(task.model, optimizer)
        self._first_step = self.step
        self._recent: list[dict[str, Tensor]] = []
        self._started = self._logged_at = time.monotonic()

    def run(self) -> bool:
        """Train to the last step, or as long as the options allow.

        Returns:
            Whether the training is finished.

        Raises:
            Interrupted: a signal came; everything is saved.
            NotFiniteError: a loss or gradient is not finite; the state before it is saved.
        """
        main = self.accelerator.is_main_process
        self.accelerator.wait_for_everyone()
        self.records = Records(
            self.folder, self.options.track, self.facts.config, self.step, kept=main
        )
        name, steps = f"train {self.task.part}", self.config.steps
        try:
            with (
                stop_on_signals() as stop,
                progress(name, steps, "step", done=self.step, shown=main) as shown,
            ):
                for batches in self._batches():
                    if not self._advance(batches, stop, shown):
                        return False
            self._finish()
        finally:
            self.records.close()
        return True

    def _batches(self) -> Iterator[list[Any]]:
        """Yield the micro-batches of this process, one list a step."""
        rank, workers = self.accelerator.process_index, self.config.num_workers
        # Not prepared by Accelerate: its loaders resume with the wrong order.
        loader = iter(
            DataLoader(
                self.task.dataset,
                batch_sampler=OrderSampler(self.order, rank, self.step, self.config.steps),
                collate_fn=self.task.collate,
                num_workers=workers,
                worker_init_fn=_leave_signals_to_the_parent if workers else None,
                pin_memory=self.accelerator.device.type == "cuda",
            )
        )
        for _ in range(self.step, self.config.steps):
            yield [
                send_to_device(next(loader), self.accelerator.device, non_blocking=True)
                for _ in range(self.config.accumulation)
            ]

    # One step

    def _advance(self, batches: list[Any], stop: StopRequest, shown: Progress) -> bool:
        """Make one step and what is due after it; say whether to go on."""
        # Whatever draws from torch's own stream does so as a function of the step, so that a
        # resume repeats it.
        torch.manual_seed(int(uniform(self.config.seed, self.step, STEP_STREAM) * 2**53))
        if self.step == 0:
            self.task.start_(batches)
        loss, stopping, expired = self._step_(batches, stop)
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = (self.step - self._first_step) * self._codes_per_step / seconds
        shown.advance(1, loss=loss, **{"codes/s": rate})
        self._do_what_is_due(leaving=stopping or expired)
        if self.step == self.config.steps or not (stopping or expired):
            return True
        where = f"step {self.step} of {self.config.steps}, all saved; the same command with"
        if stopping:
            raise Interrupted(f"{self.task.part}: stopped at {where} --resume goes on")
        self._say(f"{self.task.part}: the time is up at {where} --resume goes on")
        return False

    def _step_(self, batches: list[Any], stop: StopRequest) -> tuple[float, bool, bool]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.config.steps, self.config)
        outputs: list[StepOutput] = []
        for batch in batches:
            with self.accelerator.accumulate(self.model):
                outputs.append(self.task.forward(self.model, batch))
                self.accelerator.backward(outputs[-1].loss)
                if self.accelerator.sync_gradients:
                    limit = self.config.max_grad_norm or math.inf
                    norm = self.accelerator.clip_grad_norm_(self.model.parameters(), limit)
                    loss, stopping, expired = self._agree(outputs, norm, stop)
                # Accelerate turns these two into no-ops until the gradients are complete.
                self.optimizer.step()
                self.optimizer.zero_grad()
        moved = self.task.follow_([output.kept for output in outputs], self.step)
        self.averaged.follow_(self.accelerator.unwrap_model(self.model), self.step)
        self.step += 1
        self._recent += [output.metrics for output in outputs]
        self._recent[-1] |= moved | {"train/grad_norm": norm}
        return loss, stopping, expired

    def _agree(
        self, outputs: list[StepOutput], norm: Tensor, stop: StopRequest
    ) -> tuple[float, bool, bool]:
        """Give all processes the same view of the step, in one exchange, and refuse a bad one.

        Returns:
            The mean loss, whether somebody asked to stop, and whether the time is up.
        """
        minutes = (time.monotonic() - self._started) / 60
        expired = self.options.max_minutes is not None and minutes >= self.options.max_minutes
        loss = torch.stack([output.loss.detach().float() for output in outputs]).mean()
        flags = torch.tensor([float(stop.requested), float(expired)], device=loss.device)
        view = torch.cat([torch.stack([loss, norm.float()]), flags])
        mean_loss, mean_norm, stopping, expiring = self.accelerator.reduce(view, "mean").tolist()
        if not math.isfinite(mean_loss):
            self._refuse_step("the loss", mean_loss)
        if not math.isfinite(mean_norm):
            self._refuse_step("the length of the gradient", mean_norm)
        return mean_loss, stopping > 0, expiring > 0

    def _refuse_step(self, what: str, value: float) -> None:
        self._save_checkpoint()
        raise NotFiniteError(
            f"{self.task.part}: {what} at step {self.step} is {value}; stopped before the weights "
            f"moved. The state before it is in {self.folder}; train into another folder with a "
            "lower training.learning_rate, from the start or with --init-from"
        )

    # What is due

    def _do_what_is_due(self, *, leaving: bool) -> None:
        last = self.step == self.config.steps
        if self._due(self.config.log_every) or leaving or last:
            self._log_recent()
        if self._due(self.config.validate_every) and not last:
            self._validate()
        if self._due(self.config.preview_every) or (last and self.config.preview_every):
            self._preview()
        if self._due(self.config.save_every) or leaving or last:
            self._save_checkpoint()
            self._save_part(finished=False)

    def _due(self, every: int | None) -> bool:
        return every is not None and self.step % every == 0

    def _log_recent(self) -> None:
        names = sorted({name for metrics in self._recent for name in metrics})
        columns = [[m[name] for m in self._recent if name in m] for name in names]
        means = [torch.stack([v.detach().float() for v in column]).mean() for column in columns]
        values = self.accelerator.reduce(torch.stack(means), "mean").tolist()
        now = time.monotonic()
        steps = len(self._recent) / self.config.accumulation
        rate = steps / max(now - self._logged_at, 1e-9)
        metrics = dict(zip(names, values, strict=True)) | {
            "train/learning_rate": learning_rate(self.step - 1, self.config.steps, self.config),
            "speed/steps_per_second": rate,
            "speed/codes_per_second": rate * self._codes_per_step,
        }
        self.records.metrics(metrics, self.step)
        self._recent.clear()
        self._logged_at = now

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            with torch.no_grad(), self.accelerator.autocast():
                metrics = self.task.validate(self.averaged.module)
            if metrics:
                self.records.metrics(metrics, self.step)
                say(f"{self.task.part}, validation at step {self.step}: {_listed(metrics)}")
        self.accelerator.wait_for_everyone()

    def _preview(self) -> None:
        if self.accelerator.is_main_process:
            folder = self.folder / "previews"
            with torch.no_grad(), self.accelerator.autocast():
                previews = self.task.preview(self.averaged.module, self.step, folder)
            for name, path in previews:
                self.records.audio(name, path, self.step)
        self.accelerator.wait_for_everyone()

    def _finish(self) -> None:
        if self.accelerator.is_main_process:
            with torch.no_grad(), self.accelerator.autocast():
                report = self.task.close(self.averaged.module)
            numbers = {name: value for name, value in report.items() if isinstance(value, float)}
            if numbers:
                self.records.metrics(numbers, self.step)
            files.write_json(self.folder / "validation.json", report)
            self._save_part(finished=True, validation=report)
            say(f"{self.task.part}, finished after {self.step} steps: {_listed(numbers) or 'done'}")
        self.accelerator.wait_for_everyone()

    def _say(self, text: str) -> None:
        if self.accelerator.is_main_process:
            say(text)

    @property
    def _codes_per_step(self) -> int:
        return self.config.batch_size * self.task.codes_per_clip

    # State

    def _restore_(self, checkpoint: Checkpoint, optimizer: torch.optim.Optimizer) -> None:
        self.task.model.load_state_dict(checkpoint.model)
        self.averaged.module.load_state_dict(checkpoint.averaged)
        optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step

    def _save_checkpoint(self) -> None:
        if self.accelerator.is_main_process:
            checkpoint = Checkpoint(
                step=self.step,
                model=tensors_of(self.accelerator.unwrap_model(self.model)),
                averaged=tensors_of(self.averaged.module),
                optimizer=self.optimizer.state_dict(),
                run=asdict(self.facts),
            )
            save_checkpoint(self.folder, checkpoint, self.config.keep_checkpoints)
        self.accelerator.wait_for_everyone()

    def _save_part(self, *, finished: bool, **report: Any) -> None:
        if self.accelerator.is_main_process:
            facts = {"run": self.facts.digest, "data": self.facts.data}
            facts |= {"steps": self.step, "finished": finished} | report
            self.task.save(self.averaged.module.state_dict(), facts)


def _leave_signals_to_the_parent(_worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _listed(metrics: dict[str, float]) -> str:
    named = ((name.split("/", 1)[-1], value) for name, value in metrics.items())
    return ", ".join(f"{name} {value:.4g}" for name, value in named)
