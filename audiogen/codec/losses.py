"""Waveform and spectral distances of the codec, and the constants that make them comparable.

Distances take a target (batch, channel, sample) and the estimates of all levels
(level, batch, channel, sample), so that the target's spectrum is computed once, and return one
value a level. Source: Jukebox, loss of the VQ-VAE; Yamamoto et al. 2020 (Parallel WaveGAN) for the
multi-resolution spectral loss.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Literal

import torch
from einops import rearrange
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import Tensor

from audiogen.config import Settings

QUIET_NORM = 2e-3
"""Spectral norm under which a clip counts as silent and its spectral convergence as 0."""

LOG_FLOOR = 1e-4
"""Magnitude added before the logarithm."""


class StftConfig(Settings):
    """One resolution of a short-time Fourier transform, in samples."""

    fft_size: PositiveInt = 2048
    hop_length: PositiveInt = 256
    window_length: PositiveInt = 1536

    @model_validator(mode="after")
    def _check_window(self) -> "StftConfig":
        if self.window_length > self.fft_size:
            raise ValueError(
                f"window_length {self.window_length} is longer than fft_size {self.fft_size}"
            )
        return self


SINGLE_RESOLUTION = StftConfig()

_THREE_RESOLUTIONS = (
    StftConfig(fft_size=2048, hop_length=240, window_length=1200),
    StftConfig(fft_size=1024, hop_length=120, window_length=600),
    StftConfig(fft_size=512, hop_length=50, window_length=240),
)


class CodecLossConfig(Settings):
    """What the codec is trained to keep; the defaults are the released model's."""

    reconstruction: Literal["l1", "l2", "linf", "lmix"] = "lmix"
    """Distance of waveforms; lmix is the weighted sum of the three others."""

    l1_weight: NonNegativeFloat = 0.0
    """Weight within lmix."""

    l2_weight: NonNegativeFloat = 1.0
    """Weight within lmix."""

    linf_weight: NonNegativeFloat = 0.02
    """Weight within lmix."""

    linf_top_k: PositiveInt = 2048
    """Number of largest squared errors of a clip that linf averages."""

    spectral_weight: NonNegativeFloat = 0.0
    """Weight of the spectral distance at one resolution."""

    relative_spectral: bool = False
    """Divide that distance by the norm of the target's spectrum, not by a constant of the data."""

    multi_spectral_weight: NonNegativeFloat = 1.0
    """Weight of the spectral distance at several resolutions."""

    multi_spectral: tuple[StftConfig, ...] = Field(_THREE_RESOLUTIONS, min_length=1)

    log_spectral_weight: NonNegativeFloat = 0.0
    """Weight of the distance of log magnitudes, which hears quiet partials too."""

    commitment_weight: NonNegativeFloat = 0.02
    """Weight of the pull of the encoder to its codes."""


@dataclass(frozen=True)
class Bandwidth:
    """Constants of the data by which the losses are divided; 1 leaves them as they are."""

    l1: float = 1.0  # mean magnitude of a sample
    l2: float = 1.0  # variance of the samples
    spec: float = 1.0  # mean norm of a clip's spectrum; grows with the clip's length

    def as_tensor(self) -> Tensor:
        """Return (3,): l1, l2, spec."""
        return torch.tensor(astuple(self), dtype=torch.float32)


def measure_bandwidth(waveforms: Iterable[Tensor]) -> Bandwidth:
    """Measure the constants over clips (batch, channel, sample) as long as those of training.

    Raises:
        ValueError: no clips, or nothing but silence.
    """
    count, total, magnitude, square = 0, 0.0, 0.0, 0.0
    norms: list[Tensor] = []
    for waveform in waveforms:
        samples = waveform.double()
        count += samples.numel()
        total += samples.sum().item()
        magnitude += samples.abs().sum().item()
        square += samples.square().sum().item()
        norms.append(_norm(magnitudes(waveform, SINGLE_RESOLUTION)).double())
    if not count or not square:
        raise ValueError("no sound to measure the bandwidth of")
    mean = total / count
    return Bandwidth(magnitude / count, square / count - mean**2, torch.cat(norms).mean().item())


def reconstruction_distance(
    target: Tensor, estimates: Tensor, config: CodecLossConfig, bandwidth: Tensor
) -> Tensor:
    """Return the waveform distance (level,) that `config` asks for; `bandwidth` is (3,)."""
    scale_l1, variance, _ = bandwidth.unbind()
    error = estimates - target
    parts = {
        "l1": lambda: error.abs().mean(dim=(1, 2, 3)) / scale_l1,
        "l2": lambda: error.square().mean(dim=(1, 2, 3)) / variance,
        "linf": lambda: _largest_squares(error, config.linf_top_k) / variance,
    }
    if config.reconstruction != "lmix":
        return parts[config.reconstruction]()
    weights = {"l1": config.l1_weight, "l2": config.l2_weight, "linf": config.linf_weight}
    weighted = [weight * parts[name]() for name, weight in weights.items() if weight]
    return torch.stack(weighted).sum(dim=0) if weighted else error.new_zeros(len(error))


def spectral_distance(
    target: Tensor, estimates: Tensor, bandwidth: Tensor, *, relative: bool = False
) -> Tensor:
    """Return (level,) the distance of magnitude spectra at one resolution."""
    if relative:
        return spectral_convergence(target, estimates).mean(dim=1)
    return _spectral_errors(target, estimates, SINGLE_RESOLUTION).mean(dim=1) / bandwidth[2]


def multi_spectral_distance(
    target: Tensor, estimates: Tensor, resolutions: Iterable[StftConfig], bandwidth: Tensor
) -> Tensor:
    """Return (level,) the mean over resolutions of the distance of magnitude spectra."""
    errors = [_spectral_errors(target, estimates, stft) for stft in resolutions]
    return torch.stack(errors).mean(dim=(0, 2)) / bandwidth[2]


def log_spectral_distance(target: Tensor, estimates: Tensor) -> Tensor:
    """Return (level,) the mean difference of log magnitudes at one resolution."""
    reference = (magnitudes(target, SINGLE_RESOLUTION) + LOG_FLOOR).log()
    estimate = (_of_levels(estimates, SINGLE_RESOLUTION) + LOG_FLOOR).log()
    return (estimate - reference).abs().mean(dim=(1, 2, 3))


def spectral_convergence(target: Tensor, estimates: Tensor) -> Tensor:
    """Return (level, batch) the norm of the spectral error over that of the target's spectrum."""
    norm = _norm(magnitudes(target, SINGLE_RESOLUTION))
    errors = _spectral_errors(target, estimates, SINGLE_RESOLUTION)
    return torch.where(norm > QUIET_NORM, errors / norm.clamp(min=QUIET_NORM), 0.0)


def magnitudes(waveform: Tensor, stft: StftConfig) -> Tensor:
    """Return linear magnitudes (batch, bin, frame) of `waveform` (batch, channel, sample) as mono.

    Raises:
        ValueError: the waveform is too short to be reflected at its ends.
    """
    mono = waveform.float().mean(dim=1)
    if mono.shape[-1] <= stft.fft_size // 2:
        raise ValueError(
            f"{mono.shape[-1]} samples are too short for an FFT of {stft.fft_size}: "
            f"it takes {stft.fft_size // 2 + 1} or more"
        )
    window = torch.hann_window(stft.window_length, device=mono.device)
    spectrum = torch.stft(
        mono,
        stft.fft_size,
        stft.hop_length,
        stft.window_length,
        window,
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    return spectrum.abs()


def _of_levels(estimates: Tensor, stft: StftConfig) -> Tensor:
    """Return magnitudes (level, batch, bin, frame) of (level, batch, channel, sample)."""
    spectra = magnitudes(estimates.flatten(0, 1), stft)
    return rearrange(
        spectra, "(level batch) bin frame -> level batch bin frame", level=len(estimates)
    )


def _spectral_errors(target: Tensor, estimates: Tensor, stft: StftConfig) -> Tensor:
    """Return (level, batch) the norm of the difference of magnitudes."""
    return _norm(_of_levels(estimates, stft) - magnitudes(target, stft))


def _norm(spectra: Tensor) -> Tensor:
    return torch.linalg.vector_norm(spectra, dim=(-2, -1))


def _largest_squares(error: Tensor, k: int) -> Tensor:
    """Return (level,) the mean of the `k` largest squared errors of each clip."""
    squares = error.flatten(2).square()
    return squares.topk(min(k, squares.shape[-1]), sorted=False).values.mean(dim=(1, 2))
