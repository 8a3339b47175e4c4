"""Fills the windows of one level with cached decoding, many items at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiogen import machine
from audiogen.conditioning.labels import Labels
from audiogen.prior.cache import Cache
from audiogen.prior.model import Prior
from audiogen.sampling.logits import LevelSampling, draw
from audiogen.sampling.noise import gumbel_noise
from audiogen.sampling.windows import Window, stride_frames, windows

FRAMES_A_BLOCK = 32
"""Frames from one look at the world (noise, progress, a wish to stop) to the next."""


@dataclass(frozen=True)
class LevelWork:
    """What one level is made from."""

    prior: Prior
    seeds: Sequence[int]  # one an item
    sampling: LevelSampling
    max_batch: int
    labels_at: Callable[[int], Labels | None]
    """First frame of a window -> its labels, a batch of one that holds for every item."""
    upper_codes: Tensor | None = None  # (item, upper_frame) int64
    ratio: int = 1  # frames of this level in one frame of the level above

    def windows(self, total_frames: int, known: int = 0) -> list[Window]:
        """List the windows that are still to be made where `known` frames exist."""
        context_length = self.prior.config.context_length
        stride = stride_frames(context_length, self.sampling.window_stride, self.ratio)
        return windows(total_frames, context_length, stride, ratio=self.ratio, known=known)


@torch.inference_mode()
def fill_level(
    work: LevelWork,
    codes: Tensor,
    known: int,
    *,
    on_block: Callable[[int], None] = lambda num_codes: None,
    on_window: Callable[[Window], None] = lambda window: None,
) -> None:
    """Make frames [known, end) of `codes` (item, frame) int64, in place.

    An item's codes are a function of its seed, the labels and the frames before: the same alone
    and in a batch, and the same whether a run made all of them or went on from `known` frames.

    Args:
        work: What the level is made from.
        codes: (item, frame) int64 on the CPU; frames before `known` are read, the rest written.
        known: Frames that exist: a prompt, or the end of a window that an earlier run finished.
        on_block: Called every few frames with the number of codes made; may raise to stop.
        on_window: Called when a window is complete for every item.
    """
    filler = _WindowFiller(work, codes, on_block)
    num_weights = sum(weight.numel() for weight in work.prior.transformer.parameters())
    for window in work.windows(codes.shape[1], known):
        with machine.decoding_threads(num_weights):
            for first in range(0, len(codes), work.max_batch):
                filler.fill(window, slice(first, min(first + work.max_batch, len(codes))))
        on_window(window)


class _WindowFiller:
    def __init__(self, work: LevelWork, codes: Tensor, on_block: Callable[[int], None]) -> None:
        self._work, self._codes, self._on_block = work, codes, on_block
        self._device = next(work.prior.parameters()).device
        # By batch size: the last group of items may be smaller.
        self._caches: dict[int, Cache] = {}

    def fill(self, window: Window, items: slice) -> None:
        """Make the new frames of one window for some items."""
        prior, codes = self._work.prior, self._codes[items]
        batch = len(codes)
        if batch not in self._caches:
            self._caches[batch] = prior.new_cache(batch)
        cache = self._caches[batch]
        cache.reset()
        conditioning = self._condition(window, items, batch)
        prompt = codes[:, window.start : window.first_new].to(self._device)
        logits = prior.prefill(prompt, conditioning, cache)  # (batch, codebook_size)
        # Codes stay on the device until the window is full: fetching each would make it wait.
        made = prompt.new_empty(batch, window.num_new)
        for frame in range(window.num_new):
            place = frame % FRAMES_A_BLOCK
            if place == 0:
                noise = self._noise(window, frame, items)
            made[:, frame] = draw(logits, noise[:, place], self._work.sampling)
            last = frame + 1 == window.num_new
            if last or place + 1 == FRAMES_A_BLOCK:
                self._on_block(batch * (place + 1))
            if not last:
                logits = prior.decode_step(made[:, frame], conditioning, cache)
        codes[:, window.first_new : window.end] = made.cpu()

    def _condition(self, window: Window, items: slice, batch: int):  # noqa: ANN202 (the prior's)
        labels = self._work.labels_at(window.start)
        if labels is not None:
            labels = Labels.stack([labels] * batch).to(self._device)
        upper_codes = None
        if self._work.upper_codes is not None:
            first, ratio = window.start // self._work.ratio, self._work.ratio
            upper_codes = self._work.upper_codes[items, first : -(-window.end // ratio)]
            upper_codes = upper_codes.to(self._device)
        return self._work.prior.condition(labels, upper_codes)

    def _noise(self, window: Window, frame: int, items: slice) -> Tensor:
        """Return the noise of the block that begins at new frame `frame`."""
        config = self._work.prior.config
        first = window.first_new + frame
        end = min(first + FRAMES_A_BLOCK, window.end)
        seeds = self._work.seeds[items]
        return gumbel_noise(seeds, config.level, first, end, config.codebook_size).to(self._device)
