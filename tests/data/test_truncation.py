import numpy as np
import pytest
import soundfile

from audiogen.data.truncation import check_complete
from audiogen.errors import UserError


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(1000), 8000)
    return path


def test_whole_files_pass(wav, tmp_path):
    check_complete(wav)
    for subtype in ("VORBIS", "OPUS"):
        soundfile.write(tmp_path / "a.ogg", np.zeros(96000), 48000, subtype=subtype)
        check_complete(tmp_path / "a.ogg")


def test_one_missing_byte_of_a_wav_is_noticed(wav):
    wav.write_bytes(wav.read_bytes()[:-1])
    with pytest.raises(UserError, match="its header promises 1 more bytes than the file holds"):
        check_complete(wav)


def test_chunks_before_and_after_the_sound_are_stepped_over(wav):
    content = wav.read_bytes()
    extra = b"LIST" + (3).to_bytes(4, "little") + b"abc\0"
    wav.write_bytes(content[:12] + extra + content[12:] + extra)
    check_complete(wav)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_came_through_a_pipe_promises_nothing(wav, size):
    content = bytearray(wav.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = size.to_bytes(4, "little")
    wav.write_bytes(content)
    check_complete(wav)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_cut_anywhere_is_noticed(tmp_path, subtype):
    path = tmp_path / "a.ogg"
    sound = np.random.default_rng(0).standard_normal(48000) * 0.1
    soundfile.write(path, sound, 48000, subtype=subtype)
    content = path.read_bytes()
    for length in (len(content) - 1, content.rindex(b"OggS"), len(content) // 2, 500):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="the stream stops before its last page"):
            check_complete(path)
