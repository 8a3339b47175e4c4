"""Clips of waveform with their track and their place in it, numbered without end."""

from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from audiogen.data.audio_file import read_audio
from audiogen.data.clips import Clip, ClipPlan, uniform
from audiogen.data.manifest import Manifest
from audiogen.errors import UserError

MISSING_SECONDS = 0.1
"""A clip may end this much early: durations in manifests are rounded, resampling rounds too."""

BLEND_STREAM = 1
"""Tells the draws of the mono mix from those of the clip's place."""


class WaveformClip(TypedDict):
    """One clip."""

    waveform: Tensor  # (channel, sample) float32
    track: int  # index in manifest.tracks
    start: int  # first sample at the dataset's sample rate


class WaveformDataset(Dataset[WaveformClip]):
    """Clips of the tracks of a manifest; item i is a pure function of (seed, i)."""

    def __init__(
        self,
        manifest: Manifest,
        sample_rate: int,
        channels: int,
        clip_length: int,
        seed: int,
        blend: bool = False,
    ) -> None:
        """Plan clips of `clip_length` samples at `sample_rate`.

        With `blend`, stereo becomes mono with a mix drawn for each item in place of the middle.

        Raises:
            UserError: no track is as long as a clip.
        """
        self.manifest, self.sample_rate, self.channels = manifest, sample_rate, channels
        self.clip_length, self.seed, self.blend = clip_length, seed, blend
        lengths = [int(track.duration * sample_rate) for track in manifest.tracks]
        self.plan = ClipPlan(lengths, clip_length, seed)

    def __len__(self) -> int:
        """Return the items of one epoch; items go on beyond it."""
        return self.plan.num_clips

    def __getitem__(self, item: int) -> WaveformClip:
        """Read item `item` of the endless order.

        Raises:
            UserError: the file is gone, damaged, or shorter than the manifest says.
        """
        mix = uniform(self.seed, item, BLEND_STREAM) if self.blend else 0.5
        return self._read(self.plan.clip(item), mix)

    def evenly(self, count: int) -> list[WaveformClip]:
        """Read at most `count` fixed clips, spread over the collection."""
        return [self._read(clip, 0.5) for clip in self.plan.evenly(count)]

    def _read(self, clip: Clip, mix: float) -> WaveformClip:
        path = self.manifest.audio_path(self.manifest.tracks[clip.track])
        waveform = read_audio(
            path, self.sample_rate, self.channels, clip.start, self.clip_length, mix
        )
        missing = self.clip_length - waveform.shape[1]
        if missing > MISSING_SECONDS * self.sample_rate:
            raise UserError(
                f"{path}: shorter than the manifest says, by {missing / self.sample_rate:.2f} s; "
                "run: audiogen scan"
            )
        waveform = torch.nn.functional.pad(waveform, (0, missing))
        return {"waveform": waveform, "track": clip.track, "start": clip.start}
