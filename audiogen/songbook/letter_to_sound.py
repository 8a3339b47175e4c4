"""Letter-to-sound rules: a guess at how an English word outside the lexicon is said.

The rules are read top to bottom at every place of the word; the first that fits wins. They are
plain and often wrong about vowels, which is why callers report every guessed word.
"""

import re
import unicodedata

VOWELS = frozenset(re.findall(r"\w+", "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW"))

# Each rule: letters (with what must follow or precede, as a regular expression) -> phonemes.
# A vowel letter before one consonant and a final e is long ("magic e").
_RULES = """
^kn                      N
^gn                      N
^wr                      R
^ps                      S
^x                       Z
^rh                      R
^y(?=[aeiou])            Y
thm$                     DH AH0 M
ie(?=t)                  AY1 AH0
eau(?=t)                 Y UW1
chine(?=s?$)             SH IY1 N
^c?h(?<=^wh)             W
tch                      CH
sch                      S K
ch(?=[rl])               K
ch                       CH
sh                       SH
ph                       F
wh(?=o)                  HH
wh                       W
th                       TH
ght                      T
ng(?=$|s$|ing|ed|[^aeiouylr]) NG
n(?=[kx]|c[^eiyh]|q)     NG
ck                       K
cqu                      K W
qu                       K W
[st]ion                  SH AH0 N
[ct]i(?=ous|al|an|ent)   SH
dge                      JH
gg                       G
g(?=[eiy])               JH
gh$                      -
gh                       G
cc(?=[eiy])              K S
c(?=[eiy])               S
sc(?=[eiy])              S
ss                       S
(?<=[aeiouy])se$         Z
(?<=[aeioubdglmnrvwy])s$ Z
x                        K S
mb$                      M
mn$                      M
lk(?<=[ao]lk)            K
eigh                     EY1
igh                      AY1
augh                     AO1
ough                     AO1
eau                      OW1
air|are$                 EH1 R
ear|eer|ere$|ier$        IH1 R
oar|ore$|oor|our$        AO1 R
ire$                     AY1 ER0
ure$                     Y ER0
ar                       AA1 R
war                      W AO1 R
or                       AO1 R
[eiu]r                   ER1
ai|ay|ey(?=.)            EY1
ey$                      IY0
au|aw                    AO1
ee|ea|ie(?=.)            IY1
ie$                      AY1
ei                       IY1
oa|oe                    OW1
oo(?=k|d$)               UH1
oo                       UW1
oi|oy                    OY1
ou                       AW1
ow(?=n|d|l|e)            AW1
ow                       OW1
eu|ew|ue$|ui             UW1
le$(?<=[bcdfgkpstz]le)   AH0 L
les$(?<=[bcdfgkpstz]les) AH0 L Z
(?<=[td])ed$             AH0 D
(?<=[ckfpsxh])ed$        T
(?<=[a-z]{2})ed$         D
es$(?<=[sxzh]es)         AH0 Z
a(?=[bcdfgklmnpstvz]es?$) EY1
e(?=[bcdfgklmnpstvz]es?$) IY1
i(?=[bcdfgklmnpstvz]es?$) AY1
o(?=[bcdfgklmnpstvz]es?$) OW1
u(?=[bcdfgklmnpstvz]es?$) UW1
(?<=[a-z])e$(?<![aeiouy][^aeiouy]{0}e)(?<=[aeiouy][^aeiouy]e) -
(?<=[aeiouy][^aeiouy]{2})e$ -
(?<=[aeiouy][^aeiouy])e(?=s$) -
i(?=nd$|ld$|gn)          AY1
i(?=[aou])               IY0
o(?=ld|lt|st$|ll$)       OW1
a(?=ll|lt|ld)            AO1
a(?=$)                   AH0
^a(?=[bcdfglmnprstvw][a-z]*[aeiouy]) AH0
a                        AE1
^be(?=[^aeiou][a-z])     B IH0
^re(?=[^aeiou][a-z]*[aeiouy]) R IH0
^de(?=[^aeiou][a-z]*[aeiouy]) D IH0
e(?=$)                   IY1
e(?=[nl]$)               AH0
e                        EH1
i(?=$)                   IY0
i                        IH1
o(?=$)                   OW1
o(?=ther|ne$|me$|ve)     AH1
o(?=n$)                  AH0
o                        AA1
u                        AH1
(?<=^[^aeiou])y$|(?<=^[^aeiou]{2})y$ AY1
y$                       IY0
y                        IH1
bb?                      B
c                        K
dd?                      D
ff?                      F
g                        G
h                        HH
j                        JH
kk?                      K
ll?                      L
mm?                      M
nn?                      N
pp?                      P
q                        K
rr?                      R
s                        S
tt?                      T
vv?                      V
w                        W
zz?                      Z
'                        -
"""


def _compiled() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    rules = []
    for line in _RULES.strip().splitlines():
        pattern, phonemes = line.split(None, 1)
        sounds = tuple(phonemes.split()) if phonemes != "-" else ()
        rules.append((re.compile(pattern), sounds))
    return rules


_COMPILED = _compiled()


def plain_letters(word: str) -> str:
    """Return the word in lower case without accents and anything but letters and apostrophes."""
    text = unicodedata.normalize("NFKD", word.lower().replace("\u2019", "'"))
    return re.sub(r"[^a-z']", "", text)


def guess(word: str) -> tuple[str, ...]:
    """Guess phonemes with stress; empty where the word has no letters or yields no vowel."""
    text = plain_letters(word).replace("'", "")
    sounds: list[str] = []
    place = 0
    while place < len(text):
        for pattern, phonemes in _COMPILED:
            match = pattern.match(text, place)
            if match and match.end() > place:
                sounds += phonemes
                place = match.end()
                break
        else:
            place += 1
    if sounds and not any(sound[:2] in VOWELS for sound in sounds):
        sounds = _spelled(sounds)
    return _one_main_stress(sounds)


def _spelled(consonants: list[str]) -> list[str]:
    """Give a word without a vowel ("hmm", "brr") a reduced one before its last consonant."""
    return [*consonants[:-1], "AH1", consonants[-1]]


def _one_main_stress(sounds: list[str]) -> tuple[str, ...]:
    """Keep the first main stress and make the later ones secondary."""
    kept: list[str] = []
    seen = False
    for sound in sounds:
        stressed = sound.endswith("1")
        kept.append(sound[:-1] + "2" if stressed and seen else sound)
        seen = seen or stressed
    return tuple(kept)
