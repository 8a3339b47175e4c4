"""Score -> stems and mix. After a stem's own color all is linear: the stems sum to the mix."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from audiogen.songbook.band import play
from audiogen.songbook.effects import (
    ducking,
    echo,
    filter_linearly,
    limiter_gain,
    master_response,
    reverb_impulse,
    saturate,
)
from audiogen.songbook.loudness import integrated_loudness
from audiogen.songbook.score import Score
from audiogen.songbook.singer import sing

STEM_NAMES = ("vocals", "drums", "bass", "chords", "lead")
LOUDNESS = -16.0
"""LUFS of every mix."""
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 16_000, 44_100

_CEILING = 0.89
_LOUDNESS_ROUNDS = 2
_STEM_DB = {"drums": 0.0, "bass": -1.0, "chords": -3.0, "lead": -2.0}  # by RMS of what sounds
_REVERB_SENDS = {"vocals": 1.0, "drums": 0.35, "bass": 0.05, "chords": 0.7, "lead": 1.0}
_DUCKED_STEMS = ("bass", "chords", "lead")
_ECHO_DB = {"vocals": -11.0, "lead": -11.0}
_SOUNDING_DB = -40.0


@dataclass(frozen=True)
class Rendering:
    """The sound of a score, and the truth that only the singer knows."""

    mix: np.ndarray  # (sample,) float32
    stems: dict[str, np.ndarray]  # name -> (sample,) float32; they sum to the mix
    phonemes: list[tuple[str, float, float]]  # ARPAbet symbol, start, end in seconds
    pitch: np.ndarray  # (pitch frame,) planned hertz, 100 a second, 0 where unvoiced
    syllable_times: list[tuple[float, float, float]]  # first phoneme, vowel, end in seconds


def render(score: Score, sample_rate: int) -> Rendering:
    """Sing, play and mix `score`; the same score gives the same bytes.

    Raises:
        ValueError: The sample rate is not between 16 and 44.1 kHz, the score has no length, or
            an event names an unknown instrument or stem.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise ValueError(
            f"sample rate is {sample_rate}, must be {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
        )
    if round(score.duration * sample_rate) < 1:
        raise ValueError(f"score lasts {score.duration} s, must be longer than a sample")
    sung = sing(score, sample_rate)
    stems = {"vocals": saturate(sung.waveform, score.mix.vocal_drive), **play(score, sample_rate)}
    _balance_(stems, score.mix.vocal_db)
    _color_(stems, score, sample_rate)
    master_(stems, sample_rate)
    mix = _sum(stems)
    return Rendering(mix, stems, sung.phonemes, sung.pitch, sung.syllable_times)


def _balance_(stems: dict[str, np.ndarray], vocal_db: float) -> None:
    """Set the stems against each other, then the voice against them, by RMS of what sounds."""
    for name, level_db in _STEM_DB.items():
        level = sounding_rms(stems[name])
        if level > 0:
            stems[name] *= np.float32(0.1 * 10 ** (level_db / 20) / level)
    backing = sounding_rms(stems["drums"] + stems["bass"] + stems["chords"] + stems["lead"])
    voice = sounding_rms(stems["vocals"])
    if voice > 0 and backing > 0:
        stems["vocals"] *= np.float32(backing * 10 ** (vocal_db / 20) / voice)


def sounding_rms(waveform: np.ndarray) -> float:
    """RMS of the samples (sample,) that are not silent: within 40 dB of the peak."""
    magnitude = np.abs(waveform)
    loud = magnitude > magnitude.max() * 10 ** (_SOUNDING_DB / 20)
    return float(np.sqrt(np.mean(np.square(waveform[loud]), dtype=np.float64))) if loud.any() else 0


def _color_(stems: dict[str, np.ndarray], score: Score, sample_rate: int) -> None:
    """Duck, echo, reverberate and filter every stem; nothing here mixes or bends them."""
    habit = score.mix
    num_samples = len(stems["vocals"])
    if habit.ducking:
        gain = ducking(score.beats, num_samples, sample_rate)
        for name in _DUCKED_STEMS:
            stems[name] *= gain
    if habit.delay_beats > 0:
        delay = habit.delay_beats * 60 / score.tempo
        for name, level_db in _ECHO_DB.items():
            # The first echo already lies 8 dB under its source.
            strength = np.float32(10 ** ((level_db + 8) / 20))
            stems[name] += strength * echo(stems[name], delay, sample_rate)
    impulse = reverb_impulse(habit.reverb_seconds, sample_rate)
    size = fft.next_fast_len(num_samples + len(impulse), real=True)
    room = fft.rfft(impulse.astype(np.float32), size, workers=1) * habit.reverb_amount
    # Single precision: these are the longest arrays of a track.
    frequencies = fft.rfftfreq(size, 1 / sample_rate).astype(np.float32)
    master = master_response(frequencies, habit.master_tilt_db)
    for name, send in _REVERB_SENDS.items():
        if stems[name].any():
            response = (1 + np.float32(send) * room) * master
            stems[name] = filter_linearly(stems[name], response, size)


def master_(stems: dict[str, np.ndarray], sample_rate: int) -> None:
    """Bring the sum to its loudness and under the ceiling, by gains common to all stems."""
    for _ in range(_LOUDNESS_ROUNDS):
        mix = _sum(stems)
        loudness = integrated_loudness(mix, sample_rate)
        if not np.isfinite(loudness):
            return
        gain = np.float32(10 ** ((LOUDNESS - loudness) / 20))
        curve = gain * limiter_gain(mix * gain, _CEILING, sample_rate)
        for name in STEM_NAMES:
            stems[name] *= curve


def _sum(stems: dict[str, np.ndarray]) -> np.ndarray:
    mix = np.zeros_like(stems["vocals"])
    for name in STEM_NAMES:
        mix += stems[name]
    return mix
