"""Song text -> Song: a subset of ABC, checked rule by rule, with file, line and column.

Headers and sections are read here, the music lines in `section_notation.py`. Notes are as
written; `pronunciation.py` knows how the words sound.
"""

import re
from fractions import Fraction
from pathlib import Path

from audiogen.errors import UserError
from audiogen.songbook.section_notation import ACCIDENTAL, PITCH_CLASS, SectionReader
from audiogen.songbook.song import METRES, Place, Section, Song

SONG_FOLDER = Path(__file__).parent / "songs"
WIDEST_MELODY = 19
HEADERS = {"X": "number", "T": "title", "C": "credit", "M": "metre", "L": "unit length"} | {
    "Q": "tempo",
    "K": "key",
}
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {"": ("maj", 0), "m": ("min", -3), "dor": ("dor", -2)}


def read_songs(folder: Path = SONG_FOLDER) -> tuple[Song, ...]:
    """Read every song of a folder, in order of their names."""
    paths = sorted(folder.glob("*.abc"))
    if not paths:
        raise UserError(f"{folder}: holds no songs (files ending in .abc)")
    return tuple(read_song(path) for path in paths)


def read_song(path: Path) -> Song:
    """Read one song file.

    Raises:
        UserError: "file:line:column: rule" for the first rule that is broken.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such song") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    return parse_song(text, path.name)


def parse_song(text: str, file: str) -> Song:
    """Parse the text of a song; `file` names it in error messages."""
    lines = [(Place(file, number), line) for number, line in enumerate(text.splitlines(), 1)]
    header, body = _split_header(lines, file)
    metre, signature = header["M"][1], _key(*header["K"])
    drafts = _sections(body, METRES[metre], _unit(*header["L"]), signature[2])
    song = Song(
        name=Path(file).stem,
        title=header["T"][1],
        credit=header["C"][1],
        family=header["family"][1],
        metre=metre,
        tempo=_tempo(*header["Q"]),
        tonic=signature[0],
        mode=signature[1],
        sections=tuple(drafts),
        overrides=tuple(
            _override(place, line) for place, line in lines if line.startswith("N:say=")
        ),
    )
    _check_width(song, file)
    return song


def _split_header(lines: list[tuple[Place, str]], file: str) -> tuple[dict, list]:
    header: dict[str, tuple[Place, str]] = {}
    first = next((i for i, (_, line) in enumerate(lines) if line.startswith("P:")), len(lines))
    for place, line in lines[:first]:
        name, colon, value = line.partition(":")
        if line.startswith("N:family="):
            header["family"] = (place, line.removeprefix("N:family=").strip())
        elif line.strip() and not line.startswith(("N:", "%")):
            if not colon or name not in HEADERS:
                raise place.error(f"unknown header '{line}'; a section starts with 'P:verse'")
            header[name] = (place, value.strip())
    end = Place(file, lines[first - 1][0].line if first and lines else 1)
    for name, meaning in (HEADERS | {"family": "tune family"}).items():
        if not header.get(name, (end, ""))[1]:
            written = "N:family=" if name == "family" else f"{name}:"
            raise end.error(f"missing header '{written}' ({meaning})")
    place, metre = header["M"]
    if metre not in METRES:
        raise place.error(f"unknown metre '{metre}'; known: {', '.join(METRES)}")
    if first == len(lines):
        raise end.error("no section; write 'P:verse' before the music")
    return header, lines[first:]


def _unit(place: Place, value: str) -> Fraction:
    match = re.fullmatch(r"1/(\d+)", value)
    if not match or int(match[1]) not in (1, 2, 4, 8, 16):
        raise place.error(f"unknown unit length '{value}'; for example 1/4")
    return Fraction(4, int(match[1]))


def _tempo(place: Place, value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value) or not 30 <= float(value) <= 300:
        raise place.error(f"unknown tempo '{value}'; quarter notes a minute, 30 to 300")
    return float(value)


def _key(place: Place, value: str) -> tuple[int, str, dict[str, int]]:
    """Return pitch class of the tonic, mode, and the accidental of every letter."""
    match = re.fullmatch(r"([A-G])([b#]?)(m|dor|)", value)
    fifths = 99
    if match:
        fifths = _FIFTHS[match[1]] + 7 * ACCIDENTAL[match[2]] + _MODES[match[3]][1]
    if not match or abs(fifths) > 7:
        raise place.error(f"unknown key '{value}'; for example G, Bb, F#m, Ddor")
    sharps = {letter: 1 for letter in "FCGDAEB"[: max(fifths, 0)]}
    flats = {letter: -1 for letter in "BEADGCF"[: max(-fifths, 0)]}
    tonic = (PITCH_CLASS[match[1]] + ACCIDENTAL[match[2]]) % 12
    return tonic, _MODES[match[3]][0], sharps | flats


def _override(place: Place, line: str) -> tuple[str, str]:
    word, _, phonemes = line.removeprefix("N:say=").strip().partition(" ")
    if not phonemes.strip():
        raise place.error("an override is written 'N:say=word PH OW N IY M Z'")
    return word.lower(), phonemes.strip()


def _check_width(song: Song, file: str) -> None:
    width = song.highest - song.lowest
    if width > WIDEST_MELODY:
        rule = f"the melody spans {width} semitones; no artist sings more than {WIDEST_MELODY}"
        raise Place(file, 1).error(rule)


def _sections(
    body: list, bar: Fraction, unit: Fraction, signature: dict[str, int]
) -> list[Section]:
    sections: list[Section] = []
    starts = [i for i, (_, line) in enumerate(body) if line.startswith("P:")]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        place, line = body[start]
        label = line.removeprefix("P:").strip()
        if not re.fullmatch(r"(verse|chorus|bridge)\d?", label):
            raise place.error(f"unknown section '{label}'; known: verse, verse2, chorus, bridge")
        if any(section.label == label for section in sections):
            raise place.error(f"section '{label}' is written twice")
        sections.append(
            SectionReader(bar, unit, signature).read(label, place, body[start + 1 : end])
        )
    return sections
