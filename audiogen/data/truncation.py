"""Files that were cut off, where the decoder does not tell: the container says more than is there.

A cut FLAC or MP3 shows when it is decoded; a cut WAV or Ogg decodes without complaint, shorter.
"""

import os
from pathlib import Path

from audiogen.errors import UserError

UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF})
"""Data sizes in WAV files written to a pipe, where the length was not known."""

MAX_OGG_PAGE = 27 + 255 + 255 * 255
OGG_LAST_PAGE = 4
"""Bit of a page's flags that marks the end of the stream."""


def check_complete(path: Path) -> None:
    """Refuse a WAV or Ogg file (Vorbis, Opus) that was cut off.

    Raises:
        UserError: the header promises more bytes than there are, or the last page is missing.
    """
    with path.open("rb") as file:
        magic = file.read(12)
        if magic[:4] == b"RIFF" and magic[8:] == b"WAVE":
            missing = _missing_wav_bytes(path)
            if missing > 0:
                raise UserError(
                    f"{path}: truncated: its header promises {missing} more bytes than the file "
                    "holds; copy it again or remove it"
                )
    if magic[:4] == b"OggS" and not _ogg_ends(path):
        raise UserError(
            f"{path}: truncated: the stream stops before its last page; copy it again or remove it"
        )


def _missing_wav_bytes(path: Path) -> int:
    size = os.path.getsize(path)
    with path.open("rb") as file:
        file.seek(12)
        while len(chunk := file.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return 0 if length in UNKNOWN_SIZES else file.tell() + length - size
            # Chunks start at even bytes.
            file.seek(length + length % 2, os.SEEK_CUR)
    return 0


def _ogg_ends(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, os.path.getsize(path) - MAX_OGG_PAGE))
        tail = file.read()
    page = tail.rfind(b"OggS\0")
    while page >= 0:
        segments = tail[page + 27 : page + 27 + tail[page + 26]] if len(tail) > page + 26 else b""
        if page + 27 + len(segments) + sum(segments) == len(tail):
            return bool(tail[page + 5] & OGG_LAST_PAGE)
        page = tail.rfind(b"OggS\0", 0, page)
    return False
