"""A sound file to go on from: its codes at every level."""

from pathlib import Path

from torch import Tensor

from audiogen.codec.model import Codec
from audiogen.data.audio_file import read_audio
from audiogen.errors import UserError
from audiogen.sampling.request import SongPlan


def encode_prompt(path: Path, codec: Codec, plan: SongPlan) -> dict[int, Tensor]:
    """Encode a prompt, cut to whole codes of the top level, so that all levels end together.

    Returns:
        level -> codes (1, frame) int64 on the CPU.

    Raises:
        UserError: the file cannot be read, or leaves nothing to make.
    """
    top_hop = plan.hop_lengths[-1]
    # One sample more than the song holds is enough to see that the prompt is too long.
    waveform = read_audio(path, plan.sample_rate, plan.channels, 0, plan.num_samples + 1)
    num_samples = waveform.shape[-1]
    if num_samples < top_hop:
        raise UserError(f"{path}: shorter than one code of the top level ({top_hop} samples)")
    if num_samples >= plan.num_samples:
        raise UserError(
            f"{path}: the prompt fills the {plan.request.seconds:g} s asked for, so nothing is "
            "left to make; --seconds counts the prompt too"
        )
    whole = waveform[None, :, : num_samples // top_hop * top_hop]
    device = next(codec.parameters()).device
    codes = codec.encode(whole.to(device))
    return {level: level_codes.cpu() for level, level_codes in enumerate(codes)}
