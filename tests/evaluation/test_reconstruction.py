import math

import pytest
import torch

from audiogen.evaluation.reconstruction import (
    log_mel_distance,
    mel_bands,
    si_sdr_db,
    spectral_convergence_db,
    spectral_convergence_ratios,
)

RATE = 2000  # a clip is 12000 samples


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_spectral_convergence_of_silence_is_zero_db_and_of_half_the_sound_minus_six():
    sound = noise(1, 12000)

    assert spectral_convergence_db(sound, 0 * sound, RATE) == pytest.approx(0.0, abs=1e-6)
    assert spectral_convergence_db(sound, sound / 2, RATE) == pytest.approx(-6.0206, abs=1e-3)


def test_ratios_are_averaged_before_the_logarithm():
    sound = noise(1, 24000)
    estimate = torch.cat([sound[:, :12000] * 0.9, sound[:, 12000:] * 0.5], dim=1)

    expected = 20 * math.log10((0.1 + 0.5) / 2)
    assert spectral_convergence_db(sound, estimate, RATE) == pytest.approx(expected, abs=1e-3)


def test_the_ratio_is_that_of_the_defined_transform():
    sound, estimate = noise(1, 12000), noise(1, 12000) * 0.7 + 0.1
    spectra = [
        torch.stft(
            x, 2048, 256, 1536, torch.hann_window(1536), pad_mode="reflect", return_complex=True
        ).abs()
        for x in (sound, estimate)
    ]
    expected = (spectra[0] - spectra[1]).norm() / spectra[0].norm()

    ratios = spectral_convergence_ratios(sound, estimate, RATE)
    torch.testing.assert_close(ratios, expected[None])


def test_silent_clips_are_left_out():
    sound = noise(1, 24000)
    sound[:, 12000:] = 0

    assert spectral_convergence_ratios(sound, sound * 0.5, RATE).shape == (1,)
    assert math.isnan(spectral_convergence_db(0 * sound, sound, RATE))


@pytest.mark.parametrize(
    ("length", "clips"), [(100, 1), (5000, 1), (12000, 1), (30000, 2), (36000, 3)]
)
def test_clips_are_six_seconds_and_short_material_is_one_clip(length, clips):
    sound = noise(1, length)

    ratios = spectral_convergence_ratios(sound, sound * 0.5, RATE)
    torch.testing.assert_close(ratios, torch.full((clips,), 0.5))


def test_a_batch_counts_its_items_as_clips_and_the_longer_end_is_left_out():
    sound = noise(3, 2, 12500)

    assert spectral_convergence_ratios(sound, sound[..., :12100], RATE).shape == (3,)


def test_different_batches_are_refused():
    with pytest.raises(ValueError, match="3 references, 2 estimates"):
        si_sdr_db(noise(3, 1, 100), noise(2, 1, 100))


def test_log_mel_distance_of_a_gain_is_the_gain():
    sound = noise(1, 12000)

    assert log_mel_distance(sound, sound * 0.5, RATE) == pytest.approx(6.0206, abs=1e-3)
    assert log_mel_distance(sound, sound, RATE) == 0


def test_mel_bands_rise_overlap_and_none_is_empty():
    bands = mel_bands(22050, 2048, 80)

    assert bands.shape == (80, 1025)
    torch.testing.assert_close(bands.sum(dim=1), torch.ones(80))
    centers = bands.argmax(dim=1)
    assert (centers.diff() >= 0).all()
    assert centers[-1] > 900


def test_si_sdr_ignores_gain_and_offset_and_measures_added_noise():
    sound = noise(1, 20000)
    other = torch.randn(1, 20000, generator=torch.Generator().manual_seed(1))

    measured = si_sdr_db(sound, 3 * (sound + 0.1 * other) + 0.2)
    assert measured == pytest.approx(20, abs=0.3)
    assert si_sdr_db(sound, 2 * sound) > 100
