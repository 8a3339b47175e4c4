"""M4A and AAC, which our decoder does not know, through an ffmpeg that the user has."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiogen.errors import UserError

SUFFIXES = frozenset({".m4a", ".aac", ".mp4"})


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Give `path`, or for M4A and AAC a decoded WAV that lives as long as the block.

    The whole file is decoded at each call, because only that gives exact sample positions.

    Raises:
        UserError: there is no ffmpeg, or it cannot decode the file.
    """
    if path.suffix.lower() not in SUFFIXES:
        yield path
        return
    program = shutil.which("ffmpeg")
    if program is None:
        raise UserError(
            f"{path}: {path.suffix} files need ffmpeg, which is not on the PATH; install it, or "
            "convert the file to FLAC"
        )
    with tempfile.TemporaryDirectory(prefix="audiogen-") as folder:
        wav = Path(folder) / "decoded.wav"
        command = [program, "-nostdin", "-v", "error", "-i", str(path.absolute()), "-map", "0:a:0"]
        command += ["-c:a", "pcm_f32le", "-rf64", "auto", "-y", str(wav)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode != 0 or not wav.is_file():
            reason = " ".join(done.stderr.split())[-200:] or f"exit code {done.returncode}"
            raise UserError(f"{path}: ffmpeg cannot decode it ({reason}); replace or remove it")
        yield wav
