import pytest
import torch

from audiogen.conditioning.label_embedding import LabelConfig, LabelEmbedding
from audiogen.conditioning.labels import Labels
from audiogen.errors import UserError


def labels(genres: list[list[int]], artist: list[int], dropped: list[bool]) -> Labels:
    zeros = torch.zeros(len(artist), dtype=torch.int64)
    return Labels(
        artist=torch.tensor(artist),
        genres=torch.tensor(genres),
        total_length=zeros,
        offset=zeros,
        lyrics=torch.zeros(len(artist), 0, dtype=torch.int64),
        labels_dropped=torch.tensor(dropped),
        lyrics_dropped=torch.zeros(len(artist), dtype=torch.bool),
    )


def embedding(null: bool = True) -> LabelEmbedding:
    torch.manual_seed(0)
    return LabelEmbedding(LabelConfig(num_artists=4, num_genres=3, null=null), 8, init_scale=1.0)


def test_start_is_the_artist_plus_every_genre():
    module = embedding()
    batch = labels([[1, -1, -1], [2, 0, 1], [-1, -1, -1]], [3, 0, 1], [False] * 3)
    artist, genre = module.artist.weight, module.genre.weight
    expected = torch.stack([artist[3] + genre[1], artist[0] + genre.sum(dim=0), artist[1]])
    torch.testing.assert_close(module(batch), expected)


def test_dropped_labels_are_replaced_by_the_null_embedding_and_get_no_gradient():
    module = embedding()
    start = module(labels([[1], [1]], [2, 3], [True, False]))
    assert torch.equal(start[0], module.null)
    start.sum().backward()
    assert module.artist.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [3]
    assert module.null.grad.tolist() == [1.0] * 8


def test_without_a_null_embedding_labels_count_though_dropped():
    module = embedding(null=False)
    kept, dropped = (module(labels([[1]], [2], [mark])) for mark in (False, True))
    assert torch.equal(kept, dropped)


def test_released_shapes_have_the_released_number_of_parameters():
    config = LabelConfig(num_artists=4111, num_genres=120, null=False)
    with torch.device("meta"):
        module = LabelEmbedding(config, dim=1920, init_scale=0.4)
    assert sum(parameter.numel() for parameter in module.parameters()) == (4111 + 120) * 1920


def test_embeddings_begin_as_small_as_the_prior_asks():
    torch.manual_seed(0)
    module = LabelEmbedding(LabelConfig(num_artists=100, num_genres=100), 64, init_scale=0.5)
    for table in (module.artist.weight, module.genre.weight):
        assert table.std().item() == pytest.approx(0.005, rel=0.05)


@pytest.mark.parametrize("sizes", [{}, {"num_artists": 3}, {"num_genres": 3}])
def test_unknown_table_sizes_are_refused(sizes):
    with pytest.raises(UserError, match="num_artists and labels.num_genres must be numbers"):
        LabelEmbedding(LabelConfig(**sizes), dim=8, init_scale=1.0)
