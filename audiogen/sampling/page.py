"""The page of a song: listen at every level, follow the words, see the codes; needs no server.

What is drawn (peaks, codes, words) lies inside the page as JSON, and the sound beside it, so the
folder can be moved or sent as it is. Whatever a person typed is escaped.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader
from torch import Tensor

from audiogen import files
from audiogen.sampling.alignment import WordTime

COLUMNS = 800
"""Columns of the drawn waveform and of the drawn codes."""


@dataclass(frozen=True)
class PageLevel:
    """One level of one item, as it is drawn."""

    name: str
    file: str  # relative to the page
    codes_name: str
    strip_title: str
    peaks: list[int]  # (column,) 0..100
    codes: list[int]  # (column,) ids


@dataclass(frozen=True)
class PageItem:
    """One item: its levels, coarsest first, and its words."""

    name: str
    levels: list[PageLevel]
    lines: list[list[WordTime]]
    alignment_note: str


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    title: str
    subtitle: str
    seconds: float
    items: list[PageItem]
    facts: list[tuple[str, str]]  # (name, value)
    command: str
    to_come: str = ""  # what is still being made


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all."""
    files.write_text(path, page_html(page))


def page_html(page: Page) -> str:
    """Render the page; every text is escaped."""
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, trim_blocks=True)
    drawn = [
        {"levels": [{"peaks": level.peaks, "codes": level.codes} for level in item.levels]}
        for item in page.items
    ]
    # `tojson` writes <, > and & as \u003c and so on: no text can end the script element.
    return environment.get_template("page.html.jinja").render(
        vars(page) | {"song": {"seconds": page.seconds, "items": drawn}}
    )


def page_level(
    level: int, file: str, waveform: Tensor, codes: Tensor, sample_rate: int, hop_length: int
) -> PageLevel:
    """Reduce a level to what is drawn.

    Args:
        level: Its number.
        file: Its sound, relative to the page.
        waveform: (channel, sample).
        codes: (frame,) int64.
        sample_rate: Audio samples a second.
        hop_length: Audio samples a code.
    """
    rate = sample_rate / hop_length
    return PageLevel(
        name=f"Level {level}",
        file=file,
        codes_name=f"{len(codes)} codes",
        strip_title=f"Codes of level {level}: {rate:.4g} a second, {hop_length} samples each",
        peaks=peaks(waveform),
        codes=evenly(codes),
    )


def peaks(waveform: Tensor) -> list[int]:
    """Return the loudest sample of each column, as a percentage of full scale."""
    loudness = waveform.abs().amax(dim=0).numpy()  # (sample,)
    columns = min(COLUMNS, len(loudness))
    starts = np.arange(columns) * len(loudness) // columns
    return [round(100 * min(float(peak), 1.0)) for peak in np.maximum.reduceat(loudness, starts)]


def evenly(codes: Tensor) -> list[int]:
    """Return the codes of at most `COLUMNS` evenly spaced frames."""
    columns = min(COLUMNS, len(codes))
    places = np.arange(columns) * len(codes) // columns
    return codes.numpy()[places].tolist()
