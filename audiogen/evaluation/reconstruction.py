"""How close a reconstruction is to its source: spectral convergence, log-mel distance, SI-SDR.

Waveforms are (channel, sample) or (batch, channel, sample), compared as mono. Where one is longer
its end is left out: a codec drops the samples that fill no frame.
"""

import torch
import torch.nn.functional as F
from einops import reduce
from torch import Tensor

from audiogen.codec.losses import QUIET_NORM, SINGLE_RESOLUTION, StftConfig, magnitudes

CLIP_SECONDS = 6.0

MEL_STFT = StftConfig(fft_size=2048, hop_length=512, window_length=2048)
MEL_FLOOR = 1e-4
"""Mel magnitude that counts as silence: 80 dB under 1."""


def spectral_convergence_db(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Return 20 log10 of the mean over clips of the relative spectral error; lower is better.

    0 dB is what silence scores. Clips are 6 s; material shorter than that is one clip. Not a
    number where every clip is silent.
    """
    return to_db(spectral_convergence_ratios(reference, estimate, sample_rate))


def spectral_convergence_ratios(reference: Tensor, estimate: Tensor, sample_rate: int) -> Tensor:
    """Return (clip,) the norm of the spectral error over that of the spectrum, of each clip.

    Magnitudes are linear, FFT 2048, hop 256, Hann 1536. Silent clips (norm under 2e-3) are left
    out, as is the rest after the last full clip. To pool songs, concatenate their ratios.
    """
    reference, estimate = _same_length(reference, estimate)
    ratios = []
    # Clip by clip, so that memory does not grow with the song.
    for clip, copy in zip(
        _clips(reference, sample_rate), _clips(estimate, sample_rate), strict=True
    ):
        spectrum = magnitudes(clip, SINGLE_RESOLUTION)
        norm = torch.linalg.vector_norm(spectrum, dim=(-2, -1))
        error = torch.linalg.vector_norm(
            spectrum - magnitudes(copy, SINGLE_RESOLUTION), dim=(-2, -1)
        )
        ratios.append((error / norm)[norm >= QUIET_NORM])
    return torch.cat(ratios)


def to_db(ratios: Tensor) -> float:
    """Return 20 log10 of the mean of amplitude ratios (clip,); not a number if there are none."""
    return (20 * ratios.double().mean().log10()).item()


def log_mel_distance(
    reference: Tensor, estimate: Tensor, sample_rate: int, num_bands: int = 80
) -> float:
    """Return the mean difference, in dB, of mel magnitudes (FFT 2048, hop 512) above -80 dB."""
    reference, estimate = _same_length(reference, estimate)
    bands = mel_bands(sample_rate, MEL_STFT.fft_size, num_bands).to(reference.device)
    levels = [
        20 * (bands @ magnitudes(_reflectable(waveform), MEL_STFT)).clamp(min=MEL_FLOOR).log10()
        for waveform in (reference, estimate)
    ]
    return (levels[0] - levels[1]).abs().mean().item()


def mel_bands(sample_rate: int, fft_size: int, num_bands: int) -> Tensor:
    """Return triangular filters (band, bin) that are even on the mel scale, each of sum 1.

    The scale is O'Shaughnessy's, 2595 log10(1 + f / 700). A band narrower than a bin takes the
    bin nearest to its center.
    """
    top = 2595 * torch.tensor(1 + sample_rate / 2 / 700, dtype=torch.float64).log10().item()
    mels = torch.linspace(0, top, num_bands + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = torch.linspace(0, sample_rate / 2, fft_size // 2 + 1, dtype=torch.float64)
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (center - low), (high - bins) / (high - center)
    filters = torch.minimum(rising, falling).clamp(min=0)
    nearest = F.one_hot((bins - center).abs().argmin(dim=1), len(bins)).to(filters.dtype)
    filters = torch.where(filters.sum(dim=1, keepdim=True) > 0, filters, nearest)
    return (filters / filters.sum(dim=1, keepdim=True)).float()


def si_sdr_db(reference: Tensor, estimate: Tensor) -> float:
    """Return the scale-invariant signal-to-distortion ratio, mean over the batch; higher is better.

    Source: Le Roux et al. 2019. Needs the phase to be right, which a spectral loss does not ask
    for: a codec may sound fine and score low.
    """
    reference, estimate = (
        reduce(waveform.double(), "batch channel sample -> batch sample", "mean")
        for waveform in _same_length(reference, estimate)
    )
    reference = reference - reference.mean(dim=1, keepdim=True)
    estimate = estimate - estimate.mean(dim=1, keepdim=True)
    tiny = torch.finfo(torch.float64).tiny
    energy = reference.square().sum(dim=1, keepdim=True).clamp(min=tiny)
    target = reference * (estimate * reference).sum(dim=1, keepdim=True) / energy
    noise = (estimate - target).square().sum(dim=1).clamp(min=tiny)
    signal = target.square().sum(dim=1).clamp(min=tiny)
    return (10 * (signal / noise).log10()).mean().item()


def _same_length(reference: Tensor, estimate: Tensor) -> tuple[Tensor, Tensor]:
    length = min(reference.shape[-1], estimate.shape[-1])
    cut = [waveform[..., :length] for waveform in (reference, estimate)]
    reference, estimate = (x.unsqueeze(0) if x.ndim == 2 else x for x in cut)
    if reference.shape[0] != estimate.shape[0]:
        raise ValueError(f"{reference.shape[0]} references, {estimate.shape[0]} estimates")
    return reference, estimate


def _clips(waveform: Tensor, sample_rate: int) -> list[Tensor]:
    length = round(CLIP_SECONDS * sample_rate)
    num_clips = waveform.shape[-1] // length
    if not num_clips:
        return [_reflectable(waveform)]
    return list(waveform[..., : num_clips * length].chunk(num_clips, dim=-1))


def _reflectable(waveform: Tensor) -> Tensor:
    """Pad what is too short for one FFT with silence."""
    return F.pad(waveform, (0, max(0, SINGLE_RESOLUTION.fft_size - waveform.shape[-1])))
