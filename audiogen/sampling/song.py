"""Coarse to fine to waveform: makes a song, new or from a prompt, and goes on where it stopped.

The top level is made first, then each finer level from the one above it. One prior is in memory
at a time. Sound is written as soon as a level is complete.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from audiogen import files, machine
from audiogen.codec.model import Codec
from audiogen.conditioning.vocabulary import normalize_lyrics
from audiogen.data.audio_file import write_audio
from audiogen.errors import Interrupted
from audiogen.interruption import StopRequest, stop_on_signals
from audiogen.model_folder import ModelFolder
from audiogen.prior.model import Prior
from audiogen.progress import Progress, progress, say
from audiogen.sampling.alignment import Alignment, align, lrc, word_times
from audiogen.sampling.level import LevelWork, fill_level
from audiogen.sampling.lyric_attention import attention_over_lyrics
from audiogen.sampling.preparation import SongModel, SongSoFar, prepare_song
from audiogen.sampling.rendering import decode_codes, render
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song_folder import SongFolder, save_codes
from audiogen.sampling.song_page import SongPage
from audiogen.sampling.windows import Window

__all__ = ["Song", "SongRequest", "decode_codes", "sample_song"]


@dataclass(frozen=True)
class Song:
    """What was made: codes, and the sound that they stand for."""

    codes: Mapping[int, Tensor]  # level -> (item, frame) int64
    codec: Codec
    num_samples: int  # audio samples of the song

    @property
    def sample_rate(self) -> int:
        """Audio samples a second."""
        return self.codec.config.sample_rate

    @cached_property
    def waveform(self) -> Tensor:
        """Sound of the finest level made: (item, channel, sample) float32."""
        return torch.stack(self.waveforms(min(self.codes)))

    def waveforms(self, level: int) -> list[Tensor]:
        """Decode a level: (channel, sample) of each item."""
        return [render(self.codec, item, level, self.num_samples) for item in self.codes[level]]

    def save(self, folder: Path) -> None:
        """Write codes and sound files, in the layout of a song folder."""
        songs = SongFolder(Path(folder), len(next(iter(self.codes.values()))))
        save_codes(songs.codes_path, dict(self.codes), {"num_samples": str(self.num_samples)})
        for level in self.codes:
            for item, waveform in enumerate(self.waveforms(level)):
                write_audio(songs.audio_path(item, level), waveform, self.sample_rate)


def sample_song(
    folder: ModelFolder,
    request: SongRequest | None,
    output: Path,
    *,
    resume: bool = False,
    shown: bool = True,
    stop: StopRequest | None = None,
) -> Song:
    """Make the song of `request` in the folder `output`.

    Args:
        folder: The model.
        request: What is asked for; None with `resume` takes what the folder says.
        output: The song folder: new or empty, or with `resume` one that was begun.
        resume: Go on after the last finished window; what comes out is what one run would make.
        shown: Show progress.
        stop: Somebody else's wish to stop; by default Ctrl-C and SIGTERM are one.

    Raises:
        UserError: the model cannot do what is asked, or the folder is not to be used so.
        Interrupted: asked to stop; every finished window is saved.
    """
    machine.prepare()
    device = machine.default_device()
    model, song = prepare_song(folder, request, Path(output), device, resume=resume)
    with nullcontext(stop) if stop else stop_on_signals() as wish:
        _SongMaker(model, song, device, wish, shown).make()
    return Song(song.codes, model.codec, song.plan.num_samples)


class _SongMaker:
    """Makes what is left of a song, level by level."""

    def __init__(
        self,
        model: SongModel,
        song: SongSoFar,
        device: torch.device,
        stop: StopRequest,
        shown: bool,
    ) -> None:
        self._model, self._song, self._device = model, song, device
        self._stop, self._shown = stop, shown
        self._plan, self._songs = song.plan, song.songs
        self._page = SongPage(song.plan, song.songs)

    def make(self) -> None:
        """Make every level that is not complete."""
        total, done = self._song.count()
        with (
            self._saving_when_stopped(),
            progress("sample", total, "code", done=done, shown=self._shown) as counter,
        ):
            for level in self._plan.levels:
                if level in self._song.complete and self._is_there(level):
                    self._read_level(level)
                else:
                    self._make_level(level, counter)

    @contextmanager
    def _saving_when_stopped(self) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            self._song.save_codes(self._model.folder.codec_hash())
            raise

    def _make_level(self, level: int, counter: Progress) -> None:
        song, aligned = self._song, self._is_aligned(level)
        if song.known[level] < song.codes[level].shape[1] or aligned:
            work = self._work(level, self._model.folder.load_prior(level).to(self._device))
            self._fill(level, work, counter)
            if aligned:
                self._align(level, work)
            del work  # one prior in memory at a time
        waveforms = self._write_sound(level)
        song.save_codes(self._model.folder.codec_hash())
        self._page.add_level(level, song.codes[level], waveforms)
        page = self._page.write()
        # Last: a run that was killed before this line writes the same files once more.
        self._songs.append_level_complete(level)
        if self._shown:
            say(f"level {level}: {self._songs.audio_path(0, level)}; listen: {page}")

    def _is_there(self, level: int) -> bool:
        """Say whether nobody has deleted what a complete level left."""
        files_of: list[Callable[[int, int], Path]] = [self._songs.audio_path]
        if self._is_aligned(level):
            files_of.append(lambda item, _: self._songs.alignment_path(item))
        items = range(len(self._plan.seeds))
        return all(path(item, level).exists() for path in files_of for item in items)

    def _read_level(self, level: int) -> None:
        """Take a level as an earlier run left it."""
        self._page.add_level(level, self._song.codes[level], None)
        if self._is_aligned(level):
            for item in range(len(self._plan.seeds)):
                values = files.read_json(self._songs.alignment_path(item))
                self._page.alignments[item] = Alignment.from_json(values)
        self._page.write()

    def _work(self, level: int, prior: Prior) -> LevelWork:
        plan, num_levels = self._plan, len(self._plan.hop_lengths)
        return LevelWork(
            prior,
            plan.seeds,
            plan.request.sampling.at(level, num_levels),
            plan.request.sampling.max_batch,
            lambda first_frame: self._model.labels(plan, level, first_frame),
            self._song.codes[level + 1] if level + 1 < num_levels else None,
            plan.ratio(level),
        )

    def _fill(self, level: int, work: LevelWork, counter: Progress) -> None:
        codes = self._song.codes[level]
        starts = [window.start for window in work.windows(codes.shape[1])]

        def on_block(num_codes: int) -> None:
            counter.advance(num_codes, level=str(level))
            if self._stop.requested:
                raise Interrupted(
                    f"{self._songs.path}: every finished window is saved; go on with: "
                    f"audiogen sample -o {self._songs.path} --resume"
                )

        def on_window(window: Window) -> None:
            self._song.add(level, window.first_new, window.end, starts.index(window.start))

        fill_level(work, codes, self._song.known[level], on_block=on_block, on_window=on_window)

    def _write_sound(self, level: int) -> list[Tensor]:
        waveforms = []
        for item, codes in enumerate(self._song.codes[level]):
            waveforms.append(render(self._model.codec, codes, level, self._plan.num_samples))
            write_audio(self._songs.audio_path(item, level), waveforms[-1], self._plan.sample_rate)
        return waveforms

    def _is_aligned(self, level: int) -> bool:
        return bool(self._plan.request.lyrics) and level == self._model.lyric_level

    def _align(self, level: int, work: LevelWork) -> None:
        request, description = self._plan.request, self._plan.description
        lyrics = normalize_lyrics(request.lyrics)
        encoder = self._model.encoder(level)
        windows = work.windows(self._song.codes[level].shape[1])
        for item, codes in enumerate(self._song.codes[level]):
            seen = attention_over_lyrics(work.prior, encoder, description, codes, windows)
            alignment = align(*seen, request.whole_seconds)
            files.write_json(self._songs.alignment_path(item), alignment.to_json(lyrics))
            files.write_text(self._songs.lrc_path(item), lrc(word_times(lyrics, alignment)))
            self._page.alignments[item] = alignment
