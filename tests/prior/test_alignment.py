import pytest
import torch

from audiogen.prior.alignment import lyric_attention


@pytest.mark.parametrize("kind", ["encoder", "prefix"])
def test_attention_to_lyrics_has_a_row_a_frame_and_a_column_a_token(kind, make_prior, make_batch):
    prior = make_prior(kind)
    codes, labels, _ = make_batch(prior)
    seen = lyric_attention(prior, codes, labels, layer=3, head=1)
    assert seen.shape == (2, 24, 8)
    total = seen.sum(-1)
    assert (total <= 1.0001).all()
    assert (total > 0).all()
    if kind == "encoder":
        torch.testing.assert_close(total, torch.ones(2, 24))


def test_a_prefix_layer_shares_its_attention_with_the_first_codes(make_prior, make_batch):
    prior = make_prior("prefix")
    codes, labels, _ = make_batch(prior)
    seen = lyric_attention(prior, codes, labels, layer=3, head=0)
    # The prefix is rounded up to 12 positions: lyrics alone get less than everything.
    assert (seen.sum(-1) < 1).all()


def test_fewer_frames_give_the_first_rows(make_prior, make_batch):
    prior = make_prior("encoder")
    codes, labels, _ = make_batch(prior)
    short = lyric_attention(prior, codes[:, :7], labels, layer=3, head=0)
    whole = lyric_attention(prior, codes, labels, layer=3, head=0)
    torch.testing.assert_close(short, whole[:, :7])


@pytest.mark.parametrize(
    ("kind", "layer", "head", "message"),
    [
        ("unlabelled", 0, 0, "this prior reads no lyrics"),
        ("encoder", 5, 0, "no head 0 in a layer 5: there are 5 layers of 2 heads"),
        ("encoder", 3, 2, "no head 2 in a layer 3: there are 5 layers of 2 heads"),
        ("encoder", 0, 0, "a row layer sees no lyrics"),
    ],
)
def test_what_has_no_view_of_the_lyrics_is_refused(
    kind, layer, head, message, make_prior, make_batch
):
    prior = make_prior(kind)
    codes, labels, _ = make_batch(prior)
    with pytest.raises(ValueError, match=message):
        lyric_attention(prior, codes, labels, layer=layer, head=head)
