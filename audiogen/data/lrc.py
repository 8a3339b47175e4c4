"""Timed lyrics in LRC files: `[mm:ss.xx]` before each line, `<mm:ss.xx>` before words, tags."""

import re
from dataclasses import dataclass

from audiogen.data.manifest import Word

LINE_TIME = re.compile(r"\[(\d+):(\d+(?:[.:]\d+)?)\]")
WORD_TIME = re.compile(r"<(\d+):(\d+(?:[.:]\d+)?)>")
TAG = re.compile(r"\[([A-Za-z]+):(.*)\]$")
KEY_OF_TAG = {"ti": "title", "ar": "artist", "la": "language"}

MAX_WORD_SECONDS = 2.0
"""A line before a long pause is not stretched over it: words end this much after they start."""


@dataclass(frozen=True)
class TimedLyrics:
    """What an LRC file says."""

    lyrics: str  # the lines in the order of their times
    words: tuple[Word, ...]  # times within a line are spread evenly; empty without line times
    labels: dict[str, str]  # title, artist, language where the file has them


def parse_lrc(text: str, duration: float) -> TimedLyrics:
    """Read the text of an LRC file that belongs to a song of `duration` seconds."""
    labels: dict[str, str] = {}
    plain: list[str] = []
    timed: list[tuple[float, str]] = []
    shift = 0.0
    for line in text.splitlines():
        line = line.strip()
        times, rest = _split_times(line)
        tag = TAG.match(line)
        if times:
            timed += [(time, rest) for time in times]
        elif tag and tag[1].lower() == "offset":
            shift = _milliseconds(tag[2])
        elif tag:
            labels |= {
                KEY_OF_TAG[key]: tag[2].strip() for key in [tag[1].lower()] if key in KEY_OF_TAG
            }
        elif line:
            plain.append(line)
    timed.sort(key=lambda entry: entry[0])
    lines = [" ".join(WORD_TIME.sub(" ", rest).split()) for _, rest in timed] or plain
    lyrics = "\n".join(line for line in lines if line)
    return TimedLyrics(lyrics, _words(timed, shift, duration), labels)


def _split_times(line: str) -> tuple[list[float], str]:
    times: list[float] = []
    while match := LINE_TIME.match(line):
        times.append(_seconds(match))
        line = line[match.end() :].lstrip()
    return times, line


def _words(timed: list[tuple[float, str]], shift: float, duration: float) -> tuple[Word, ...]:
    """Spread the words of each piece evenly between its time and the next piece's."""
    pieces = [piece for time, rest in timed for piece in _pieces(time, rest)]
    ends = [time for time, _ in pieces[1:]] + [max(duration + shift, 0.0)]
    words: list[Word] = []
    for (start, text), end in zip(pieces, ends, strict=True) if pieces else ():
        names = text.split()
        length = max(0.0, min(end - start, MAX_WORD_SECONDS * len(names)))
        for number, name in enumerate(names):
            first = start - shift + length * number / len(names)
            last = start - shift + length * (number + 1) / len(names)
            words.append(Word(text=name, start=max(0.0, first), end=max(0.0, last)))
    return tuple(words)


def _pieces(time: float, rest: str) -> list[tuple[float, str]]:
    """Split a line at its word times; the text before the first has the line's own time."""
    marks = list(WORD_TIME.finditer(rest))
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(rest)]
    times = [time, *(_seconds(mark) for mark in marks)]
    pieces = zip(times, (rest[a:b].strip() for a, b in zip(starts, ends, strict=True)), strict=True)
    # A first piece without text would only repeat the time of the first word.
    return [piece for number, piece in enumerate(pieces) if piece[1] or number or not marks]


def _seconds(match: re.Match[str]) -> float:
    return int(match[1]) * 60 + float(match[2].replace(":", "."))


def _milliseconds(text: str) -> float:
    # A positive offset shows the lyrics sooner.
    number = re.fullmatch(r"\s*([+-]?\d+)\s*", text)
    return int(number[1]) / 1000 if number else 0.0
