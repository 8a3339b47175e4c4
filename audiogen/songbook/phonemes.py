"""How each ARPAbet phoneme sounds: resonances, durations and noises. Tables only.

Frequencies are those of a tract of length factor 1.0, in hertz; the singer scales them.
"""

from dataclasses import dataclass

Formants = tuple[float, float, float]  # F1, F2, F3 in hertz

VOWELS: dict[str, tuple[Formants, Formants]] = {
    # name: (formants at the start, formants at the end); equal where the vowel stands still
    "IY": ((290, 2200, 2960), (290, 2200, 2960)),
    "IH": ((420, 1850, 2570), (420, 1850, 2570)),
    "EH": ((560, 1750, 2520), (560, 1750, 2520)),
    "AE": ((690, 1650, 2450), (690, 1650, 2450)),
    "AA": ((720, 1180, 2550), (720, 1180, 2550)),
    "ER": ((470, 1330, 1700), (470, 1330, 1700)),
    "AO": ((620, 980, 2500), (620, 980, 2500)),
    "AH": ((620, 1220, 2550), (620, 1220, 2550)),
    "AH0": ((520, 1350, 2500), (520, 1350, 2500)),
    "AH_L": ((480, 950, 2750), (480, 950, 2750)),
    "AH_N": ((420, 1450, 2500), (420, 1450, 2500)),
    "UH": ((460, 1080, 2350), (460, 1080, 2350)),
    "UW": ((320, 1150, 2250), (320, 1150, 2250)),
    "EY": ((500, 1850, 2550), (320, 2150, 2750)),
    "OW": ((540, 1030, 2380), (380, 800, 2350)),
    "AY": ((760, 1280, 2550), (380, 2050, 2650)),
    "AW": ((760, 1290, 2550), (420, 900, 2400)),
    "OY": ((540, 920, 2450), (380, 2000, 2550)),
}
BACK_VOWELS = frozenset({"AA", "AO", "AH", "AH_L", "UH", "UW", "OW", "AW", "OY"})
GLIDES_THROUGHOUT = frozenset({"OW"})
"""Diphthongs that move all the way; the others hold and move at the end."""

NASAL_POLE = 270.0


@dataclass(frozen=True)
class Sonorant:
    """A consonant that is voiced through the mouth or the nose."""

    onset: Formants
    coda: Formants
    voicing_db: float
    nasal_zero: float = NASAL_POLE
    """Where the nose takes sound away; at the nasal pole the two cancel."""


SONORANTS: dict[str, Sonorant] = {
    "W": Sonorant((290, 650, 2150), (290, 650, 2150), -3),
    "Y": Sonorant((270, 2150, 2950), (270, 2150, 2950), -3),
    "R": Sonorant((320, 1080, 1500), (430, 1280, 1650), -4),
    "L": Sonorant((340, 1080, 2850), (420, 900, 2750), -4),
    "M": Sonorant((270, 1100, 2200), (270, 1100, 2200), -7, nasal_zero=1000),
    "N": Sonorant((280, 1600, 2550), (280, 1600, 2550), -7, nasal_zero=1600),
    "NG": Sonorant((280, 2250, 2500), (280, 2250, 2500), -7, nasal_zero=2800),
}
NG_AFTER_BACK_VOWEL: Formants = (280, 1300, 2500)


@dataclass(frozen=True)
class Place:
    """Where the mouth closes, as the formants that the neighboring vowel bends toward."""

    formants: Formants
    vowel_share: float
    """How much of the vowel's own F2 stays."""


LABIAL = Place((300, 850, 2250), 0.45)
DENTAL = Place((300, 1350, 2550), 0.35)
ALVEOLAR = Place((300, 1750, 2650), 0.35)
PALATAL = Place((300, 1950, 2600), 0.35)
VELAR = Place((300, 1650, 2300), 0.75)
PLACES: dict[str, Place] = {
    **dict.fromkeys("PBFV", LABIAL),
    **dict.fromkeys(("TH", "DH"), DENTAL),
    **dict.fromkeys("TDSZ", ALVEOLAR),
    **dict.fromkeys(("SH", "ZH", "CH", "JH"), PALATAL),
    **dict.fromkeys("KG", VELAR),
}


@dataclass(frozen=True)
class Fricative:
    """Steady noise of one shape, voiced or not. Levels are decibels relative to a vowel."""

    shape: str
    noise_db: float
    voicing_db: float | None = None


@dataclass(frozen=True)
class Stop:
    """A closure, a burst of 12 ms and what follows it. Levels are decibels relative to a vowel."""

    shape: str
    burst_db: float
    closure_share: float
    """Part of the duration before the mouth opens."""
    voicing_db: float | None = None
    frication_db: float | None = None
    frication_shape: str = ""
    aspiration_db: float | None = None


VOICED_FRICATIVE_DB = -9.0
VOICED_CLOSURE_DB = -20.0
FRICATIVES: dict[str, Fricative] = {
    "S": Fricative("S", -10),
    "SH": Fricative("SH", -8),
    "F": Fricative("F", -20),
    "TH": Fricative("TH", -23),
    "Z": Fricative("S", -16, VOICED_FRICATIVE_DB),
    "ZH": Fricative("SH", -14, VOICED_FRICATIVE_DB),
    "V": Fricative("F", -26, VOICED_FRICATIVE_DB),
    "DH": Fricative("TH", -30, VOICED_FRICATIVE_DB),
}
STOPS: dict[str, Stop] = {
    "P": Stop("P", -10, 0.58, aspiration_db=-15),
    "T": Stop("T", -6, 0.50, frication_db=-18, frication_shape="T", aspiration_db=-15),
    "K": Stop("K", -6, 0.50, frication_db=-18, frication_shape="K", aspiration_db=-15),
    "B": Stop("P", -16, 0.78, voicing_db=VOICED_CLOSURE_DB),
    "D": Stop("T", -12, 0.76, voicing_db=VOICED_CLOSURE_DB),
    "G": Stop("K", -12, 0.76, voicing_db=VOICED_CLOSURE_DB),
    "CH": Stop("SH", -6, 0.35, frication_db=-8, frication_shape="SH"),
    "JH": Stop("SH", -12, 0.40, VOICED_CLOSURE_DB, frication_db=-14, frication_shape="SH"),
}
BURST_SECONDS = 0.012
HH_DB = -10.0

NOISE_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    # (hertz, decibels) corners, straight between them; the level is set apart
    "S": ((2500, -60), (3200, -30), (4500, -10), (5500, 0), (8000, 0), (9500, -8), (11000, -14)),
    "SH": ((1200, -50), (1900, -18), (2400, 0), (4000, 0), (6000, -10), (8500, -22), (11000, -32)),
    "F": ((300, -20), (1000, -6), (2000, 0), (9000, 0), (11000, -6)),
    "TH": ((800, -30), (3000, -14), (6000, 0), (9000, 0), (11000, -6)),
    "T": ((1000, -36), (2400, -14), (3600, 0), (5000, 0), (7500, -8), (11000, -20)),
    "K": ((500, -30), (1100, -10), (1500, 0), (2500, 0), (3600, -14), (8000, -28), (11000, -40)),
    "P": ((60, -10), (300, 0), (1000, 0), (2000, -14), (5000, -26), (11000, -40)),
}

DURATIONS: dict[str, float] = {
    # natural seconds of a consonant before a vowel
    **{"P": 0.085, "T": 0.085, "K": 0.090, "B": 0.065, "D": 0.060, "G": 0.065},
    **{"CH": 0.120, "JH": 0.090, "F": 0.100, "TH": 0.095, "S": 0.115, "SH": 0.115},
    **{"V": 0.065, "DH": 0.055, "Z": 0.085, "ZH": 0.085, "HH": 0.070, "M": 0.075},
    **{"N": 0.075, "NG": 0.080, "L": 0.070, "R": 0.075, "W": 0.075, "Y": 0.070},
}
_LONG_CODAS = frozenset({"R", "L", "M", "N", "NG"})
_CODA_LONG, _CODA_SHORT, _CLUSTER = 1.5, 0.8, 0.8


def natural_durations(consonants: tuple[str, ...], is_coda: bool) -> list[float]:
    """Give the unhurried seconds of each consonant of an onset or a coda."""
    cluster = _CLUSTER if len(consonants) > 1 else 1.0
    seconds = []
    for symbol in consonants:
        coda = (_CODA_LONG if symbol in _LONG_CODAS else _CODA_SHORT) if is_coda else 1.0
        seconds.append(DURATIONS[symbol] * coda * cluster)
    return seconds


def plain_symbol(symbol: str) -> str:
    """Turn the names of reduced and syllabic vowels into one of the 39 of ARPAbet."""
    return symbol.split("_")[0].rstrip("012")
