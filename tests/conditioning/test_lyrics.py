import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from audiogen.conditioning.labels import Labels
from audiogen.conditioning.lyrics import LyricConfig, LyricEncoder, lyric_bits, prefix_tokens
from audiogen.errors import UserError

CONFIG = LyricConfig(
    mode="encoder", num_tokens=6, alphabet_size=5, encoder_dim=8, encoder_num_rows=2
)
TOKENS = torch.tensor([[0, 0, 1, 2, 3, 4], [4, 3, 2, 1, 2, 3]])


class Accumulate(nn.Module):
    """The simplest causal transformer: every place sees the mean of all up to itself."""

    def forward(self, x):
        return x.cumsum(dim=1) / torch.arange(1, x.shape[1] + 1).unsqueeze(-1)


@pytest.fixture
def encoder() -> LyricEncoder:
    torch.manual_seed(0)
    return LyricEncoder(CONFIG, dim=12, init_scale=1.0, transformer=Accumulate())


def test_states_and_logits_have_their_shapes(encoder):
    states = encoder(TOKENS)
    assert states.memory.shape == (2, 6, 12)
    assert states.logits.shape == (2, 6, 5)
    assert states.logits.dtype == torch.float32


def test_a_state_depends_on_the_tokens_before_it_alone(encoder):
    changed = TOKENS.clone()
    changed[:, 3] = 0
    same = (encoder(TOKENS).memory == encoder(changed).memory).all(dim=(0, 2))
    assert same.tolist() == [True] * 4 + [False] * 2


def test_states_are_normalized_projections_of_shifted_tokens(encoder):
    rows = encoder.token_embedding.weight[TOKENS[0, :-1]]
    x = torch.cat([encoder.start_token[None], rows]) + encoder.position
    expected = encoder.norm(encoder.projection(encoder.transformer(x[None])))
    torch.testing.assert_close(encoder(TOKENS).memory[:1], expected)


def test_dropped_lyrics_are_replaced_by_the_null_state_but_still_predicted(encoder):
    whole = encoder(TOKENS)
    states = encoder(TOKENS, dropped=torch.tensor([True, False]))
    assert torch.equal(states.memory[0], encoder.null.expand(6, 12))
    assert torch.equal(states.memory[1], whole.memory[1])
    assert torch.equal(states.logits, whole.logits)


def test_without_a_null_state_lyrics_count_though_dropped():
    encoder = LyricEncoder(CONFIG.changed(null=False), 12, 1.0, Accumulate())
    dropped = encoder(TOKENS, dropped=torch.tensor([True, True]))
    assert torch.equal(dropped.memory, encoder(TOKENS).memory)


def test_released_shapes_have_the_released_number_of_parameters():
    config = LyricConfig(
        mode="encoder", num_tokens=512, alphabet_size=80, null=False, encoder_dim=1280
    )
    with torch.device("meta"):
        encoder = LyricEncoder(config, dim=4800, init_scale=0.1, transformer=nn.Identity())
    embeddings = (80 + 512 + 1) * 1280
    projection, norm, head = 1280 * 4800 + 4800, 2 * 4800, 80 * 4800
    assert sum(p.numel() for p in encoder.parameters()) == embeddings + projection + norm + head


def test_bits_are_the_mean_over_all_tokens_with_padding():
    torch.manual_seed(0)
    logits = torch.randn(2, 6, 5)
    probabilities = logits.softmax(dim=-1)
    bits = [
        -math.log2(probabilities[song, place, TOKENS[song, place]])
        for song in range(2)
        for place in range(6)
    ]
    assert lyric_bits(logits, TOKENS).item() == pytest.approx(sum(bits) / 12, rel=1e-5)


def test_a_prefix_reads_padding_where_lyrics_are_dropped():
    zeros = torch.zeros(2, dtype=torch.int64)
    marks = torch.tensor([False, True])
    labels = Labels(zeros, zeros[:, None], zeros, zeros, TOKENS, marks, marks)
    assert prefix_tokens(labels).tolist() == [TOKENS[0].tolist(), [0] * 6]
    assert prefix_tokens(labels.without_lyrics()).tolist() == [[0] * 6] * 2


def test_an_unknown_alphabet_is_refused():
    with pytest.raises(UserError, match="lyrics.alphabet_size must be a number"):
        LyricEncoder(CONFIG.changed(alphabet_size=None), 12, 1.0, Accumulate())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mode": "prefix", "num_tokens": 7}, "num_tokens must be even, not 7"),
        ({"mode": "encoder", "num_tokens": 40}, "multiple of encoder_num_rows 32"),
        ({"mode": "prefix", "num_tokens": 8, "encoder_dim": 9}, "encoder_dim: of no effect"),
        ({"mode": "merged", "num_tokens": 8}, "'encoder' or 'prefix'"),
    ],
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        LyricConfig(**settings)


def test_a_prefix_needs_no_encoder_settings_and_can_be_changed():
    config = LyricConfig(mode="prefix", num_tokens=8)
    assert config.changed(alphabet_size=9).alphabet_size == 9
