"""Before anything is made: checks what is asked against the model, and opens the song folder.

Everything that can be refused is refused here, before the first file is written.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from audiogen import files
from audiogen.codec.model import Codec
from audiogen.conditioning.labels import LabelEncoder, Labels
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder, prior_part
from audiogen.prior.model import PriorConfig
from audiogen.sampling import request_file
from audiogen.sampling.prompt import encode_prompt
from audiogen.sampling.request import SongPlan, SongRequest, check_words
from audiogen.sampling.song_folder import PROMPT, MadeSpan, SongFolder, joined, save_codes


@dataclass(frozen=True)
class SongModel:
    """The parts of a model that a song needs throughout; priors are loaded one at a time."""

    folder: ModelFolder
    codec: Codec
    vocabulary: Vocabulary
    configs: dict[int, PriorConfig]  # of the levels to make

    @property
    def lyric_level(self) -> int | None:
        """The coarsest level that reads the lyrics; None in a model that cannot sing."""
        return max((level for level, config in self.configs.items() if config.lyrics), default=None)

    def encoder(self, level: int) -> LabelEncoder:
        """Return what turns a description into labels of the level's windows."""
        config = self.configs[level]
        max_genres = config.labels.max_genres if config.labels else 0
        num_tokens = config.lyrics.num_tokens if config.lyrics else 0
        return LabelEncoder(self.vocabulary, max_genres, num_tokens)

    def labels(self, plan: SongPlan, level: int, first_frame: int) -> Labels | None:
        """Return the labels of the window that begins at `first_frame`, a batch of one."""
        config = self.configs[level]
        if not (config.labels or config.timing or config.lyrics):
            return None
        length = config.context_length * config.hop_length
        offset = first_frame * config.hop_length
        return self.encoder(level).encode(plan.description, offset, length)


@dataclass
class SongSoFar:
    """The codes of a song while it is made, in memory and on disk."""

    plan: SongPlan
    songs: SongFolder
    codes: dict[int, Tensor] = field(default_factory=dict)  # level -> (item, frame) int64
    known: dict[int, int] = field(default_factory=dict)  # level -> frames that are made
    prompted: dict[int, int] = field(default_factory=dict)  # level -> frames of the prompt
    complete: set[int] = field(default_factory=set)  # levels whose sound is written too

    def count(self) -> tuple[int, int]:
        """Return how many codes the model makes for the whole song, and how many it has made."""
        items = len(self.plan.seeds)
        total = sum(codes.shape[1] - self.prompted[level] for level, codes in self.codes.items())
        done = sum(known - self.prompted[level] for level, known in self.known.items())
        return items * total, items * done

    def add(self, level: int, start: int, end: int, window: int) -> None:
        """Record that frames [start, end) are made."""
        self.songs.append_span(MadeSpan(level, start, self.codes[level][:, start:end], window))
        self.known[level] = end

    def save_codes(self, codec_hash: str) -> None:
        """Write the codes of all levels, as far as they are."""
        made = {level: codes[:, : self.known[level]] for level, codes in self.codes.items()}
        metadata = {
            "codec_hash": codec_hash,
            "sample_rate": str(self.plan.sample_rate),
            "num_samples": str(self.plan.num_samples),
            "seed": str(self.plan.request.seed),
        }
        save_codes(self.songs.codes_path, made, metadata)


def prepare_song(
    folder: ModelFolder,
    request: SongRequest | None,
    output: Path,
    device: torch.device,
    *,
    resume: bool,
) -> tuple[SongModel, SongSoFar]:
    """Check the request, load the codec, and begin the song folder or read it.

    Raises:
        UserError: one sentence about what does not fit; nothing was written.
    """
    request, begun = _settle(folder, request, SongFolder(output), resume)
    model = _open_model(folder, request, device)
    config = model.codec.config
    plan = SongPlan(request, config.sample_rate, config.channels, config.hop_lengths)
    plan.check()
    check_words(
        request,
        model.vocabulary,
        reads_labels=any(config.labels for config in model.configs.values()),
        reads_lyrics=model.lyric_level is not None,
    )
    for level in model.configs:
        model.labels(plan, level, first_frame=0)  # refuses, for example, too many genres
    song = SongSoFar(plan, SongFolder(output, request.candidates))
    _read_or_begin(model, song, begun, device)
    return model, song


def _settle(
    folder: ModelFolder, request: SongRequest | None, songs: SongFolder, resume: bool
) -> tuple[SongRequest, bool]:
    """Return the request with its seed, and whether an earlier run began with it."""
    if resume and (songs.has_request or request is None):
        return request_file.check_same(songs, request, folder), True
    if request is None:
        raise ValueError("a request is needed where nothing is resumed")
    songs.check_free()
    return request_file.with_seed(request), False


def _open_model(folder: ModelFolder, request: SongRequest, device: torch.device) -> SongModel:
    codec = folder.load_codec().to(device)
    levels = request.levels or tuple(reversed(range(codec.num_levels)))
    # A level that the codec lacks has no prior either; the plan says so in better words.
    configs = {level: folder.prior_config(level) for level in levels if level < codec.num_levels}
    for level, config in configs.items():
        _check_prior(folder, codec, level, config)
    vocabulary = folder.load_vocabulary() if folder.has_vocabulary() else Vocabulary()
    return SongModel(folder, codec, vocabulary, configs)


def _check_prior(folder: ModelFolder, codec: Codec, level: int, config: PriorConfig) -> None:
    mine = (config.sample_rate, config.hop_length, config.codebook_size)
    wanted = (codec.config.sample_rate, codec.hop_lengths[level], codec.config.codebook_size)
    if mine != wanted:
        raise UserError(
            f"{folder.path}: {prior_part(level)} was trained on codes of another codec (sample "
            f"rate, hop length, codebook size {mine}; the codec has {wanted}); train it again"
        )


def _read_or_begin(model: SongModel, song: SongSoFar, begun: bool, device: torch.device) -> None:
    """Read what an earlier run left, or write the request; put the prompt in its place."""
    plan, songs = song.plan, song.songs
    spans, song.complete = songs.read_progress() if begun else ([], set())
    without_codes = set(plan.levels) - {span.level for span in spans}
    prompt = {}
    if plan.request.prompt is not None and without_codes:
        prompt = encode_prompt(plan.request.prompt, model.codec, plan)
    if not begun:
        described = request_file.describe(plan.request, model.folder, songs.path, device)
        files.write_json(songs.request_path, described)
    for level in sorted(without_codes & set(prompt), reverse=True):
        spans.append(MadeSpan(level, 0, prompt[level].expand(len(plan.seeds), -1), PROMPT))
        songs.append_span(spans[-1])
    for level in plan.levels:
        codes = torch.zeros(len(plan.seeds), plan.num_frames(level), dtype=torch.int64)
        song.codes[level] = codes
        song.known[level] = joined(spans, level, codes)
        song.prompted[level] = sum(
            span.end for span in spans if span.level == level and span.window == PROMPT
        )
