"""What the page of a song shows: the song so far, as the page draws it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from audiogen.conditioning.vocabulary import normalize_lyrics
from audiogen.data.audio_file import read_audio
from audiogen.sampling.alignment import Alignment, word_times
from audiogen.sampling.page import Page, PageItem, PageLevel, page_level, write_page
from audiogen.sampling.request import SongPlan, SongRequest
from audiogen.sampling.song_folder import SongFolder

MAX_TITLE = 60


class SongPage:
    """Keeps the drawn levels from one writing of the page to the next."""

    def __init__(self, plan: SongPlan, songs: SongFolder) -> None:
        self._plan, self._songs = plan, songs
        self._recorded = songs.read_request()
        self._levels: list[dict[int, PageLevel]] = [{} for _ in plan.seeds]  # per item
        self.alignments: dict[int, Alignment] = {}

    def add_level(self, level: int, codes: Tensor, waveforms: Sequence[Tensor] | None) -> None:
        """Draw a level of every item.

        Args:
            level: Its number.
            codes: (item, frame) int64.
            waveforms: (channel, sample) of each item; None reads the sound files.
        """
        for item, drawn in enumerate(self._levels):
            path = self._songs.audio_path(item, level)
            waveform = read_audio(path, channels=None) if waveforms is None else waveforms[item]
            drawn[level] = page_level(
                level,
                path.relative_to(self._songs.path).as_posix(),
                waveform,
                codes[item],
                self._plan.sample_rate,
                self._plan.hop_lengths[level],
            )

    def write(self) -> Path:
        """Write the page with what is there."""
        request, path = self._plan.request, self._songs.page_path
        page = Page(
            title=title_of(request),
            subtitle=_subtitle(request),
            seconds=self._plan.num_samples / self._plan.sample_rate,
            items=[self._item(item) for item in range(len(self._levels))],
            facts=_facts(request) + _origin(self._recorded),
            command=str(self._recorded.get("command", "")),
            to_come=self._to_come(),
        )
        write_page(path, page)
        return path

    def _item(self, item: int) -> PageItem:
        alignment = self.alignments.get(item)
        lyrics = normalize_lyrics(self._plan.request.lyrics)
        drawn = self._levels[item]
        return PageItem(
            name=f"Item {item}, seed {self._plan.seeds[item]}",
            levels=[drawn[level] for level in sorted(drawn, reverse=True)],
            lines=[] if alignment is None else word_times(lyrics, alignment),
            alignment_note="" if alignment is None else alignment_note(alignment),
        )

    def _to_come(self) -> str:
        left = [str(level) for level in self._plan.levels if level not in self._levels[0]]
        if not left:
            return ""
        return f"Still to come: level {', '.join(left)}. Load this page again to hear more."


def title_of(request: SongRequest) -> str:
    """Call a song by its first line, else by its genre."""
    first = next((line.strip() for line in request.lyrics.splitlines() if line.strip()), "")
    if len(first) > MAX_TITLE:
        first = first[: MAX_TITLE - 1].rstrip() + "…"
    return first.rstrip(",;:") or " ".join([*request.genre, "song"]).capitalize()


def alignment_note(alignment: Alignment) -> str:
    """Say in one sentence where the times of the words come from."""
    if alignment.method == "attention":
        return (
            f"Word times: read from the model's attention (layer {alignment.layer}, head "
            f"{alignment.head}, score {alignment.score:.2f})."
        )
    found = "" if alignment.score is None else f" (best score {alignment.score:.2f})"
    return (
        "Word times: spread evenly over the song, because no attention head of the model follows "
        f"the words well enough{found}."
    )


def _subtitle(request: SongRequest) -> str:
    parts = [*request.genre, request.artist, f"{request.seconds:g} s", f"seed {request.seed}"]
    return " · ".join(part for part in parts if part)


def _facts(request: SongRequest) -> list[tuple[str, str]]:
    sampling = request.sampling
    facts = [
        ("Lyrics", request.lyrics),
        ("Genre", ", ".join(request.genre)),
        ("Artist", request.artist),
        ("Prompt", "" if request.prompt is None else str(request.prompt)),
        ("Length", f"{request.seconds:g} s of a song of {request.whole_seconds:g} s"),
        ("Seed", str(request.seed)),
        ("Temperature", ", ".join(map(str, sampling.temperature))),
        ("Top-k", ", ".join(map(str, sampling.top_k)) if any(sampling.top_k) else ""),
        ("Top-p", ", ".join(map(str, sampling.top_p)) if min(sampling.top_p) < 1 else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _origin(recorded: Mapping[str, Any]) -> list[tuple[str, str]]:
    model, versions = recorded.get("model", {}), recorded.get("versions", {})
    return [
        ("Model", f"{model.get('path')} ({model.get('hash')})"),
        ("Versions", ", ".join(f"{name} {value}" for name, value in versions.items())),
    ]
