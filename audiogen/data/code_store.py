"""The codes of a collection on disk, every level: written by many processes, memory-mapped."""

import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from audiogen.data.code_shard import (
    CODE_DTYPE,
    IndexEntry,
    ShardWriter,
    check_lengths,
    level_file,
    read_index,
    shard_folders,
)
from audiogen.data.code_store_settings import (
    STORE,
    StoreSettings,
    read_settings,
    refuse_other_codec,
)
from audiogen.data.manifest import Track
from audiogen.errors import UserError
from audiogen.files import write_json


class CodeStoreWriter:
    """Appends songs to one shard of a store; every process has its own shard."""

    def __init__(
        self,
        folder: Path,
        *,
        codec_hash: str,
        sample_rate: int,
        hop_lengths: Sequence[int],
        codebook_sizes: Sequence[int],
        shard: int = 0,
        num_shards: int = 1,
        resume: bool = False,
    ) -> None:
        """Open shard number `shard` of `num_shards`.

        Raises:
            UserError: the store exists and `resume` is not asked for, or it holds codes of
                another codec.
        """
        self.folder = Path(folder)
        self.settings = StoreSettings(
            codec_hash=codec_hash,
            sample_rate=sample_rate,
            hop_lengths=tuple(hop_lengths),
            codebook_sizes=tuple(codebook_sizes),
        )
        name = f"shard-{shard}-of-{num_shards}"
        present = shard_folders(self.folder)
        # Other shards of the same run may have been opened a moment ago.
        old = [
            path
            for path in present
            if path.name == name or not path.name.endswith(f"-of-{num_shards}")
        ]
        if old and not resume:
            raise UserError(
                f"{self.folder}: holds codes already; go on with --resume, or name another"
            )
        self._settle()
        entries = [entry for path in present for entry in read_index(path)]
        self.done: set[tuple[str, str]] = {entry.key for entry in entries}
        """(path, sha256) of the songs that any shard holds, this one's later ones included."""
        generation = 1 + max((entry.generation for entry in entries), default=0)
        self._shard = ShardWriter(self.folder / name, self.settings.ratios, generation)

    def append(self, track: Track, codes: Sequence[np.ndarray]) -> None:
        """Store a song; once this returns, its codes survive a crash.

        Args:
            track: the manifest's record, kept with the codes.
            codes: (frame,) of each level, finest first, aligned: a frame of the top level covers
                a whole number of frames of each level below it.

        Raises:
            UserError: the song is too short for one frame of the top level, or the disk is full.
        """
        arrays = [np.asarray(level) for level in codes]
        self._check(track, arrays)
        self._shard.append(track, arrays)
        self.done.add((track.path, track.sha256))

    def close(self) -> None:
        """Close the files; nothing is pending."""
        self._shard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _settle(self) -> None:
        if not (self.folder / STORE).exists():
            write_json(self.folder / STORE, self.settings.to_json())
        found = read_settings(self.folder)
        refuse_other_codec(self.folder, found, self.settings.codec_hash)
        for key, value in self.settings.to_json().items():
            if found.to_json()[key] != value:
                was = found.to_json()[key]
                raise UserError(f"{self.folder}: was made with {key} {was}, not {value}")

    def _check(self, track: Track, arrays: list[np.ndarray]) -> None:
        if len(arrays) != len(self.settings.ratios):
            raise ValueError(f"got {len(arrays)} levels, expected {len(self.settings.ratios)}")
        frames = len(arrays[-1])
        if frames == 0:
            raise UserError(f"{track.path}: too short for one code of the top level")
        expected = [(frames * ratio,) for ratio in self.settings.ratios]
        if [array.shape for array in arrays] != expected:
            raise ValueError(f"shapes {[array.shape for array in arrays]}, expected {expected}")
        for level, (array, size) in enumerate(
            zip(arrays, self.settings.codebook_sizes, strict=True)
        ):
            if array.min() < 0 or array.max() >= size:
                raise ValueError(f"level {level}: codes outside [0, {size})")


class _Song(NamedTuple):
    entry: IndexEntry
    shard: Path


class CodeStore:
    """Reads a store; tracks come in the order of their paths, however many shards there are."""

    def __init__(self, folder: Path, settings: StoreSettings, songs: Sequence[_Song]) -> None:
        """Use `CodeStore.open`."""
        self.folder, self._settings = folder, settings
        self._songs = tuple(songs)
        self.tracks: tuple[Track, ...] = tuple(song.entry.track for song in songs)
        """Manifest records, in store order."""
        self._top_frames = np.array([song.entry.frames for song in songs], dtype=np.int64)
        self._maps: dict[tuple[Path, int], np.ndarray] = {}

    @classmethod
    def open(cls, folder: Path, codec_hash: str | None = None) -> "CodeStore":
        """Open a store and check that its files are whole.

        Args:
            folder: of the store.
            codec_hash: of the codec that the codes are meant for; None takes any.

        Raises:
            UserError: no store, no song in it, another codec's codes, or a truncated file.
        """
        folder = Path(folder)
        settings = read_settings(folder)
        if codec_hash is not None:
            refuse_other_codec(folder, settings, codec_hash)
        newest: dict[str, _Song] = {}
        for shard in shard_folders(folder):
            entries = read_index(shard)
            check_lengths(shard, entries, settings.ratios)
            for entry in entries:
                known = newest.get(entry.track.path)
                if known is None or known.entry.generation <= entry.generation:
                    newest[entry.track.path] = _Song(entry, shard)
        if not newest:
            raise UserError(f"{folder}: holds no finished song; run: audiogen encode ... --resume")
        return cls(folder, settings, [newest[path] for path in sorted(newest)])

    @property
    def sample_rate(self) -> int:
        """Audio samples a second."""
        return self._settings.sample_rate

    @property
    def hop_lengths(self) -> tuple[int, ...]:
        """Audio samples a frame, finest level first."""
        return self._settings.hop_lengths

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        """Codes that each level can hold, finest level first."""
        return self._settings.codebook_sizes

    @property
    def codec_hash(self) -> str:
        """Hash of the codec that made the codes."""
        return self._settings.codec_hash

    def num_frames(self, level: int) -> np.ndarray:
        """Return the frames of every track at `level`: (track,) int64."""
        return self._top_frames * self._settings.ratios[level]

    def read(self, level: int, track: int, start: int, num_frames: int) -> np.ndarray:
        """Return codes (frame,) int64 of one track, from frame `start` of `level` on."""
        length = int(self._top_frames[track]) * self._settings.ratios[level]
        if not 0 <= start <= start + num_frames <= length:
            raise ValueError(f"frames {start} + {num_frames} are outside a track of {length}")
        song = self._songs[track]
        first = song.entry.offsets[level] + start
        return self._map(song.shard, level)[first : first + num_frames].astype(np.int64)

    def histogram(self, level: int, split: str | None = None) -> np.ndarray:
        """Count how often each code of `level` occurs: (codebook_size,) int64.

        None counts all splits together.
        """
        counts = np.zeros(self.codebook_sizes[level], dtype=np.int64)
        lengths = self.num_frames(level)
        for number, track in enumerate(self.tracks):
            if split in (None, track.split):
                codes = self.read(level, number, 0, int(lengths[number]))
                counts += np.bincount(codes, minlength=len(counts))
        return counts

    def check(self) -> None:
        """Read every code and compare it with the sums that the index holds.

        Raises:
            UserError: codes were altered since they were written.
        """
        for number, song in enumerate(self._songs):
            crc32 = 0
            for level, ratio in enumerate(self._settings.ratios):
                codes = self.read(level, number, 0, song.entry.frames * ratio)
                crc32 = zlib.crc32(codes.astype(CODE_DTYPE).data, crc32)
            if crc32 != song.entry.crc32:
                raise UserError(
                    f"{song.shard}: the codes of {song.entry.track.path} are damaged; remove that "
                    "folder and run the same encode with --resume"
                )

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that occur, sorted."""
        return tuple(sorted({track.split for track in self.tracks}))

    def _map(self, shard: Path, level: int) -> np.ndarray:
        if (shard, level) not in self._maps:
            path = level_file(shard, level)
            # An unfinished song may leave half a code at the end, which no shape counts.
            shape = path.stat().st_size // CODE_DTYPE.itemsize
            self._maps[shard, level] = np.memmap(path, CODE_DTYPE, mode="r", shape=shape)
        return self._maps[shard, level]

    def __getstate__(self) -> dict[str, Any]:
        # Pickling a memory map would send its whole content to each worker process.
        return self.__dict__ | {"_maps": {}}
