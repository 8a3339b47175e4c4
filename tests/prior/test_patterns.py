import pytest

from audiogen.prior.patterns import Grid, layer_patterns


def test_a_plain_list_repeats():
    assert layer_patterns(["row", "dense"], 5) == ("row", "dense", "row", "dense", "row")


def test_late_cross_layers_stand_where_the_released_model_has_them():
    patterns = layer_patterns("row_column_previous_with_late_cross", 79)
    cross = [layer for layer, pattern in enumerate(patterns) if pattern == "cross"]
    assert cross == [18, 28, 38, 48, 58, 68, 78]
    assert [patterns.count(kind) for kind in ("row", "column", "previous_row")] == [24, 24, 24]


def test_rare_prefix_layers_stand_where_the_released_model_has_them():
    patterns = layer_patterns("row_column_previous_with_rare_prefix", 72)
    prefix = [layer for layer, pattern in enumerate(patterns) if pattern == "prefix"]
    assert prefix == [15, 31, 63]
    assert [layer for layer, pattern in enumerate(patterns) if pattern == "dense"] == [47]
    assert [patterns.count(kind) for kind in ("row", "column", "previous_row")] == [22, 23, 23]


@pytest.mark.parametrize(
    ("order", "special", "places"),
    [
        ("row_column_previous_then_cross", "cross", [3, 7, 11]),
        ("three_rounds_then_cross", "cross", [9]),
        ("five_rounds_then_cross", "cross", [15]),
        ("row_column_previous_then_dense", "dense", [3, 7, 11]),
        ("row_column_previous_with_rare_cross", "cross", [15]),
    ],
)
def test_named_orders_put_their_special_layer_last_in_a_cycle(order, special, places):
    patterns = layer_patterns(order, 16)
    found = [layer for layer, pattern in enumerate(patterns) if pattern == special]
    assert [place for place in found if place <= places[-1]] == places
    assert patterns[:3] == ("row", "column", "previous_row")


def test_the_prefix_of_the_released_model_has_448_positions():
    assert Grid(6528, 64, 384).prefix_length == 448
    assert Grid(6528, 64, 384).row_length == 102


def test_a_prefix_ends_with_the_sequence():
    assert Grid(10, 8, 8).prefix_length == 10


def test_unequal_rows_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="25 positions do not make 4 equal rows"):
        _ = Grid(25, 4).row_length
