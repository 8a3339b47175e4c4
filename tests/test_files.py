import errno
import os
import subprocess
import sys

import pytest
import safetensors
import torch

from audiogen import files
from audiogen.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_no_traces(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="broken"), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise ValueError("broken")
    assert files.read_json(path) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(UserError, match="the disk is full"), files.replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with files.replacing(tmp_path / "a.wav") as temporary:
        assert temporary.suffix == ".wav"
        temporary.write_bytes(b"1")


def test_unicode_survives(tmp_path):
    files.write_json(tmp_path / "a.json", {"Пісня": "うた"})
    assert files.read_json(tmp_path / "a.json") == {"Пісня": "うた"}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_damaged_json_is_one_sentence(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        files.read_json(path)


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea")


def test_a_file_has_the_mode_that_the_umask_leaves(tmp_path):
    with files.replacing(tmp_path / "a") as temporary:
        temporary.touch(mode=0o600)
    before = os.umask(0o022)
    os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~before


def test_tensors_survive_and_carry_words(tmp_path):
    tensors = {"a": torch.arange(6).view(2, 3).t()}
    files.write_tensors(tmp_path / "t.safetensors", tensors, {"seed": "7"})
    with safetensors.safe_open(tmp_path / "t.safetensors", framework="pt") as file:
        torch.testing.assert_close(file.get_tensor("a"), tensors["a"])
        assert file.metadata() == {"seed": "7"}


def test_a_disk_that_fills_while_tensors_are_written_is_one_sentence(tmp_path):
    # A limit on the size of files stops the write the way a full disk does.
    program = (
        "import resource, signal, sys, torch, pathlib\n"
        "from audiogen import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "files.write_tensors(pathlib.Path(sys.argv[1]), {'a': torch.zeros(100_000)})\n"
    )
    path = tmp_path / "t.safetensors"
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert "UserError" in result.stderr and "could not be written whole" in result.stderr
    assert list(tmp_path.iterdir()) == []
