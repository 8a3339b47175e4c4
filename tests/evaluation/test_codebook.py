import numpy as np
import pytest
import torch

from audiogen.evaluation.codebook import code_histogram, entropy_bits, perplexity, usage_share


def test_a_histogram_counts_every_code_of_any_shape():
    codes = torch.tensor([[0, 2, 2], [3, 2, 0]])

    assert code_histogram(codes, 5).tolist() == [2, 0, 3, 1, 0]
    assert code_histogram(np.array([1, 1], dtype=np.uint16), 2).tolist() == [0, 2]


def test_histograms_of_parts_add_up():
    codes = np.arange(100) % 7

    parts = code_histogram(codes[:30], 8) + code_histogram(codes[30:], 8)
    assert parts.tolist() == code_histogram(codes, 8).tolist()


def test_evenly_used_codes_have_full_entropy_and_perplexity():
    histogram = [5, 5, 5, 5, 0, 0, 0, 0]

    assert usage_share(histogram) == 0.5
    assert entropy_bits(histogram) == pytest.approx(2.0)
    assert perplexity(histogram) == pytest.approx(4.0)


def test_one_code_alone_or_none_has_no_entropy():
    assert entropy_bits([0, 9, 0]) == 0.0
    assert entropy_bits([0, 0]) == 0.0
    assert perplexity([0, 9, 0]) == 1.0


@pytest.mark.parametrize("codes", [[0, 4], [-1, 0]])
def test_codes_outside_the_codebook_are_refused(codes):
    with pytest.raises(ValueError, match="the codebook holds 4"):
        code_histogram(codes, 4)
