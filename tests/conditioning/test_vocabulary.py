import json
import pickle
import unicodedata

import pytest

from audiogen.conditioning.vocabulary import Vocabulary, normalize_lyrics
from audiogen.data.manifest import Track
from audiogen.errors import UserError


def track(**known) -> Track:
    return Track(path="song.wav", duration=1, sample_rate=8000, channels=1, **known)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.collect(
        [
            track(artist="Ann Lee", genre=["blues", "Folk"], lyrics="Oh no\nb"),
            track(artist="ann  lee ", genre="Blues", lyrics="aab"),
            track(artist="Ann Lee", genre="blues"),
            track(artist="Zoë"),
            track(),
        ]
    )


def test_ids_begin_with_unknown_and_the_rest_is_sorted(vocabulary):
    assert vocabulary.artists == ("unknown", "Ann Lee", "Zoë")
    assert vocabulary.genres == ("unknown", "blues", "Folk")
    assert vocabulary.artist_id("Zoë") == 2
    assert vocabulary.genre_ids(["Folk", "blues"]) == [2, 1]


def test_spellings_that_differ_in_case_or_spaces_are_counted_as_one_name(vocabulary):
    assert vocabulary.artist_counts == (1, 3, 1)
    assert vocabulary.genre_counts == (2, 3, 1)


def test_pairs_are_those_that_some_track_has(vocabulary):
    assert vocabulary.pairs == (
        ("Ann Lee", "Folk"),
        ("Ann Lee", "blues"),
        ("Zoë", "unknown"),
        ("unknown", "unknown"),
    )


def test_a_track_that_names_one_genre_twice_counts_once():
    assert Vocabulary.collect([track(genre=["Pop", "pop"])]).genre_counts == (0, 1)


def test_the_order_of_the_tracks_does_not_change_the_vocabulary():
    tracks = [track(artist=name, genre=name, lyrics=name) for name in ("B b", "b B", "a", "Á")]
    assert Vocabulary.collect(tracks) == Vocabulary.collect(reversed(tracks))


@pytest.mark.parametrize("name", ["", "unknown", "Unknown", "  "])
def test_no_name_is_number_zero(vocabulary, name):
    assert vocabulary.artist_id(name) == 0
    assert vocabulary.genre_ids([name]) == [0]


def test_names_match_without_case_extra_spaces_or_composition(vocabulary):
    assert vocabulary.artist_id("  ANN   lee") == 1
    assert vocabulary.artist_id(unicodedata.normalize("NFD", "ZOË")) == 2


def test_an_exact_match_comes_before_one_without_case():
    vocabulary = Vocabulary(artists=("unknown", "Abba", "ABBA"))
    assert [vocabulary.artist_id(name) for name in ("ABBA", "Abba", "abba")] == [2, 1, 1]


def test_a_strange_genre_names_the_nearest_and_where_all_are_listed(vocabulary):
    with pytest.raises(UserError) as error:
        vocabulary.genre_ids(["BLUSE"])
    assert str(error.value) == (
        "genre 'BLUSE': the model does not know it; the nearest is 'blues' (vocabulary.json in "
        "the model's folder, or 'audiogen doctor --model FOLDER', lists all)"
    )


def test_a_strange_artist_names_the_nearest_as_the_data_spells_it(vocabulary):
    with pytest.raises(UserError, match="artist 'anne le': .* nearest is 'Ann Lee'"):
        vocabulary.artist_id("anne le")


def test_the_alphabet_is_padding_and_then_the_letters_by_code_point(vocabulary):
    assert vocabulary.alphabet == ("", "\n", " ", "O", "a", "b", "h", "n", "o")
    assert vocabulary.encode_lyrics("O\na") == [3, 1, 4]


def test_characters_outside_the_alphabet_become_zero_and_are_named_once_each(vocabulary):
    assert vocabulary.encode_lyrics("ab?A?") == [4, 5, 0, 0, 0]
    assert vocabulary.missing_characters("ab?A?") == ["?", "A"]
    assert vocabulary.missing_characters("Oh no") == []


@pytest.mark.parametrize(
    "lyrics",
    ["Ой у лузі червона калина\nпохилилася, її", "さくら さくら\n野山も里も が", "ʼné ß İ"],
)
def test_every_letter_of_any_script_survives(lyrics):
    vocabulary = Vocabulary.collect([track(lyrics=unicodedata.normalize("NFD", lyrics))])
    tokens = vocabulary.encode_lyrics(lyrics)
    assert 0 not in tokens
    assert "".join(vocabulary.alphabet[token] for token in tokens) == normalize_lyrics(lyrics)
    assert vocabulary.encode_lyrics(unicodedata.normalize("NFD", lyrics)) == tokens


def test_every_line_ends_with_a_newline_alone():
    assert normalize_lyrics("a\r\nb\rc\n") == "a\nb\nc\n"


def test_what_is_saved_is_loaded(vocabulary, tmp_path):
    path = tmp_path / "vocabulary.json"
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert "Zoë" in path.read_text(encoding="utf-8")


def test_a_vocabulary_travels_to_another_process_after_use(vocabulary):
    vocabulary.encode_lyrics("a")
    assert pickle.loads(pickle.dumps(vocabulary)).encode_lyrics("Oh") == [3, 6]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"alphabet": ["a", "b"]}, "alphabet must be an empty text followed by single characters"),
        ({"alphabet": ["", "a", "a"]}, "alphabet holds a character twice"),
        ({"artists": ["Ann"]}, "artists must begin with 'unknown'"),
        ({"genre_counts": [1]}, "1 genre_counts for 3 genres"),
        ({"artist_counts": [-1, 1, 1]}, "greater than or equal to 0"),
        ({"genre": []}, "did you mean 'genres'"),
    ],
)
def test_a_damaged_file_is_refused(vocabulary, tmp_path, damage, sentence):
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(vocabulary.to_json() | damage))
    with pytest.raises(UserError, match=sentence) as error:
        Vocabulary.load(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("content", ["", '{"artists": [', "[1, 2]", "null"])
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, content):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(UserError, match="vocabulary.json"):
        Vocabulary.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        Vocabulary.load(tmp_path / "vocabulary.json")
