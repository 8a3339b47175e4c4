import math

import torch

from audiogen.sampling.noise import gumbel_noise


def test_noise_of_an_item_is_the_same_alone_and_in_a_batch():
    batch = gumbel_noise([7, 8, 9], level=1, start=0, end=5, codebook_size=20)
    alone = gumbel_noise([9], level=1, start=0, end=5, codebook_size=20)

    assert torch.equal(batch[2:], alone)


def test_noise_of_a_frame_does_not_depend_on_the_frames_drawn_with_it():
    whole = gumbel_noise([7], level=0, start=0, end=50, codebook_size=33)

    for start, end in [(0, 1), (13, 14), (13, 50), (49, 50)]:
        assert torch.equal(whole[:, start:end], gumbel_noise([7], 0, start, end, 33))


def test_seed_level_and_frame_each_change_the_noise():
    noise = gumbel_noise([7, 8], level=0, start=0, end=2, codebook_size=16)
    other_level = gumbel_noise([7], level=1, start=0, end=1, codebook_size=16)

    rows = [*noise.reshape(4, 16), other_level.reshape(16)]
    assert len({tuple(row.tolist()) for row in rows}) == 5


def test_the_largest_seeds_still_differ():
    last = gumbel_noise([2**63 - 2, 2**63 - 1], level=2, start=0, end=1, codebook_size=8)

    assert not torch.equal(last[0], last[1])


def test_noise_is_gumbel_distributed():
    noise = gumbel_noise([3], level=0, start=0, end=500, codebook_size=400).double()

    # 200 000 draws: the standard error of the mean is 0.003.
    assert abs(noise.mean() - 0.5772) < 0.015
    assert abs(noise.std() - math.pi / math.sqrt(6)) < 0.015
    assert torch.isfinite(noise).all()


def test_neighboring_frames_and_codes_are_uncorrelated():
    noise = gumbel_noise([3], level=0, start=0, end=500, codebook_size=400)[0].double()
    noise = (noise - noise.mean()) / noise.std()

    assert abs((noise[1:] * noise[:-1]).mean()) < 0.015
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.015
