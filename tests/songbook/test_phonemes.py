import pytest

from audiogen.songbook.phonemes import (
    DURATIONS,
    FRICATIVES,
    NOISE_SHAPES,
    SONORANTS,
    STOPS,
    VOWELS,
    natural_durations,
    plain_symbol,
)

ARPABET = set(
    [
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
        "K",
        "L",
        "M",
        "N",
        "NG",
        "OW",
        "OY",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "UH",
        "UW",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    ]
)


def test_all_39_phonemes_have_a_sound():
    sounding = {plain_symbol(symbol) for symbol in VOWELS}
    sounding |= set(SONORANTS) | set(FRICATIVES) | set(STOPS) | {"HH"}

    assert sounding == ARPABET


def test_every_consonant_has_a_duration_and_a_known_noise():
    assert set(DURATIONS) == ARPABET - {plain_symbol(symbol) for symbol in VOWELS}
    assert {fricative.shape for fricative in FRICATIVES.values()} <= set(NOISE_SHAPES)
    assert {stop.shape for stop in STOPS.values()} <= set(NOISE_SHAPES)


def test_codas_and_clusters_change_the_natural_durations():
    assert natural_durations(("N",), is_coda=False) == [0.075]
    assert natural_durations(("N",), is_coda=True) == pytest.approx([0.1125])
    assert natural_durations(("S",), is_coda=True) == pytest.approx([0.092])
    assert natural_durations(("S", "T"), is_coda=False) == pytest.approx([0.092, 0.068])


@pytest.mark.parametrize(("symbol", "plain"), [("AH0", "AH"), ("AH_L", "AH"), ("NG", "NG")])
def test_reduced_vowels_have_a_plain_name(symbol, plain):
    assert plain_symbol(symbol) == plain
