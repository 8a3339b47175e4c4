from audiogen.songbook.randomness import generator


def test_equal_keys_open_equal_streams():
    assert generator("a", 1, 0.5).random() == generator("a", 1, 0.5).random()


def test_other_keys_open_other_streams():
    draws = {generator(*key).random() for key in [("a", 1), ("a", 2), ("b", 1), ("a", "1")]}

    assert len(draws) == 4
