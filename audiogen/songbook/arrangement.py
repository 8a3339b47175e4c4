"""Song, genre, artist, key, tempo and seed -> Score: everything that will sound, without sound."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from audiogen.songbook.accompaniment import Accompanist, decimal, drawn
from audiogen.songbook.artists import Artist
from audiogen.songbook.form import (
    ChordLookup,
    ChordSpan,
    FormName,
    Layout,
    PlacedSection,
    chord_spans,
    lay_out,
    note_span,
)
from audiogen.songbook.genre import Genre, VocalTreatment
from audiogen.songbook.groove import Grid, choose_grid
from audiogen.songbook.harmony import written_with_flats
from audiogen.songbook.lead import Leader
from audiogen.songbook.pronunciation import pronounce_section
from audiogen.songbook.score import MixHabit, Score, SungNote, Syllable, Voice
from audiogen.songbook.song import Note, Song

NUM_KEYS = 3
BREATH_SECONDS = 0.15
"""What a singer takes from a long last note of a line, to breathe."""
_LONG_NOTE_SECONDS = 0.5
_BREATH_MARKS = (",", ".", ";", "!", "?", ":")


def transpositions(song: Song, artist: Artist) -> tuple[int, ...]:
    """Return up to NUM_KEYS shifts in semitones that fit the artist's range, best centered first.

    Empty where the melody is wider than the voice.
    """
    voice = artist.voice
    fitting = range(voice.low - song.lowest, voice.high - song.highest + 1)
    middle = (voice.low + voice.high - song.lowest - song.highest) / 2
    return tuple(sorted(fitting, key=lambda shift: (abs(shift - middle), shift))[:NUM_KEYS])


def grid_of(song: Song, genre: Genre, tempo_factor: float) -> Grid:
    """Return the grid of a song in a genre; `tempo_factor` is one of groove.TEMPO_FACTORS."""
    return choose_grid(song, genre.tempo, genre.keeps, genre.swing, tempo_factor)


def planned_duration(song: Song, genre: Genre, tempo_factor: float, form: FormName) -> float:
    """Return the seconds of a track without arranging it."""
    return decimal(lay_out(song, grid_of(song, genre, tempo_factor), form).duration)


def arrange(
    song: Song,
    genre: Genre,
    artist: Artist,
    *,
    shift: int,
    tempo_factor: float,
    seed: int,
    form: FormName = "full",
) -> Score:
    """Arrange a song.

    Args:
        song: what is sung.
        genre: how it is played.
        artist: who sings.
        shift: semitones from the notation's key, one of `transpositions`.
        tempo_factor: one of groove.TEMPO_FACTORS.
        seed: every choice (velocities, walking notes, fills, instruments) follows from it.
        form: "full", or "short": intro, verse, chorus, end.
    """
    generator = random.Random(f"arrangement/{seed}")
    layout = lay_out(song, grid_of(song, genre, tempo_factor), form)
    spans = chord_spans(layout, song, shift, genre.harmony, generator)
    band = Accompanist(layout, ChordLookup(spans), genre, artist.mix.instrument_seed, generator)
    events = band.play()
    slot = f"{genre.name}/lead"
    instrument = drawn(genre.lead.instruments, artist.mix.instrument_seed, slot, generator)
    tonic, minor = (song.tonic + shift) % 12, song.mode != "maj"
    events += Leader(band, genre.lead, instrument, tonic, minor, shift).play()
    syllables, words = _sung(song, layout, shift)
    return Score(
        events=tuple(sorted(events, key=lambda e: (e.start, e.stem, e.instrument, e.midi))),
        syllables=tuple(syllables),
        words=tuple(words),
        chords=_chord_times(layout.grid, spans, written_with_flats(song, shift)),
        beats=_times(layout, layout.grid.beat),
        bars=_times(layout, layout.grid.bar),
        sections=_section_times(layout),
        duration=decimal(layout.duration),
        tempo=layout.grid.tempo,
        voice=_treated_voice(artist.voice, genre.vocal),
        mix=_treated_mix(artist.mix, genre.vocal),
        seed=seed,
    )


def lyrics(song: Song, form: FormName) -> str:
    """Return the text that a track sings: a line a written line, an empty line a new section.

    Its words, split at white space, are the score's words.
    """
    sections = [
        section.source for section in lay_out(song, _any_grid(song), form).sections if section.sung
    ]
    texts = []
    for section in sections:
        words = [word.text for word in section.words]
        starts = [*section.lines, len(words)]
        lines = zip(starts, starts[1:], strict=False)
        texts.append("\n".join(" ".join(words[a:b]) for a, b in lines if b > a))
    return "\n\n".join(texts)


def _any_grid(song: Song) -> Grid:
    return Grid(song.metre, "4/4", Fraction(1), 100.0, 0.5)


def _sung(song: Song, layout: Layout, shift: int) -> tuple[list[Syllable], list[str]]:
    syllables: list[Syllable] = []
    words: list[str] = []
    for section in layout.sections:
        if section.sung:
            syllables += _section_syllables(song, section, layout.grid, shift, len(words))
            words += [word.text for word in section.source.words]
    return _with_phrases(syllables), words


def _section_syllables(
    song: Song, section: PlacedSection, grid: Grid, shift: int, first_word: int
) -> Iterator[Syllable]:
    notes: dict[int, list[Note]] = {}
    for note in section.source.notes:
        notes.setdefault(note.syllable, []).append(note)
    index = 0
    pronounced = pronounce_section(song, section.source)
    last_words = {line - 1 for line in section.source.lines[1:]} | {len(section.source.words) - 1}
    for number, (word, said) in enumerate(zip(section.source.words, pronounced, strict=True)):
        for place, (text, sounds) in enumerate(zip(word.syllables, said.syllables, strict=True)):
            ends_word = place == len(word.syllables) - 1
            breathes = ends_word and (number in last_words or word.text.endswith(_BREATH_MARKS))
            yield Syllable(
                text=text,
                word=first_word + number,
                onset=sounds.onset,
                vowel=sounds.vowel,
                coda=sounds.coda,
                notes=_sung_notes(notes[index], section, grid, shift, breathes),
                phrase_start=False,
            )
            index += 1


def _sung_notes(
    notes: Sequence[Note], section: PlacedSection, grid: Grid, shift: int, breathes: bool
) -> tuple[SungNote, ...]:
    spans = [note_span(note, section, grid) for note in notes]
    times = [(grid.seconds(start), grid.seconds(end)) for start, end in spans]
    start, end = times[-1]
    if breathes and end - start >= _LONG_NOTE_SECONDS:
        times[-1] = (start, end - min(BREATH_SECONDS, 0.2 * (end - start)))
    return tuple(
        SungNote(decimal(start), decimal(end), note.midi + shift)
        for (start, end), note in zip(times, notes, strict=True)
    )


def _with_phrases(syllables: list[Syllable]) -> list[Syllable]:
    """Mark the first syllable, and every one after a rest or a breath, as a phrase's start."""
    ends = [-1.0] + [syllable.notes[-1].end for syllable in syllables[:-1]]
    return [
        replace(syllable, phrase_start=syllable.notes[0].start - end > 0.05)
        for syllable, end in zip(syllables, ends, strict=True)
    ]


def _chord_times(
    grid: Grid, spans: Sequence[ChordSpan], flats: bool
) -> tuple[tuple[float, float, str], ...]:
    return tuple(
        (
            decimal(grid.seconds(span.start)),
            decimal(grid.seconds(span.end)),
            span.harmony.label(flats),
        )
        for span in spans
    )


def _times(layout: Layout, step: Fraction) -> tuple[float, ...]:
    count = int(layout.end / step)
    return tuple(decimal(layout.grid.seconds(i * step)) for i in range(count))


def _section_times(layout: Layout) -> tuple[tuple[float, float, str], ...]:
    starts = [decimal(layout.grid.seconds(section.start)) for section in layout.sections]
    ends = [*starts[1:], decimal(layout.duration)]
    labels = [section.label for section in layout.sections]
    return tuple(zip(starts, ends, labels, strict=True))


def _treated_voice(voice: Voice, treatment: VocalTreatment) -> Voice:
    vibrato = voice.vibrato_cents * treatment.vibrato_scale
    # A voice that never has vibrato keeps its signature.
    if voice.vibrato_cents > 0:
        vibrato = max(vibrato, treatment.vibrato_at_least)
    glide = voice.portamento if treatment.portamento is None else treatment.portamento
    return replace(
        voice,
        vibrato_cents=round(vibrato, 3),
        portamento=glide,
        scoop=max(voice.scoop, treatment.scoop_at_least),
        formant_db=max(voice.formant_db, treatment.formant_db_at_least),
    )


def _treated_mix(mix: MixHabit, treatment: VocalTreatment) -> MixHabit:
    return replace(
        mix,
        reverb_seconds=round(mix.reverb_seconds + treatment.reverb_more_seconds, 3),
        reverb_amount=round(mix.reverb_amount + treatment.reverb_more, 3),
        ducking=treatment.ducking,
        delay_beats=treatment.delay_beats,
        vocal_drive=treatment.drive,
    )
