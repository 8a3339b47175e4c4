"""Words -> phonemes -> sung syllables.

A word is looked up in the song's own overrides, then in `lexicon.txt`, then guessed by rules.
Phonemes are ARPAbet; in a sung syllable only the reduced vowel keeps a mark of its stress.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiogen.errors import UserError
from audiogen.songbook.letter_to_sound import VOWELS, guess, plain_letters
from audiogen.songbook.song import Section, Song, Word

LEXICON_FILE = Path(__file__).with_name("lexicon.txt")
CONSONANTS = frozenset(
    re.findall(r"\w+", "P B T D K G CH JH F V TH DH S Z SH ZH HH M N NG L R W Y")
)
_CLUSTERS = """P L,P R,P Y,B L,B R,B Y,T R,T W,D R,D W,K L,K R,K W,K Y,G L,G R,G W,F L,F R,F Y,V Y,
TH R,TH W,SH R,S P,S T,S K,S M,S N,S F,S L,S W,S P L,S P R,S T R,S K R,S K W,M Y,HH Y,HH W"""
LEGAL_ONSETS = frozenset(tuple(cluster.split()) for cluster in _CLUSTERS.split(",")) | {
    (consonant,) for consonant in CONSONANTS - {"NG"}
}


@dataclass(frozen=True)
class SyllableSounds:
    """The phonemes of one syllable, in the form that `Score.Syllable` carries."""

    onset: tuple[str, ...]
    vowel: str
    coda: tuple[str, ...]


@dataclass(frozen=True)
class Pronunciation:
    """How one word is sung."""

    text: str
    syllables: tuple[SyllableSounds, ...]
    guessed: bool  # by letter-to-sound rules


@functools.cache
def lexicon() -> Mapping[str, tuple[str, ...]]:
    """Return word -> phonemes with stress of `lexicon.txt`."""
    return read_lexicon(LEXICON_FILE)


def read_lexicon(path: Path) -> dict[str, tuple[str, ...]]:
    """Read "word PH OW1 N ..." lines; lines starting with # are comments.

    Raises:
        UserError: file and line of a phoneme that is none of the 39.
    """
    words: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            word, *phonemes = line.split()
            _check_phonemes(phonemes, f"{path.name}:{number}")
            words[word] = tuple(phonemes)
    return words


def _check_phonemes(phonemes: Sequence[str], where: str) -> None:
    for phoneme in phonemes:
        is_vowel = phoneme[:-1] in VOWELS and phoneme[-1] in "012"
        if not is_vowel and phoneme not in CONSONANTS:
            raise UserError(f"{where}: '{phoneme}' is no phoneme; vowels carry a stress: AH0, IY1")
    if not any(phoneme[-1].isdigit() for phoneme in phonemes):
        raise UserError(f"{where}: a word needs at least one vowel")


def phonemes_of(
    word: str, overrides: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[tuple[str, ...], bool]:
    """Return the phonemes of a word with stress, and whether they are a guess.

    The phonemes are empty where the word has nothing to sing ("---", "1999").
    """
    letters = plain_letters(word)
    for spelling in (letters, letters.strip("'")):
        for source in (overrides or {}, lexicon()):
            if spelling in source:
                return source[spelling], False
    stem, ending = _plural(letters.strip("'"))
    if ending and stem in lexicon():
        return lexicon()[stem] + ending, True
    return guess(word), True


def _plural(letters: str) -> tuple[str, tuple[str, ...]]:
    stem = letters.removesuffix("s").removesuffix("'")
    sounds = lexicon().get(stem, ())
    if stem == letters or not sounds:
        return letters, ()
    if sounds[-1] in {"S", "Z", "SH", "CH", "JH", "ZH"}:
        return stem, ("AH0", "Z")
    return stem, ("S",) if sounds[-1] in {"P", "T", "K", "F", "TH"} else ("Z",)


def syllabify(phonemes: Sequence[str]) -> tuple[SyllableSounds, ...]:
    """Split phonemes with stress by maximal onset; one syllable a vowel."""
    vowels = [i for i, phoneme in enumerate(phonemes) if phoneme[-1].isdigit()]
    starts = [0] + [
        _onset_start(phonemes, before + 1, after)
        for before, after in zip(vowels, vowels[1:], strict=False)
    ]
    ends = [*starts[1:], len(phonemes)]
    return tuple(
        _sounds(phonemes[start:vowel], phonemes[vowel], phonemes[vowel + 1 : end])
        for start, vowel, end in zip(starts, vowels, ends, strict=False)
    )


def _onset_start(phonemes: Sequence[str], first: int, vowel: int) -> int:
    """Return where the largest legal onset of the vowel at `vowel` starts."""
    legal = (at for at in range(first, vowel) if tuple(phonemes[at:vowel]) in LEGAL_ONSETS)
    return next(legal, vowel)


def _sounds(onset: Sequence[str], vowel: str, coda: Sequence[str]) -> SyllableSounds:
    name = vowel[:-1]
    if vowel == "AH0":
        name = f"AH_{coda[0]}" if tuple(coda) in {("L",), ("N",)} else "AH0"
    return SyllableSounds(tuple(onset), name, tuple(coda))


def overrides_of(song: Song) -> dict[str, tuple[str, ...]]:
    """Return the pronunciations that hold in this song only."""
    overrides = {word: tuple(phonemes.split()) for word, phonemes in song.overrides}
    for word, phonemes in overrides.items():
        _check_phonemes(phonemes, f"{song.name}.abc: N:say={word}")
    return overrides


def pronounce_section(song: Song, section: Section) -> tuple[Pronunciation, ...]:
    """Pronounce every word of a section, as many syllables as are written.

    Raises:
        UserError: file, line and column of a word without a pronunciation, or whose vowels are
            not as many as the syllables written.
    """
    sung = _sung(section.words, overrides_of(song))
    for word, said in zip(section.words, sung, strict=True):
        if not said.syllables:
            raise word.place.error(f"'{word.text}' has no pronunciation, and no letters to guess")
        if len(said.syllables) != len(word.syllables):
            raise word.place.error(
                f"'{word.text}' has {len(said.syllables)} vowels but is written in "
                f"{len(word.syllables)} syllables; hyphenate it so, or add a line 'N:say=...'"
            )
    return sung


def pronounce_line(line: str) -> tuple[Pronunciation, ...]:
    """Pronounce any line of English; guessed words say so, words without letters are left out."""
    return tuple(said for said in _sung([*line.split()], {}) if said.syllables)


def guessed_words(song: Song) -> list[str]:
    """Return the words of a song that stand neither in its overrides nor in the lexicon."""
    words = [said for section in song.sections for said in pronounce_section(song, section)]
    return sorted({plain_letters(said.text) for said in words if said.guessed})


def _sung(
    words: Sequence[Word | str], overrides: Mapping[str, tuple[str, ...]]
) -> tuple[Pronunciation, ...]:
    texts = [word if isinstance(word, str) else word.text for word in words]
    found = [phonemes_of(text, overrides) for text in texts]
    sung = []
    for i, (text, (phonemes, guessed)) in enumerate(zip(texts, found, strict=True)):
        following = found[i + 1][0] if i + 1 < len(found) else ()
        # "the" sounds like "thee" before a vowel.
        if phonemes == ("DH", "AH0") and following and following[0][:2] in VOWELS:
            phonemes = ("DH", "IY0")
        sung.append(Pronunciation(text, syllabify(phonemes), guessed))
    return tuple(sung)
