import json
import math
import shutil

import pytest
import torch

from audiogen.data.audio_file import read_audio, write_audio
from audiogen.errors import Interrupted, UserError
from audiogen.interruption import StopRequest
from audiogen.sampling.rendering import decode_codes
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song import sample_song
from audiogen.sampling.song_folder import load_codes

WORDS = {"lyrics": "row <b>row</b>\nyour boat", "genre": "folk", "artist": "mae hollis"}
REQUEST = SongRequest(**WORDS, seconds=0.61, seed=7)


class StopAfter(StopRequest):
    """A wish to stop that comes when it is looked at for the n-th time."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def requested(self):
        self.looks -= 1
        return self.looks <= 0


def sing(model, request, output, **options):
    options = {"stop": StopAfter(math.inf)} | options
    return sample_song(model, request, output, shown=False, **options)


@pytest.fixture(scope="module")
def song(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("song")
    return sing(model, REQUEST, folder), folder


def same_song(first, second):
    return first.codes.keys() == second.codes.keys() and all(
        torch.equal(first.codes[level], second.codes[level]) for level in first.codes
    )


def test_a_song_folder_holds_sound_at_every_level_codes_request_words_and_page(song):
    made, folder = song

    assert {path.name for path in folder.iterdir()} == {
        "request.json",
        "progress.jsonl",
        "codes.safetensors",
        "level_2.wav",
        "level_1.wav",
        "level_0.wav",
        "alignment.json",
        "lyrics.lrc",
        "index.html",
    }
    saved, metadata = load_codes(folder / "codes.safetensors")
    assert all(torch.equal(saved[level], made.codes[level]) for level in (2, 1, 0))
    assert [saved[level].shape[1] for level in (2, 1, 0)] == [39, 156, 312]
    assert metadata["num_samples"] == "610"


def test_sound_of_every_level_has_exactly_the_asked_length(song):
    made, folder = song

    for level in (0, 1, 2):
        waveform = read_audio(folder / f"level_{level}.wav", channels=None)
        assert waveform.shape == (1, 610)
    torch.testing.assert_close(  # 16 bits
        read_audio(folder / "level_0.wav"), made.waveform[0], atol=2**-15, rtol=0
    )


def test_the_request_says_how_to_make_the_song_again(song, model):
    request = json.loads((song[1] / "request.json").read_text())

    assert (request["seed"], request["seconds"], request["genre"]) == (7, 0.61, ["folk"])
    assert request["model"] == {"path": str(model.path), "hash": model.model_hash()}
    assert request["versions"].keys() == {"audiogen", "torch", "python"}
    assert "--seconds 0.61 --seed 7" in request["command"]


def test_the_page_escapes_the_words_and_follows_them(song):
    html = (song[1] / "index.html").read_text()

    assert "<b>row" not in html
    assert ">&lt;b&gt;row&lt;/b&gt;</span>" in html
    assert html.count("<audio") == 3
    assert "spread evenly over the song" in html


def test_an_alignment_that_is_no_alignment_says_so(song):
    alignment = json.loads((song[1] / "alignment.json").read_text())

    assert alignment["method"] == "linear"
    assert alignment["score"] < alignment["trusted_score"]
    assert (song[1] / "lyrics.lrc").read_text().endswith("]your boat\n")


def test_the_same_seed_is_the_same_song_alone_and_among_candidates(song, model, tmp_path):
    four = sing(model, REQUEST.changed(seed=5, candidates=4), tmp_path)

    for level, codes in four.codes.items():
        assert torch.equal(codes[2], song[0].codes[level][0])
        assert len({tuple(item.tolist()) for item in codes}) == 4
        assert (tmp_path / "item_2" / f"level_{level}.wav").read_bytes() == (
            song[1] / f"level_{level}.wav"
        ).read_bytes()


def test_a_drawn_seed_is_recorded_and_makes_the_song_again(model, tmp_path):
    request = SongRequest(seconds=0.2, levels=(2,))
    first = sing(model, request, tmp_path / "first")
    seed = json.loads((tmp_path / "first" / "request.json").read_text())["seed"]

    assert same_song(first, sing(model, request.changed(seed=seed), tmp_path / "again"))


@pytest.mark.parametrize("looks", [1, 3, 12])
def test_stopped_and_resumed_is_the_same_song(song, model, tmp_path, looks):
    with pytest.raises(Interrupted, match="go on with: audiogen sample -o .* --resume"):
        sing(model, REQUEST, tmp_path, stop=StopAfter(looks))
    saved, _ = load_codes(tmp_path / "codes.safetensors")
    assert saved[0].shape[1] < 312

    assert same_song(sing(model, None, tmp_path, resume=True), song[0])
    for name in ("level_0.wav", "level_2.wav", "alignment.json", "index.html"):
        if name != "index.html":  # which names its own folder
            assert (tmp_path / name).read_bytes() == (song[1] / name).read_bytes()
        assert (tmp_path / name).exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_run_killed_at_any_byte_goes_on_to_the_same_song(song, model, tmp_path, share):
    progress = (song[1] / "progress.jsonl").read_bytes()
    left = progress[: int(share * len(progress))]
    (tmp_path / "progress.jsonl").write_bytes(left)
    shutil.copy(song[1] / "request.json", tmp_path)
    for level in (2, 1):
        if f'{{"level": {level}, "complete": true}}\n'.encode() in left:
            shutil.copy(song[1] / f"level_{level}.wav", tmp_path)
            shutil.copy(song[1] / "alignment.json", tmp_path)

    assert same_song(sing(model, None, tmp_path, resume=True), song[0])
    assert (tmp_path / "progress.jsonl").read_bytes() == progress


def test_resuming_a_finished_song_makes_nothing_anew(song, model, tmp_path):
    shutil.copytree(song[1], tmp_path, dirs_exist_ok=True)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")}

    assert same_song(sing(model, None, tmp_path, resume=True, stop=StopAfter(1)), song[0])
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.wav")} == before


def test_deleted_sound_is_rendered_again(song, model, tmp_path):
    shutil.copytree(song[1], tmp_path, dirs_exist_ok=True)
    for name in ("level_1.wav", "alignment.json"):
        (tmp_path / name).unlink()

    sing(model, None, tmp_path, resume=True, stop=StopAfter(1))

    for name in ("level_1.wav", "alignment.json"):
        assert (tmp_path / name).read_bytes() == (song[1] / name).read_bytes()


def test_resume_takes_the_settings_that_were_found_and_refuses_others(song, model):
    assert same_song(sing(model, REQUEST, song[1], resume=True), song[0])
    assert same_song(sing(model, SongRequest(genre="folk"), song[1], resume=True), song[0])

    for changed, message in [
        (SongRequest(seconds=0.7), "was begun with seconds = 0.61, not 0.7"),
        (SongRequest(seed=8), "was begun with seed = 7, not 8"),
        (SongRequest(sampling={"top_k": 3}), r"was begun with top_k = \(0,\), not \(3,\)"),
    ]:
        with pytest.raises(UserError, match=message):
            sing(model, changed, song[1], resume=True)


def test_resume_with_another_model_is_refused(song, build_model):
    with pytest.raises(UserError, match="is not the one that this song was begun with"):
        sing(build_model(lyrics="none"), None, song[1], resume=True)


def test_a_folder_that_holds_a_song_is_not_overwritten(song, model):
    with pytest.raises(UserError, match="is not empty; choose --resume"):
        sing(model, REQUEST, song[1])


def test_resume_of_nothing_is_refused(model, tmp_path):
    with pytest.raises(UserError, match="there is no song to resume here"):
        sing(model, None, tmp_path, resume=True)


@pytest.fixture
def prompt(tmp_path):
    generator = torch.Generator().manual_seed(0)
    waveform = 0.3 * torch.randn(1, 250, generator=generator)
    write_audio(tmp_path / "prompt.wav", waveform, 1000)
    return tmp_path / "prompt.wav"


def test_a_prompt_stays_at_the_front_of_every_level(model, prompt, tmp_path):
    request = SongRequest(seconds=0.61, seed=7, prompt=prompt, candidates=2)
    made = sing(model, request, tmp_path / "song")

    expected = model.load_codec().encode(read_audio(prompt)[None, :, :240])
    for level, frames in enumerate((312, 156, 39)):
        codes = made.codes[level]
        assert codes.shape[1] == frames
        given = expected[level].shape[1]
        assert torch.equal(codes[:, :given], expected[level].expand(2, -1))
        assert not torch.equal(codes[0, given:], codes[1, given:])


def test_a_song_from_a_prompt_resumes_without_the_prompt(model, prompt, tmp_path):
    request = SongRequest(seconds=0.61, seed=7, prompt=prompt, levels=(2, 1))
    whole = sing(model, request, tmp_path / "whole")
    with pytest.raises(Interrupted):
        sing(model, request, tmp_path / "stopped", stop=StopAfter(4))
    prompt.unlink()

    assert same_song(sing(model, None, tmp_path / "stopped", resume=True), whole)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0.2, "the prompt fills the 0.2 s asked for"), (0.25, "so nothing is left to make")],
)
def test_a_prompt_that_leaves_nothing_to_make_is_refused(model, prompt, tmp_path, seconds, message):
    with pytest.raises(UserError, match=message):
        sing(model, SongRequest(seconds=seconds, prompt=prompt), tmp_path / "song")
    assert not (tmp_path / "song").exists()


def test_levels_may_stop_early(model, tmp_path):
    made = sing(model, SongRequest(seconds=0.61, seed=7, levels=(2, 1), **WORDS), tmp_path)

    assert made.codes.keys() == {2, 1}
    assert not (tmp_path / "level_0.wav").exists()
    assert made.waveform.shape == (1, 1, 610)


def test_a_model_without_lyrics_or_with_lyrics_before_the_codes_sings_too(build_model, tmp_path):
    for kind, words in (("none", {}), ("prefix", WORDS)):
        made = sing(build_model(lyrics=kind), SongRequest(seconds=0.3, **words), tmp_path / kind)
        assert made.waveform.shape == (1, 1, 300)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"genre": "flok"}, "the nearest is 'folk'"),
        ({"lyrics": "row, row"}, "the model never met ','"),
        ({"genre": ["folk", "blues", "folk"]}, "3 are too many; 2 fit"),
        ({"seconds": 0.015}, "less than one code of level 2"),
        ({"levels": [0]}, "is no beginning of 2,1,0"),
        ({"sampling": {"top_p": [0.9, 0.8]}}, "2 values for 3 levels"),
        ({"prompt": "nowhere.wav"}, "nowhere.wav: no such audio file"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(model, tmp_path, values, message):
    request = SongRequest.model_validate({"seconds": 0.3} | values)
    with pytest.raises(UserError, match=message):
        sing(model, request, tmp_path / "song")
    assert not (tmp_path / "song").exists()


def test_a_missing_prior_is_named_with_the_command_that_trains_it(build_model, tmp_path):
    model = build_model(levels=(2, 1))
    with pytest.raises(UserError, match="has no prior_0 .* audiogen train prior .* --level 0"):
        sing(model, REQUEST, tmp_path / "song")

    assert sing(model, REQUEST.changed(levels=(2, 1)), tmp_path / "song").codes.keys() == {2, 1}


def test_lyrics_for_a_model_that_cannot_sing_are_refused(build_model, tmp_path):
    with pytest.raises(UserError, match="trained without lyrics and cannot sing"):
        sing(build_model(lyrics="none"), REQUEST, tmp_path / "song")


def test_saved_codes_decode_to_the_sound_of_the_song(song, model, tmp_path):
    for level in (None, 2):
        decode_codes(model, song[1] / "codes.safetensors", level, tmp_path / "out.wav")
        expected = song[1] / f"level_{level or 0}.wav"
        assert (tmp_path / "out.wav").read_bytes() == expected.read_bytes()


def test_codes_of_another_codec_or_level_are_refused(song, model, build_model, tmp_path):
    codes = song[1] / "codes.safetensors"
    with pytest.raises(UserError, match="has no codes of level 5; it has 0, 1, 2"):
        decode_codes(model, codes, 5, tmp_path / "out.wav")
    other = build_model(lyrics="none")
    codec = other.load_codec()
    codec.levels[0].quantizer.codebook.mul_(2)
    other.save_codec(codec, {})
    with pytest.raises(UserError, match="made with another codec"):
        decode_codes(other, codes, 0, tmp_path / "out.wav")


def test_a_saved_song_has_sound_and_codes(song, tmp_path):
    song[0].save(tmp_path / "copy")

    assert (tmp_path / "copy/level_1.wav").read_bytes() == (song[1] / "level_1.wav").read_bytes()
    assert load_codes(tmp_path / "copy/codes.safetensors")[0].keys() == {0, 1, 2}
