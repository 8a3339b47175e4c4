"""One finished track as records: the manifest line and the truth beside it."""

import json
from typing import Any

import numpy as np

from audiogen.songbook.arrangement import lyrics
from audiogen.songbook.mixing import Rendering
from audiogen.songbook.score import Score
from audiogen.songbook.track_plan import TrackPlan


def manifest_record(
    plan: TrackPlan, score: Score, rendering: Rendering, sample_rate: int, path: str, sha256: str
) -> dict[str, Any]:
    """Return the manifest line of a track; `path` is relative to the corpus."""
    return {
        "path": path,
        "duration": round(len(rendering.mix) / sample_rate, 6),
        "sample_rate": sample_rate,
        "channels": 1,
        "title": plan.song.title,
        "artist": plan.artist.name,
        "genre": [plan.genre.name],
        "lyrics": lyrics(plan.song, plan.form),
        "words": _words(score, rendering),
        "sections": [{"start": s, "end": e, "label": label} for s, e, label in score.sections],
        "language": "en",
        "split": plan.split,
        "sha256": sha256,
        "key": plan.key,
        "tempo": score.tempo,
        "metre": plan.metre,
        "family": plan.song.family,
        "credit": plan.song.credit,
        "seed": plan.seed,
        "score_hash": score.digest(),
        "truth": f"truth/{plan.name}.json",
    }


def _words(score: Score, rendering: Rendering) -> list[dict[str, Any]]:
    """Return every word with its first phoneme's start and its last syllable's end."""
    words = [{"text": text, "start": 0.0, "end": 0.0} for text in score.words]
    seen: set[int] = set()
    for syllable, (start, _, end) in zip(score.syllables, rendering.syllable_times, strict=True):
        word = words[syllable.word]
        if syllable.word not in seen:
            word["start"] = round(max(float(start), 0.0), 4)
            seen.add(syllable.word)
        word["end"] = round(float(end), 4)
    return words


def truth_record(
    plan: TrackPlan,
    score: Score,
    rendering: Rendering,
    record: dict[str, Any],
    stems: dict[str, str],
) -> dict[str, Any]:
    """Return everything that is known about a track; times in seconds, pitch in hertz."""
    sung = zip(score.syllables, rendering.syllable_times, strict=True)
    notes = [
        [note.start, note.end, note.midi, "vocals"]
        for syllable in score.syllables
        for note in syllable.notes
    ]
    notes += [
        [event.start, round(event.start + event.duration, 6), event.midi, "lead"]
        for event in score.events
        if event.stem == "lead"
    ]
    return {
        "track": record,
        "song": plan.song.name,
        "syllables": [
            {
                "text": syllable.text,
                "word": syllable.word,
                "start": round(float(start), 4),
                "vowel": round(float(vowel), 4),
                "end": round(float(end), 4),
            }
            for syllable, (start, vowel, end) in sung
        ],
        "phonemes": [
            [symbol, round(float(start), 4), round(float(end), 4)]
            for symbol, start, end in rendering.phonemes
        ],
        "notes": notes,
        "pitch": [round(float(hertz), 1) for hertz in np.asarray(rendering.pitch)],
        "chords": [list(chord) for chord in score.chords],
        "beats": list(score.beats),
        "bars": list(score.bars),
        "sections": record["sections"],
        "stems": stems,
    }


def compact_json(value: Any) -> str:
    """Write JSON on one line: a pitch curve a line a number would be unreadable anyway."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
