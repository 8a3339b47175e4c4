import pytest
import torch

from audiogen import files
from audiogen.errors import UserError
from audiogen.sampling.song_folder import (
    PROMPT,
    MadeSpan,
    SongFolder,
    joined,
    load_codes,
    save_codes,
)


@pytest.fixture
def songs(tmp_path):
    return SongFolder(tmp_path, num_items=2)


def span(level, start, frames, window=0):
    generator = torch.Generator().manual_seed(start)
    codes = torch.randint(0, 65536, (2, frames), generator=generator)
    return MadeSpan(level, start, codes, window)


def test_spans_are_read_back_as_they_were_appended(songs):
    written = [span(2, 0, 5, PROMPT), span(2, 5, 3), span(1, 0, 7)]
    for one in written:
        songs.append_span(one)
    songs.append_level_complete(2)

    spans, complete = songs.read_progress()

    assert complete == {2}
    for found, one in zip(spans, written, strict=True):
        assert (found.level, found.start, found.window) == (one.level, one.start, one.window)
        assert torch.equal(found.codes, one.codes)


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_torn_last_line_counts_as_not_written(songs, kept):
    songs.append_span(span(2, 0, 5))
    whole = songs.progress_path.read_bytes()
    songs.append_span(span(2, 5, 5))
    torn = songs.progress_path.read_bytes()
    end = len(whole) + kept if kept > 0 else kept
    songs.progress_path.write_bytes(torn[:end])

    spans, _ = songs.read_progress()
    assert [one.start for one in spans] == [0]
    songs.append_span(span(2, 5, 5))

    assert songs.progress_path.read_bytes() == torn


def test_a_damaged_line_before_the_last_is_named(songs):
    songs.append_span(span(2, 0, 5))
    songs.append_span(span(2, 5, 5))
    lines = songs.progress_path.read_text().splitlines()
    songs.progress_path.write_text("{" + lines[0] + "\n" + lines[1] + "\n")

    with pytest.raises(UserError, match=r"progress.jsonl:1: damaged"):
        songs.read_progress()


def test_spans_fill_their_level():
    codes = torch.zeros(2, 10, dtype=torch.int64)
    spans = [span(2, 0, 4), span(1, 0, 6), span(2, 4, 3)]

    assert joined(spans, 2, codes) == 7
    assert torch.equal(codes[:, :7], torch.cat([spans[0].codes, spans[2].codes], dim=1))
    assert not codes[:, 7:].any()


def test_spans_with_a_gap_are_refused():
    with pytest.raises(ValueError, match=r"frames \[5, 8\) do not follow frame 4"):
        joined([span(2, 0, 4), span(2, 5, 3)], 2, torch.zeros(2, 10, dtype=torch.int64))


def test_a_folder_with_anything_in_it_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty; choose another folder with -o"):
        SongFolder(tmp_path).check_free()


def test_a_folder_with_a_song_in_it_offers_to_resume(tmp_path):
    files.write_json(tmp_path / "request.json", {})
    with pytest.raises(UserError, match="choose --resume to go on with it, or another folder"):
        SongFolder(tmp_path).check_free()


def test_leftovers_of_a_killed_process_do_not_count(tmp_path):
    (tmp_path / ".request.12.partial.json").write_text("{")
    SongFolder(tmp_path).check_free()
    SongFolder(tmp_path / "new").check_free()


def test_several_items_have_folders_of_their_own(tmp_path):
    assert SongFolder(tmp_path, 1).audio_path(0, 2) == tmp_path / "level_2.wav"
    assert SongFolder(tmp_path, 3).audio_path(1, 2) == tmp_path / "item_1" / "level_2.wav"


def test_codes_are_saved_and_loaded(tmp_path):
    codes = {2: torch.tensor([[1, 2]]), 0: torch.tensor([[3, 4, 5, 6]])[:, :3]}
    save_codes(tmp_path / "codes.safetensors", codes, {"seed": "7"})

    found, metadata = load_codes(tmp_path / "codes.safetensors")

    assert metadata == {"seed": "7"}
    assert found.keys() == codes.keys()
    assert all(torch.equal(found[level], codes[level]) for level in codes)


def test_a_truncated_codes_file_is_one_sentence(tmp_path):
    path = tmp_path / "codes.safetensors"
    save_codes(path, {0: torch.zeros(1, 100, dtype=torch.int64)}, {})
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(UserError, match="codes.safetensors: no readable codes"):
        load_codes(path)
