import pytest

from audiogen.data.lrc import parse_lrc


def timed(text, duration=60.0):
    return [(w.text, round(w.start, 3), round(w.end, 3)) for w in parse_lrc(text, duration).words]


def test_words_are_spread_evenly_over_their_line():
    text = "[00:10.00]one two\n[00:11.50]three\n[00:12.00]"
    assert timed(text) == [("one", 10, 10.75), ("two", 10.75, 11.5), ("three", 11.5, 12)]


def test_a_line_is_not_stretched_over_a_long_pause():
    assert timed("[00:10]one two\n[00:50]three", 51.0) == [
        ("one", 10, 12),
        ("two", 12, 14),
        ("three", 50, 51),
    ]


def test_tags_name_the_song():
    timed_lyrics = parse_lrc("[ti:Grace]\n[ar: Mae ]\n[la:en]\n[by:me]\n[00:01.00]la", 9.0)
    assert timed_lyrics.labels == {"title": "Grace", "artist": "Mae", "language": "en"}
    assert timed_lyrics.lyrics == "la"


def test_a_line_with_two_times_is_sung_twice_in_order():
    lyrics = parse_lrc("[00:01.00][00:05.00]chorus\n[00:03.00]verse", 6.0)
    assert lyrics.lyrics == "chorus\nverse\nchorus"
    assert [word.start for word in lyrics.words] == [1, 3, 5]


def test_word_times_are_used_where_they_stand():
    text = "[00:01.00]<00:01.20>one <00:01.50>two three <00:02.50>\n[00:05.00]four"
    assert timed(text, 6.0) == [
        ("one", 1.2, 1.5),
        ("two", 1.5, 2.0),
        ("three", 2.0, 2.5),
        ("four", 5.0, 6.0),
    ]
    assert parse_lrc(text, 6.0).lyrics == "one two three\nfour"


def test_a_positive_offset_comes_sooner():
    assert timed("[offset:+500]\n[00:02.00]a\n[00:03.00]b", 4.0) == [("a", 1.5, 2.5), ("b", 2.5, 4)]


def test_text_without_times_is_plain_lyrics():
    lyrics = parse_lrc("one\n\ntwo", 4.0)
    assert (lyrics.lyrics, lyrics.words) == ("one\ntwo", ())


@pytest.mark.parametrize("text", ["", "[00:99:99]", "[x]", "[00:05.00]late", "[offset:soon]"])
def test_odd_files_do_not_fail(text):
    assert all(word.end >= word.start >= 0 for word in parse_lrc(text, 1.0).words)
