"""The overlapping windows that cover the frames of one level; arithmetic only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """One pass of a prior: it sees frames [start, end) and makes those from `first_new` on."""

    start: int
    end: int
    first_new: int

    @property
    def num_new(self) -> int:
        """Frames that this window adds to the song."""
        return self.end - self.first_new


def windows(
    total_frames: int, context_length: int, window_stride: int, *, ratio: int = 1, known: int = 0
) -> list[Window]:
    """Cover `total_frames` by windows of at most `context_length`, in order and without gaps.

    Starts are multiples of `window_stride`; the last start is moved back so that the last window
    is full. A song shorter than the context is one short window. (The windowed sampling of the
    Jukebox paper.)

    Args:
        total_frames: Frames of the whole song at this level.
        context_length: Frames that the prior sees.
        window_stride: Frames from one start to the next, in [1, context_length].
        ratio: Frames of this level in one frame of the level above; every start is a multiple
            of it, so a last start that is none is rounded up and its window is a little shorter.
        known: Frames at the front that exist already; windows that would add nothing are left
            out, so a result may be empty.
    """
    if not 1 <= window_stride <= context_length or window_stride % ratio:
        raise ValueError(
            f"a window stride of {window_stride} frames is no multiple of {ratio} "
            f"in [1, {context_length}]"
        )
    found, first_new = [], known
    for start in _starts(total_frames, context_length, window_stride, ratio):
        end = min(start + context_length, total_frames)
        if end > first_new:
            found.append(Window(start, end, first_new))
            first_new = end
    return found


def stride_frames(context_length: int, fraction: float, ratio: int = 1) -> int:
    """Turn a share of the context into a stride: whole frames of the level above, at least one."""
    return max(int(context_length * fraction) // ratio, 1) * ratio


def _starts(total_frames: int, context_length: int, window_stride: int, ratio: int) -> list[int]:
    last = max(total_frames - context_length, 0)
    last = -(-last // ratio) * ratio
    return [*range(0, last, window_stride), last]
