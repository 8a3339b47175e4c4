"""A collection's waveforms become a code store: every track, every level, resumable.

Under `accelerate launch` each process encodes its own share of the tracks into its own shard.
"""

from pathlib import Path

import torch
from accelerate import PartialState

from audiogen import machine
from audiogen.codec.model import Codec
from audiogen.data.audio_file import read_audio
from audiogen.data.code_shard import read_index, shard_folders
from audiogen.data.code_store import CodeStoreWriter
from audiogen.data.manifest import Manifest, Track, read_manifest
from audiogen.errors import Interrupted, UserError
from audiogen.interruption import stop_on_signals
from audiogen.model_folder import ModelFolder
from audiogen.progress import progress, say


def encode_collection(
    manifest_path: Path, model: ModelFolder, output: Path, *, resume: bool = False
) -> None:
    """Encode every track of a manifest with the model's codec into the code store `output`.

    Tracks that an earlier, interrupted run finished are skipped with `resume`. Tracks shorter
    than one code of the coarsest level, and files that can no longer be read, are named and left
    out.

    Raises:
        UserError: the manifest, the model or the store is unusable, or no track could be encoded.
        Interrupted: a signal came; finished tracks are stored.
    """
    machine.prepare()
    # Without this flag processes on a CPU would not find each other.
    process = PartialState(cpu=not torch.cuda.is_available())
    manifest = read_manifest(manifest_path)
    codec = model.load_codec().to(process.device)
    share = manifest.tracks[process.process_index :: process.num_processes]
    with CodeStoreWriter(
        output,
        codec_hash=model.codec_hash(),
        sample_rate=codec.config.sample_rate,
        hop_lengths=codec.hop_lengths,
        codebook_sizes=(codec.config.codebook_size,) * codec.num_levels,
        shard=process.process_index,
        num_shards=process.num_processes,
        resume=resume,
    ) as writer:
        _encode_share(manifest, share, codec, writer, shown=process.is_main_process)
    process.wait_for_everyone()
    if process.is_main_process and not any(map(read_index, shard_folders(output))):
        count = len(manifest.tracks)
        raise UserError(f"none of the {count} tracks could be encoded; see the lines above")


def encode_track(manifest: Manifest, track: Track, codec: Codec) -> list[torch.Tensor]:
    """Encode one track at every level, cut to whole codes of the coarsest level.

    Returns:
        codes, finest level first: (frame,) int64 each.

    Raises:
        UserError: the file is gone, damaged or shorter than one code of the coarsest level.
    """
    config = codec.config
    path = manifest.audio_path(track)
    waveform = read_audio(path, config.sample_rate, config.channels)  # (channel, sample)
    top_hop = codec.hop_lengths[-1]
    whole = waveform.shape[-1] // top_hop * top_hop
    if whole == 0:
        raise UserError(f"{path}: shorter than one code of the coarsest level ({top_hop} samples)")
    device = next(codec.parameters()).device
    codes = codec.encode(waveform[None, :, :whole].to(device))
    return [level_codes[0].cpu() for level_codes in codes]


def _encode_share(
    manifest: Manifest,
    share: tuple[Track, ...],
    codec: Codec,
    writer: CodeStoreWriter,
    *,
    shown: bool,
) -> None:
    left = [track for track in share if (track.path, track.sha256) not in writer.done]
    done = len(share) - len(left)
    if done:
        say(f"encode: {done} of {len(share)} tracks are in the store already")
    failures: list[str] = []
    with (
        stop_on_signals() as stop,
        progress("encode", len(share), "track", done=done, shown=shown) as shown_progress,
    ):
        for track in left:
            try:
                codes = encode_track(manifest, track, codec)
            except UserError as error:
                failures.append(str(error))
            else:
                writer.append(track, [level_codes.numpy() for level_codes in codes])
            shown_progress.advance()
            if stop.requested:
                raise Interrupted(
                    f"{writer.folder}: stopped after {shown_progress.done} of {len(share)} tracks, "
                    "all stored; the same command with --resume goes on"
                )
    for failure in failures:
        say(f"left out: {failure}")
