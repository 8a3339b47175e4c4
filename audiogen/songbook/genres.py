"""The eight genres: grooves, palettes, tempo ranges and vocal treatments.

Data only; `genre.py` explains the patterns.
"""

from audiogen.config import nearest
from audiogen.errors import UserError
from audiogen.songbook.genre import WITH_MELODY, Genre, Layer, Lead, VocalTreatment

_NATIVE = ("3/4", "6/8")
_STANDARD_KITS = tuple(
    {
        "kick": f"kick_{kit}",
        "snare": f"snare_{kit}",
        "hat": f"hat_closed_{kit}",
        "open": f"hat_open_{kit}",
        "clap": f"clap_{kit}",
        "crash": "crash",
        "ride": "ride",
        "rim": "rim",
    }
    for kit in "ab"
)

FOLK = Genre(
    name="folk",
    tempo=(84, 118),
    swing=0.5,
    keeps=_NATIVE,
    harmony="plain",
    kits=({"time": "shaker", "low": "kick_b"}, {"time": "brush", "low": "kick_a"}),
    drums={
        "time": {
            "4/4": ("..5...6...5...6.",),
            "3/4": ("..5...6...5.",),
            "6/8": ("....5.....6.",),
        },
        "low": {"4/4": ("4.......3.......",), "3/4": ("4...........",), "6/8": ("4.....3.....",)},
    },
    layers=(
        Layer(
            "bass",
            ("upright_bass", "electric_bass"),
            {"4/4": ("1 - 5 -",), "3/4": ("1 - -", "5 - -"), "6/8": ("1 - - 5 - -",)},
            *(31, 0.75),
        ),
        Layer(
            "chords",
            ("steel_guitar", "nylon_guitar"),
            {
                "4/4": ("D - D U . U D U",),
                "3/4": ("D - D U D U",),
                "6/8": ("D - U D - U",),
            },
            *(45, 0.6),
            voicing="guitar",
            strum_seconds=0.012,
        ),
    ),
    lead=Lead(("flute", "mandolin"), 62, 86, "held", "pentatonic", 0.45, 0.55),
    vocal=VocalTreatment(),
)

COUNTRY = Genre(
    name="country",
    tempo=(100, 128),
    swing=0.5,
    keeps=_NATIVE,
    harmony="plain",
    kits=(
        {"time": "brush", "low": "kick_a", "accent": "snare_a"},
        {"time": "hat_closed_a", "low": "kick_b", "accent": "rim"},
    ),
    drums={
        "time": {
            "4/4": ("2323623223236232",),
            "3/4": ("232362326232",),
            "6/8": ("2.3.5.2.3.5.",),
        },
        "accent": {
            "4/4": ("....4.......4...",),
            "3/4": ("....3...3...",),
            "6/8": ("......4.....",),
        },
        "low": {"4/4": ("6.......5.......",), "3/4": ("6...........",), "6/8": ("6.....4.....",)},
    },
    layers=(
        Layer(
            "bass",
            ("upright_bass", "electric_bass"),
            {"4/4": ("1 - 5 -",), "3/4": ("1 - -", "5 - -"), "6/8": ("1 - - 5 - -",)},
            *(28, 0.8),
            gate=0.8,
        ),
        Layer(
            "chords",
            ("steel_guitar", "nylon_guitar"),
            {
                "4/4": (". . D U . . D U",),
                "3/4": (". . D U D U",),
                "6/8": (". D U . D U",),
            },
            *(45, 0.65),
            voicing="guitar",
            strum_seconds=0.01,
        ),
        Layer(
            "lead",
            ("banjo", "mandolin"),
            {
                "4/4": (". . . . . . . . 1 5 8 3 5 8 10 8",),
                "3/4": (". . . . 1 5 8 3 5 8 10 8",),
                "6/8": (". . . 5 8 10",),
            },
            *(52, 0.6),
            every=2,
            sections=WITH_MELODY,
        ),
    ),
    lead=Lead(("pedal_steel", "fiddle"), 55, 81, "thirds", "pentatonic", 0.6, 0.6),
    vocal=VocalTreatment(),
)

BLUES = Genre(
    name="blues",
    tempo=(72, 104),
    swing=0.64,
    keeps=(),
    harmony="sevenths",
    kits=_STANDARD_KITS,
    drums={
        "ride": {"4/4": ("6...5.4.6...5.4.",)},
        "kick": {"4/4": ("8.......7.....3.",)},
        "snare": {"4/4": ("....7.......7...",)},
        "hat": {"4/4": ("....4.......4...",)},
    },
    layers=(
        Layer(
            "bass",
            ("electric_bass", "upright_bass"),
            {"4/4": ("1 3 5 6 b7 6 5 3",)},
            *(31, 0.8),
            gate=0.85,
        ),
        Layer(
            "chords",
            ("organ", "piano"),
            {"4/4": (". B . B . B . B",)},
            *(60, 0.5),
            gate=0.6,
        ),
        Layer(
            "chords",
            ("electric_guitar", "steel_guitar"),
            {"4/4": (". . U . . . U .",)},
            *(47, 0.6),
            voicing="guitar",
            gate=0.5,
            strum_seconds=0.008,
        ),
    ),
    lead=Lead(("harmonica", "electric_guitar"), 57, 81, "scale", "blues", 0.7, 0.65),
    vocal=VocalTreatment(scoop_at_least=0.6),
    fills=True,
)

JAZZ = Genre(
    name="jazz",
    tempo=(96, 150),
    swing=0.62,
    keeps=_NATIVE,
    harmony="jazz",
    kits=(
        {"ride": "ride", "pedal": "hat_closed_a", "sweep": "brush", "kick": "kick_b"},
        {"ride": "hat_closed_b", "pedal": "rim", "sweep": "brush", "kick": "kick_a"},
    ),
    drums={
        "ride": {
            "4/4": ("6...5.4.6...5.4.",),
            "3/4": ("6...5.4.5...",),
            "6/8": ("6...4.5...4.",),
        },
        "pedal": {
            "4/4": ("....5.......5...",),
            "3/4": ("....4...4...",),
            "6/8": ("......5.....",),
        },
        "sweep": {
            "4/4": ("3...4...3...4...",),
            "3/4": ("3...4...4...",),
            "6/8": ("3.....4.....",),
        },
        "kick": {"4/4": ("3.......2.......",), "3/4": ("3...........",), "6/8": ("3...........",)},
    },
    layers=(
        Layer(
            "bass",
            ("upright_bass", "electric_bass"),
            {"4/4": ("W W W W",), "3/4": ("W W W",), "6/8": ("W W",)},
            *(28, 0.8),
        ),
        Layer(
            "chords",
            ("piano", "electric_piano"),
            {
                "4/4": (". B . . . B . .", "B . . B . . B .", ". . B . . B . B"),
                "3/4": (". . B . . B", ". B . . B ."),
                "6/8": (". . B . . B", "B . . . . B"),
            },
            *(61, 0.5),
            gate=0.7,
        ),
    ),
    lead=Lead(("sax", "trumpet"), 53, 79, "scale", "pentatonic", 0.55, 0.6),
    vocal=VocalTreatment(scoop_at_least=0.3),
)

CLASSICAL = Genre(
    name="classical",
    tempo=(72, 104),
    swing=0.5,
    keeps=_NATIVE,
    harmony="plain",
    kits=({},),
    drums={},
    layers=(
        Layer(
            "bass",
            ("cello", "upright_bass"),
            {"4/4": ("1 - - -",), "3/4": ("1 - -",), "6/8": ("1 - - - - -",)},
            *(36, 0.6),
        ),
        Layer(
            "chords",
            ("piano", "nylon_guitar"),
            {
                "4/4": ("1 5 3 5 1 5 3 5",),
                "3/4": ("1 3 5 3 5 3",),
                "6/8": ("1 3 5 8 5 3",),
            },
            *(48, 0.5),
        ),
        Layer(
            "chords",
            ("strings", "organ"),
            {"4/4": ("B - - -",), "3/4": ("B - -",), "6/8": ("B - - - - -",)},
            *(62, 0.35),
        ),
    ),
    lead=Lead(("violin", "flute"), 60, 88, "held", "pentatonic", 0.4, 0.55),
    vocal=VocalTreatment(
        vibrato_scale=1.3,
        vibrato_at_least=35.0,
        formant_db_at_least=5.0,
        reverb_more_seconds=0.9,
        reverb_more=0.06,
    ),
)

ELECTRONIC = Genre(
    name="electronic",
    tempo=(118, 130),
    swing=0.5,
    keeps=(),
    harmony="plain",
    kits=_STANDARD_KITS,
    drums={
        "kick": {"4/4": ("9...9...9...9...",)},
        "clap": {"4/4": ("....7.......7...",)},
        "open": {"4/4": ("..5...5...5...5.",)},
        "hat": {"4/4": ("4242424242424242",)},
    },
    layers=(
        Layer(
            "bass",
            ("synth_bass", "saw"),
            {"4/4": (". 1 1 1 . 1 1 1 . 1 1 1 . 1 8 1",)},
            *(33, 0.75),
            gate=0.8,
        ),
        Layer("chords", ("pad", "strings"), {"4/4": ("B - - -",)}, 60, 0.5),
        Layer(
            "chords",
            ("pluck", "saw"),
            {"4/4": ("1 5 8 10 12 10 8 5 1 5 8 10 12 10 8 5",)},
            *(57, 0.45),
            gate=0.6,
            sections=("intro", "chorus", "break"),
        ),
    ),
    lead=Lead(("synth_lead", "saw"), 60, 84, "scale", "pentatonic", 0.3, 0.5),
    vocal=VocalTreatment(vibrato_scale=0.0, portamento=0.02, ducking=True, delay_beats=0.75),
    crash_every=8,
)

REGGAE = Genre(
    name="reggae",
    tempo=(68, 84),
    swing=0.54,
    keeps=(),
    harmony="plain",
    kits=_STANDARD_KITS,
    drums={
        "kick": {"4/4": ("........9.......",)},
        "rim": {"4/4": ("........7.......", "........7.....4.")},
        "hat": {"4/4": ("5.4.5.4.5.4.5.4.", "5.4.5.445.4.5.4.")},
    },
    layers=(
        Layer(
            "bass",
            ("electric_bass", "synth_bass"),
            {"4/4": ("1 - . 1 5 - 1 . 3 - . . . . 5 -", "1 - . 1 1 - . . 5 - . 5 8 - 5 .")},
            *(28, 0.9),
        ),
        Layer(
            "chords",
            ("muted_guitar", "electric_guitar"),
            {"4/4": (". U . U . U . U",)},
            *(50, 0.65),
            voicing="guitar",
            gate=0.4,
            strum_seconds=0.005,
        ),
        Layer(
            "chords",
            ("organ", "electric_piano"),
            {"4/4": (". . B B . . B . . . B B . . B .",)},
            *(62, 0.45),
            gate=0.5,
        ),
    ),
    lead=Lead(("trumpet", "sax"), 56, 79, "held", "pentatonic", 0.5, 0.55),
    vocal=VocalTreatment(delay_beats=1.5),
    fills=True,
)

ROCK = Genre(
    name="rock",
    tempo=(104, 138),
    swing=0.5,
    keeps=(),
    harmony="plain",
    kits=_STANDARD_KITS,
    drums={
        "kick": {"4/4": ("9.....8.9.......", "9.........8.....")},
        "snare": {"4/4": ("....9.......9...",)},
        "hat": {"4/4": ("6.5.6.5.6.5.6.5.",)},
    },
    layers=(
        Layer("bass", ("electric_bass", "synth_bass"), {"4/4": ("1 1 1 1 1 1 1 1",)}, 28, 0.8),
        Layer(
            "chords",
            ("driven_guitar",),
            {"4/4": ("B B B B B B B B", "B - B B B - B B")},
            *(40, 0.7),
            voicing="power",
            gate=0.9,
        ),
        Layer(
            "chords",
            ("electric_guitar", "organ"),
            {"4/4": ("B - - - B - - -",)},
            *(60, 0.4),
            sections=("chorus", "break"),
        ),
    ),
    lead=Lead(("driven_guitar", "synth_lead"), 55, 81, "scale", "blues", 0.35, 0.65),
    vocal=VocalTreatment(drive=0.5),
    fills=True,
    crash_every=8,
)

GENRES = (FOLK, COUNTRY, BLUES, JAZZ, CLASSICAL, ELECTRONIC, REGGAE, ROCK)


def genre_named(name: str) -> Genre:
    """Return a genre by name, whatever the case.

    Raises:
        UserError: no such genre; names the nearest and all.
    """
    known = [genre.name for genre in GENRES]
    if name.lower() not in known:
        raise UserError(f"no genre '{name}'{nearest(name, known)} Known: {', '.join(known)}")
    return GENRES[known.index(name.lower())]
