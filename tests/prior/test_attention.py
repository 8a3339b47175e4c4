import pytest
import torch

from audiogen.prior.attention import Attention, CrossAttention
from audiogen.prior.patterns import Grid

GRID = Grid(length=24, num_rows=4, num_prefix=5)  # rows of 6; a prefix layer reads 8 positions
PATTERNS = ["dense", "row", "column", "previous_row", "prefix", "cross"]
SEEN = {
    "dense": lambda i, j: j <= i,
    "row": lambda i, j: j <= i and j // 6 == i // 6,
    "column": lambda i, j: j <= i and j % 6 == i % 6,
    "previous_row": lambda i, j: j // 6 == i // 6 - 1,
    "prefix": lambda i, j: j <= i and j < 8,
    "cross": lambda i, j: False,
}


def make(pattern):
    torch.manual_seed(0)
    kind = CrossAttention if pattern == "cross" else Attention
    attention = kind(16, 8, 2, pattern, GRID)
    return attention, torch.randn(2, 24, 16), torch.randn(2, 10, 16)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_position_depends_on_exactly_what_its_pattern_sees(pattern):
    attention, x, memory = make(pattern)
    # Only keys and values may carry the dependence: a query always reads its own position.
    x.requires_grad_()
    for position in range(24):
        (gradient,) = torch.autograd.grad(attention(x, memory)[0, position].sum(), x)
        reached = {int(j) for j in gradient[0].abs().sum(-1).nonzero()}
        seen = {j for j in range(24) if SEEN[pattern](position, j)}
        own = {position} if pattern in ("previous_row", "prefix", "cross") else set()
        assert seen <= reached <= seen | own
        assert gradient[1].abs().sum() == 0


def test_a_cross_layer_sees_all_of_the_memory():
    attention, x, memory = make("cross")
    memory.requires_grad_()
    attention(x, memory)[0, 0].sum().backward()
    assert (memory.grad[0].abs().sum(-1) > 0).all()
    assert memory.grad[1].abs().sum() == 0


def test_the_first_row_of_a_previous_row_layer_gives_the_output_bias():
    attention, x, _ = make("previous_row")
    expected = attention.output.bias.expand(2, 6, 16)
    torch.testing.assert_close(attention(x)[:, :6], expected)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("num", [1, 5, 6, 7, 8, 9, 13, 24])
def test_a_shorter_sequence_is_the_beginning_of_a_longer_one(pattern, num):
    attention, x, memory = make(pattern)
    torch.testing.assert_close(attention(x[:, :num], memory), attention(x, memory)[:, :num])


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("num", [1, 5, 6, 7, 8, 9, 12, 13, 23])
@torch.inference_mode()
def test_steps_after_a_filled_cache_equal_the_full_pass(pattern, num, product_route):
    attention, x, memory = make(pattern)
    cache = attention.new_cache(2, x, num_memory=10)
    # What an earlier window left behind must not matter.
    cache.entries.fill_(7.0)
    pieces = [attention(x[:, :num], memory, cache)]
    for position in range(num, 24):
        pieces.append(attention.step(x[:, position], cache, position).unsqueeze(1))
    torch.testing.assert_close(torch.cat(pieces, dim=1), attention(x, memory))


@pytest.mark.parametrize(
    ("pattern", "slots"),
    [
        ("dense", (24,)),
        ("row", (6,)),
        ("column", (6, 4)),
        ("previous_row", (2, 6)),
        ("prefix", (8,)),
        ("cross", (10,)),
    ],
)
def test_a_cache_holds_only_what_its_pattern_can_see(pattern, slots):
    attention, x, _ = make(pattern)
    cache = attention.new_cache(3, x, num_memory=10)
    assert cache.entries.shape == (2, 3, 2, *slots, 4)


def test_a_step_reads_one_contiguous_piece_of_a_column():
    attention, x, _ = make("column")
    visible = attention.new_cache(3, x).visible(20)  # row 3, column 2
    assert visible.shape == (2, 3, 2, 4, 4)
    assert visible[0, 0, 0].is_contiguous()


@pytest.mark.parametrize("pattern", ["dense", "prefix", "cross"])
def test_probabilities_reproduce_the_attention(pattern):
    attention, x, memory = make(pattern)
    value = attention.memory_projection(memory) if pattern == "cross" else attention.projection(x)
    value = value[..., -8:]
    heads = []
    for head in range(2):
        seen = attention.probabilities(x, memory, head)
        torch.testing.assert_close(seen.sum(-1), torch.ones(2, 24))
        heads.append(seen @ value[:, : seen.shape[-1], head * 4 : head * 4 + 4])
    expected = attention.output(torch.cat(heads, dim=-1))
    torch.testing.assert_close(expected, attention(x, memory))


def test_layers_that_see_no_lyrics_have_no_probabilities():
    attention, x, _ = make("row")
    with pytest.raises(ValueError, match="a row layer sees no lyrics"):
        attention.probabilities(x, None, 0)
