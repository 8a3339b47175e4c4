import math

import pytest
import torch
from pydantic import ValidationError

from audiogen.codec.losses import (
    SINGLE_RESOLUTION,
    Bandwidth,
    CodecLossConfig,
    StftConfig,
    log_spectral_distance,
    magnitudes,
    measure_bandwidth,
    multi_spectral_distance,
    reconstruction_distance,
    spectral_convergence,
    spectral_distance,
)

BANDWIDTH = Bandwidth(l1=0.5, l2=0.25, spec=4.0).as_tensor()


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(2, 1, 4096, generator=generator)
    return target, target + 0.1 * torch.randn(3, 2, 1, 4096, generator=generator)


def distance(pair, **settings):
    return reconstruction_distance(*pair, CodecLossConfig(**settings), BANDWIDTH)


def test_waveform_distances_are_divided_by_their_constants(pair):
    target, estimates = pair
    error = (estimates - target).flatten(1)

    torch.testing.assert_close(distance(pair, reconstruction="l1"), error.abs().mean(1) / 0.5)
    torch.testing.assert_close(distance(pair, reconstruction="l2"), error.square().mean(1) / 0.25)


def test_linf_is_the_mean_of_the_largest_squared_errors_of_a_clip(pair):
    target, estimates = pair
    squares = (estimates - target).flatten(2).square().sort(dim=2, descending=True).values

    expected = squares[..., :100].mean(dim=(1, 2)) / 0.25
    torch.testing.assert_close(distance(pair, reconstruction="linf", linf_top_k=100), expected)


def test_linf_of_a_clip_shorter_than_k_is_the_mean_of_all(pair):
    whole = distance(pair, reconstruction="linf", linf_top_k=10**6)

    torch.testing.assert_close(whole, distance(pair, reconstruction="l2"))


def test_lmix_is_the_weighted_sum(pair):
    parts = {name: distance(pair, reconstruction=name) for name in ("l1", "l2", "linf")}

    mixed = distance(pair, l1_weight=0.3, l2_weight=0.7, linf_weight=0.1)
    torch.testing.assert_close(mixed, 0.3 * parts["l1"] + 0.7 * parts["l2"] + 0.1 * parts["linf"])


def test_magnitudes_are_linear_centered_and_of_the_mono_mix():
    time = torch.arange(8192) / 8192
    tone = 0.5 * torch.sin(2 * math.pi * 64 * 8192 / 2048 * time)  # exactly bin 64
    spectrum = magnitudes(torch.stack([2 * tone, torch.zeros(8192)])[None], SINGLE_RESOLUTION)

    assert spectrum.shape == (1, 1025, 8192 // 256 + 1)
    assert spectrum[0, :, 16].argmax() == 64
    # Half the amplitude times the sum of the window.
    torch.testing.assert_close(spectrum[0, 64, 16].item(), 0.25 * 768, rtol=1e-3, atol=0)


def test_spectral_distances_vanish_for_equal_sounds_and_ignore_the_sign():
    target = torch.randn(2, 1, 4096)
    estimates = torch.stack([target, -target])
    resolutions = CodecLossConfig().multi_spectral

    zeros = torch.zeros(2)
    torch.testing.assert_close(spectral_distance(target, estimates, BANDWIDTH), zeros)
    torch.testing.assert_close(
        multi_spectral_distance(target, estimates, resolutions, BANDWIDTH), zeros
    )
    torch.testing.assert_close(log_spectral_distance(target, estimates), zeros)


def test_the_multi_resolution_distance_is_the_mean_over_resolutions(pair):
    target, estimates = pair
    resolutions = CodecLossConfig().multi_spectral
    norms = [
        (magnitudes(estimates[1], stft) - magnitudes(target, stft)).flatten(1).norm(dim=1).mean()
        for stft in resolutions
    ]

    ours = multi_spectral_distance(target, estimates, resolutions, BANDWIDTH)[1]
    torch.testing.assert_close(ours, torch.stack(norms).mean() / 4.0)


def test_spectral_convergence_is_one_for_silence_and_zero_where_the_target_is_silent():
    target = torch.randn(2, 1, 4096)
    target[1] = 0
    convergence = spectral_convergence(target, torch.zeros(1, 2, 1, 4096))

    torch.testing.assert_close(convergence, torch.tensor([[1.0, 0.0]]))


def test_gradients_are_finite_where_both_sounds_are_silent():
    estimates = torch.zeros(1, 1, 1, 4096, requires_grad=True)
    spectral_distance(torch.zeros(1, 1, 4096), estimates, BANDWIDTH).sum().backward()

    assert estimates.grad.isfinite().all()


def test_a_clip_shorter_than_half_the_transform_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="1024 samples are too short for an FFT of 2048.* 1025"):
        magnitudes(torch.zeros(1, 1, 1024), SINGLE_RESOLUTION)


def test_a_window_longer_than_the_transform_is_refused():
    with pytest.raises(ValidationError, match="window_length 1200 is longer than fft_size 1024"):
        StftConfig(fft_size=1024, window_length=1200)


def test_bandwidth_is_mean_magnitude_variance_and_mean_norm():
    clips = [torch.randn(2, 1, 3000) * 0.1 + 0.05 for _ in range(3)]
    measured = measure_bandwidth(clips)

    samples = torch.cat(clips).double()
    norms = [magnitudes(clip, SINGLE_RESOLUTION).flatten(1).norm(dim=1) for clip in clips]
    assert measured.l1 == pytest.approx(samples.abs().mean().item())
    assert measured.l2 == pytest.approx(samples.var(correction=0).item())
    assert measured.spec == pytest.approx(torch.cat(norms).mean().item())


def test_bandwidth_of_silence_is_an_error():
    with pytest.raises(ValueError, match="no sound"):
        measure_bandwidth([torch.zeros(1, 1, 3000)])
