"""Check a rendered corpus: files present and whole, splits without leaks."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiogen.data.manifest import Manifest, Track, read_manifest
from audiogen.errors import UserError
from audiogen.files import read_json, sha256_of
from audiogen.songbook.letter_to_sound import plain_letters
from audiogen.songbook.track_plan import TEST_SPLITS

_SONG_GROUPS = {"train": "train", "test_pair": "train", "validation": "validation"} | {
    "test_song": "test",
    "test_both": "test",
}


@dataclass(frozen=True)
class CorpusReport:
    """What a corpus holds, and what is wrong with it."""

    seconds: dict[str, float]  # split -> audio
    tracks: dict[str, int]  # split -> count
    problems: tuple[str, ...]

    def text(self) -> str:
        """Return the report as people read it."""
        lines = [
            f"{split}: {self.tracks[split]} tracks, {seconds / 60:.1f} minutes"
            for split, seconds in self.seconds.items()
        ]
        lines += [f"problem: {problem}" for problem in self.problems]
        return "\n".join([*lines, f"{len(self.problems)} problems"])


def check_corpus(folder: Path) -> CorpusReport:
    """Check files, hashes and splits of a finished corpus.

    Raises:
        UserError: the folder holds no finished corpus.
    """
    if not (folder / "manifest.jsonl").exists():
        raise UserError(f"{folder}: holds no finished corpus (manifest.jsonl is missing)")
    manifest = read_manifest(folder / "manifest.jsonl")
    seconds: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for track in manifest.tracks:
        seconds[track.split] += track.duration
        count[track.split] += 1
    problems = [*_file_problems(manifest), *_leaks(manifest), *_unseen_in_training(manifest)]
    return CorpusReport(dict(seconds), dict(count), tuple(problems))


def _file_problems(manifest: Manifest) -> Iterator[str]:
    for track in manifest.tracks:
        audio = manifest.audio_path(track)
        if not audio.exists():
            yield f"{track.path}: missing"
        elif sha256_of(audio) != track.sha256:
            yield f"{track.path}: other bytes than the manifest says"
        if not _truth_path(manifest, track).exists():
            yield f"{track.path}: its truth file is missing"


def _truth_path(manifest: Manifest, track: Track) -> Path:
    return manifest.folder / (track.model_extra or {}).get("truth", "truth-not-named")


def _leaks(manifest: Manifest) -> Iterator[str]:
    """Yield what stands in two groups of splits that must share nothing."""
    for what, values in (("family", _families), ("line of lyrics", _lines)):
        owners: dict[str, dict[str, Track]] = defaultdict(dict)
        for track in manifest.tracks:
            for value in values(track):
                owners[value].setdefault(_SONG_GROUPS.get(track.split, track.split), track)
        for value, groups in owners.items():
            if len(groups) > 1:
                yield f"{what} '{value}' stands in {' and '.join(sorted(groups))}"
    yield from _pair_leaks(manifest)


def _families(track: Track) -> list[str]:
    return [str((track.model_extra or {}).get("family", track.title))]


def _lines(track: Track) -> list[str]:
    lines = (" ".join(map(plain_letters, line.split())) for line in track.lyrics.splitlines())
    # Two words ("long ago") are a phrase of the language, not a line that leaks.
    return [line for line in lines if len(line.split()) > 2]


def _pair_leaks(manifest: Manifest) -> Iterator[str]:
    def pairs(splits: Sequence[str]) -> set[tuple[str, tuple[str, ...]]]:
        return {(t.artist, t.genre) for t in manifest.tracks if t.split in splits}

    for artist, genre in sorted(pairs(("test_pair", "test_both")) & pairs(("train", "validation"))):
        yield f"held-out pair {artist} and {', '.join(genre)} also stands in training"


def _unseen_in_training(manifest: Manifest) -> Iterator[str]:
    """Yield what a test split asks for that training never shows."""
    kinds: dict[str, Callable[[Track], set[str]]] = {
        "artist": lambda track: {track.artist},
        "genre": lambda track: set(track.genre),
        "metre": lambda track: {str((track.model_extra or {}).get("metre", ""))},
        "phoneme": lambda track: _phonemes(manifest, track),
    }
    tested = [track for track in manifest.tracks if track.split in TEST_SPLITS]
    trained = manifest.in_split("train").tracks if tested else ()
    for kind, values in kinds.items():
        seen = {value for track in trained for value in values(track)}
        asked = {value for track in tested for value in values(track)}
        for value in sorted(asked - seen):
            yield f"{kind} {value} is tested but never trained"


def _phonemes(manifest: Manifest, track: Track) -> set[str]:
    path = _truth_path(manifest, track)
    return {symbol for symbol, _, _ in read_json(path)["phonemes"]} if path.exists() else set()
