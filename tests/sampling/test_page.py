import json
import re
from html.parser import HTMLParser

import pytest
import torch

from audiogen.sampling.alignment import WordTime
from audiogen.sampling.page import Page, PageItem, evenly, page_html, page_level, peaks

EVIL = '</script><script>alert(1)</script> & "it\'s"'


@pytest.fixture
def page():
    level = page_level(2, "level_2.wav", torch.rand(1, 5000), torch.arange(40), 1000, 128)
    item = PageItem(EVIL, [level], [[WordTime(EVIL, 0.0, 1.5), WordTime("row", 1.5, 2.0)]], EVIL)
    return Page(EVIL, EVIL, 5.0, [item], [("Lyrics", EVIL)], f"audiogen sample {EVIL}", EVIL)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


def test_text_that_people_typed_is_escaped_everywhere(page):
    html = page_html(page)

    assert "alert(1)</script>" not in html
    assert html.count("&lt;script&gt;alert(1)") >= 6
    assert read(html).tags.count("script") == 2


def test_the_page_needs_nothing_but_its_sound_files(page):
    html = page_html(page)

    assert set(read(html).links) == {"level_2.wav"}
    assert "http" not in html
    assert "@import" not in html


def test_what_is_drawn_lies_in_the_page(page):
    html = page_html(page)

    drawn = json.loads(re.search(r'id="song">(.*?)</script>', html, re.DOTALL)[1])
    assert drawn["seconds"] == 5.0
    assert drawn["items"][0]["levels"][0]["codes"] == list(range(40))
    assert len(drawn["items"][0]["levels"][0]["peaks"]) == 800


def test_words_carry_their_times(page):
    assert 'data-start="1.5" data-end="2.0">row</span>' in page_html(page)


def test_peaks_are_the_loudest_samples_in_percent():
    waveform = torch.zeros(2, 1600)
    waveform[1, 3] = -0.5
    waveform[0, 1599] = 2.0

    found = peaks(waveform)

    assert len(found) == 800
    assert (found[1], found[799], sum(found)) == (50, 100, 150)


def test_short_sound_and_few_codes_have_a_column_each():
    assert len(peaks(torch.zeros(1, 7))) == 7
    assert evenly(torch.tensor([5, 6, 7])) == [5, 6, 7]
