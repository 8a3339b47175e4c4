"""The codec: encode, decode and the training loss over all levels.

Every level is an autoencoder of its own, from the waveform and to the waveform: with a shared
hierarchy the upper levels would carry next to nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from audiogen.codec import losses
from audiogen.codec.autoencoder import Autoencoder
from audiogen.codec.config import CodecConfig
from audiogen.codec.losses import Bandwidth
from audiogen.codec.quantizer import Draw, draw_vectors, num_vectors

CHUNK_SAMPLES = 5 * 2**15
"""Samples encoded or decoded at once, margins not counted.

The finest released level has a margin of 46 thousand samples a side: longer chunks waste less time
on margins, shorter ones take less memory. This one takes about 1 GB on a CPU, in all.
"""

# What a random draw is for; part of its seed.
_INITIALIZE, _RESTART = 0, 1

__all__ = ["CHUNK_SAMPLES", "Codec", "CodecConfig", "CodecOutput"]


class CodecOutput(NamedTuple):
    """What one training pass made of one micro-batch; lists of levels are finest first."""

    loss: Tensor  # ()
    metrics: dict[str, Tensor]  # each ()
    reconstructions: tuple[Tensor, ...]  # (batch, channel, sample) each
    latents: tuple[Tensor, ...]  # (batch, dim, frame) each, detached
    codes: tuple[Tensor, ...]  # (batch, frame) each


class Codec(nn.Module):
    """All levels, finest first.

    The codebooks do not move in `forward`. A training step calls `initialize_codebooks_` once,
    before the first loss, and `update_codebooks_` after each loss that was found finite.
    """

    bandwidth: Tensor  # (3,) constants of the data by which the losses are divided

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.levels = nn.ModuleList(
            Autoencoder(config, level) for level in range(config.num_levels)
        )
        self.register_buffer("bandwidth", Bandwidth().as_tensor())

    @property
    def autoencoders(self) -> list[Autoencoder]:
        """The levels, with the type that a ModuleList hides."""
        return cast(list[Autoencoder], list(self.levels))

    @property
    def num_levels(self) -> int:
        """Number of levels."""
        return self.config.num_levels

    @property
    def hop_lengths(self) -> tuple[int, ...]:
        """Audio samples a code frame, finest level first."""
        return self.config.hop_lengths

    @property
    def codebooks_initialized(self) -> bool:
        """Whether every codebook has values; asks the device."""
        return all(bool(level.quantizer.initialized) for level in self.autoencoders)

    def set_bandwidth_(self, bandwidth: Bandwidth) -> None:
        """Set the constants of the data by which the losses are divided; saved with the weights."""
        self.bandwidth.copy_(bandwidth.as_tensor())

    def forward(self, waveform: Tensor) -> CodecOutput:
        """Reconstruct `waveform` (batch, channel, sample) at every level and measure the loss.

        Raises:
            ValueError: the number of samples is not a multiple of the coarsest hop.
        """
        self._check_channels(waveform)
        if waveform.shape[-1] % self.hop_lengths[-1]:
            raise ValueError(
                f"clips of {waveform.shape[-1]} samples do not divide into frames of "
                f"{self.hop_lengths[-1]} samples"
            )
        reconstructions, latents, quantized = zip(
            *(level(waveform) for level in self.levels), strict=True
        )
        commitment = torch.stack([part.commitment_loss for part in quantized])
        loss, metrics = self._loss(waveform, torch.stack(reconstructions).float(), commitment)
        return CodecOutput(
            loss,
            metrics,
            tuple(reconstruction.detach() for reconstruction in reconstructions),
            tuple(latent.detach() for latent in latents),
            tuple(part.codes for part in quantized),
        )

    def _loss(
        self, target: Tensor, estimates: Tensor, commitment: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        config, bandwidth = self.config.loss, self.bandwidth
        terms = {
            "reconstruction_loss": (
                1.0,
                losses.reconstruction_distance(target, estimates, config, bandwidth),
            ),
            "commitment_loss": (config.commitment_weight, commitment),
        }
        if config.spectral_weight:
            distance = losses.spectral_distance(
                target, estimates, bandwidth, relative=config.relative_spectral
            )
            terms["spectral_loss"] = (config.spectral_weight, distance)
        if config.multi_spectral_weight:
            distance = losses.multi_spectral_distance(
                target, estimates, config.multi_spectral, bandwidth
            )
            terms["multi_spectral_loss"] = (config.multi_spectral_weight, distance)
        if config.log_spectral_weight:
            distance = losses.log_spectral_distance(target, estimates)
            terms["log_spectral_loss"] = (config.log_spectral_weight, distance)
        loss = torch.stack([weight * value.sum() for weight, value in terms.values()]).sum()
        return loss, _metrics(loss, {name: value.detach() for name, (_, value) in terms.items()})

    def initialize_codebooks_(self, waveforms: Tensor | Sequence[Tensor], seed: int) -> None:
        """Fill the codebooks that have no values yet from the latents of one global batch.

        Args:
            waveforms: this process's micro-batches, (batch, channel, sample) each, or one of them.
            seed: the same on every process.
        """
        if isinstance(waveforms, Tensor):
            waveforms = [waveforms]
        for index, level in enumerate(self.autoencoders):
            if bool(level.quantizer.initialized):
                continue
            with torch.no_grad():
                latents = [level.encoder(waveform) for waveform in waveforms]
            draw = self._draw(latents, (_INITIALIZE, seed, 0, index))
            level.quantizer.initialize_(latents, draw)

    def update_codebooks_(
        self, outputs: Sequence[CodecOutput], seed: int, step: int
    ) -> dict[str, Tensor]:
        """Move every codebook once, for one step; call on all processes.

        Args:
            outputs: of this process's micro-batches, in order.
            seed: of the run, the same on every process.
            step: number of the step, the same on every process.

        Returns:
            Metrics of the global batch, each ().
        """
        metrics: dict[str, Tensor] = {}
        for index, level in enumerate(self.autoencoders):
            latents = [output.latents[index] for output in outputs]
            codes = [output.codes[index] for output in outputs]
            draw = self._draw(latents, (_RESTART, seed, step, index))
            statistics = level.quantizer.follow_(latents, codes, draw)
            metrics |= {f"codec/level_{index}/{name}": value for name, value in statistics.items()}
        return metrics

    def _draw(self, latents: list[Tensor], seed: tuple[int, ...]) -> Draw:
        config = self.config
        return draw_vectors(num_vectors(latents), config.codebook_size, config.codebook_dim, seed)

    def encode(self, waveform: Tensor, chunk_samples: int = CHUNK_SAMPLES) -> list[Tensor]:
        """Turn `waveform` (batch, channel, sample) into codes (batch, frame), finest level first.

        Each level gives floor(sample / hop_length) codes. Long files are read in chunks, moved to
        the codec's device one by one: memory does not grow with the length, and the codes are
        those of the whole file. The result lies on the waveform's device. Always float32.

        Raises:
            ValueError: wrong number of channels, or shorter than one frame of the coarsest level.
        """
        self._check_channels(waveform)
        batch, _, num_samples = waveform.shape
        if num_samples < self.hop_lengths[-1]:
            raise ValueError(
                f"{num_samples} samples are less than one frame of {self.hop_lengths[-1]} samples"
            )
        # Made outside of inference mode, so that codes may take part in training.
        codes = [
            torch.empty(batch, num_samples // hop_length, dtype=torch.int64, device=waveform.device)
            for hop_length in self.hop_lengths
        ]
        with torch.inference_mode(), torch.autocast(self.bandwidth.device.type, enabled=False):
            for level, filled in zip(self.autoencoders, codes, strict=True):
                level.encode_(waveform, filled, chunk_samples // level.hop_length)
        return codes

    def decode(self, codes: Tensor, level: int, chunk_samples: int = CHUNK_SAMPLES) -> Tensor:
        """Turn `codes` (batch, frame) of one level into (batch, channel, frame * hop_length).

        Read in chunks like `encode`. The result is float32, not limited to [-1, 1], and lies on
        the device of the codes. Codes are taken to be in range; check them where they enter.
        """
        batch, num_frames = codes.shape
        part = self.autoencoders[level]
        waveform = torch.empty(
            batch, self.config.channels, num_frames * part.hop_length, device=codes.device
        )
        with torch.inference_mode():
            part.decode_(codes, waveform, chunk_samples // part.hop_length)
        return waveform

    def _check_channels(self, waveform: Tensor) -> None:
        if waveform.ndim != 3 or waveform.shape[1] != self.config.channels:
            raise ValueError(
                f"expected (batch, {self.config.channels}, sample), got {tuple(waveform.shape)}"
            )


def _metrics(loss: Tensor, terms: dict[str, Tensor]) -> dict[str, Tensor]:
    """Name the loss, each term's sum over the levels, and each level's term."""
    metrics = {"codec/loss": loss.detach()}
    for name, values in terms.items():
        metrics[f"codec/{name}"] = values.sum()
        metrics |= {f"codec/level_{level}/{name}": value for level, value in enumerate(values)}
    return metrics
