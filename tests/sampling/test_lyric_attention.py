import numpy as np
import pytest
import torch

from audiogen.conditioning.labels import Description, LabelEncoder
from audiogen.prior.alignment import lyric_attention
from audiogen.sampling.lyric_attention import attention_over_lyrics
from audiogen.sampling.windows import windows

LYRICS = "row row row your boat\ngently down the stream"


@pytest.fixture(scope="module", params=["encoder", "prefix"])
def parts(request, build_model):
    folder = build_model(levels=(2,), lyrics=request.param)
    return folder.load_prior(2), LabelEncoder(folder.load_vocabulary(), 2, 16)


def seen_in(parts, lyrics, frames):
    prior, encoder = parts
    song = Description(num_samples=frames * 16, lyrics=lyrics)
    codes = torch.randint(0, 40, (frames,), generator=torch.Generator().manual_seed(0))
    covering = windows(frames, 32, 16)
    return song, codes, covering, attention_over_lyrics(prior, encoder, song, codes, covering)


def test_every_frame_is_read_in_the_window_that_made_it(parts):
    prior, encoder = parts
    song, codes, covering, found = seen_in(parts, LYRICS, 70)
    frames = round(found.column_seconds * 1000 / 16)

    assert set(found.heads) == {(3, 0), (3, 1)}
    for head in (0, 1):
        expected = np.zeros((-(-70 // frames), len(LYRICS)))
        for window in covering:
            labels = encoder.encode(song, window.start * 16, 32 * 16)
            places = encoder.lyric_window(song, window.start * 16, 32 * 16).characters
            seen = lyric_attention(
                prior, codes[None, window.start : window.end], labels, layer=3, head=head
            )[0]
            for frame in range(window.first_new, window.end):
                # A position of the lyrics has read the token before it.
                for token, character in enumerate(places[:-1], start=1):
                    share = seen[frame - window.start, token].item() / frames
                    expected[frame // frames, character] += share
        np.testing.assert_allclose(found.heads[3, head], expected, rtol=1e-4, atol=1e-6)


def test_heads_that_learned_nothing_are_not_trusted(parts):
    found = seen_in(parts, LYRICS * 3, 120)[3]

    assert max(map(abs, found.scores.values())) < 0.1


def test_one_letter_is_enough_and_follows_nothing(parts):
    found = seen_in(parts, "a", 40)[3]

    assert set(found.scores.values()) == {0.0}
    assert found.heads[3, 0].shape[1] == 1
