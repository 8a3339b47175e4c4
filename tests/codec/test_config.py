import pytest
from pydantic import ValidationError

from audiogen.codec.config import CodecConfig


def test_the_defaults_are_the_released_hops():
    assert CodecConfig().hop_lengths == (8, 32, 128)
    assert CodecConfig().num_levels == 3


def test_each_level_may_have_its_own_stride():
    config = CodecConfig(
        num_downsamplings=(1, 2),
        downsampling_stride=(5, 3),
        width_multipliers=(1, 1),
        depth_multipliers=(1, 1),
    )
    assert config.hop_lengths == (5, 45)


def test_lists_that_do_not_match_the_levels_are_refused_with_both_numbers():
    with pytest.raises(ValidationError, match="width_multipliers has 3 entries.* has 2"):
        CodecConfig(num_downsamplings=(3, 2))


def test_a_hidden_multiplier_that_leaves_no_channel_is_refused():
    with pytest.raises(ValidationError, match="leaves no channel of 32"):
        CodecConfig(hidden_multiplier=0.01)
