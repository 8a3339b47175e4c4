"""What mouth, nose and throat do in a phrase: phonemes -> control tracks, a frame every 5 ms."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from audiogen.songbook.phonemes import (
    BACK_VOWELS,
    BURST_SECONDS,
    FRICATIVES,
    GLIDES_THROUGHOUT,
    HH_DB,
    NASAL_POLE,
    NG_AFTER_BACK_VOWEL,
    NOISE_SHAPES,
    PLACES,
    SONORANTS,
    STOPS,
    VOWELS,
    Stop,
)
from audiogen.songbook.placement import PlacedPhoneme, PlacedSyllable

FRAME_SECONDS = 0.005
LEAD_IN, LEAD_OUT = 0.06, 0.14
"""Seconds before the first and after the last phoneme that a phrase's tracks cover."""

TRACT_NOISE = len(NOISE_SHAPES)
"""Row of `Articulation.noise` that goes through the vowel's own resonances."""

_ROWS = {shape: row for row, shape in enumerate(NOISE_SHAPES)}
_FORMANT_SMOOTHING, _VOICING_SMOOTHING, _NOISE_SMOOTHING = 0.022, 0.008, 0.0035
_DIPHTHONG_SECONDS, _DIPHTHONG_SHARE = 0.28, 0.6
_ATTACK_SECONDS, _RELEASE_SECONDS = 0.03, 0.09
_F1, _F2, _F3, _ZERO, _WIDTH = range(5)
_ORAL_WIDTH, _NASAL_WIDTH = 55.0, 105.0


@dataclass(frozen=True)
class Articulation:
    """Control tracks of a phrase. Frame f lies at `start + f * FRAME_SECONDS`."""

    start: float  # seconds in the song
    formants: np.ndarray  # (frame, 3) hertz, of a tract of length 1
    first_width: np.ndarray  # (frame,) hertz, bandwidth of F1
    nasal_zero: np.ndarray  # (frame,) hertz
    voicing: np.ndarray  # (frame,) amplitude, 1 in a vowel
    noise: np.ndarray  # (noise shape + 1, frame) amplitude, 1 as strong as a vowel


def articulate(phrase: list[PlacedSyllable]) -> Articulation:
    """Turn a phrase into tracks, smoothed as a mouth moves."""
    start = phrase[0].start - LEAD_IN
    end = phrase[-1].end + LEAD_OUT
    times = start + FRAME_SECONDS * np.arange(int(np.ceil((end - start) / FRAME_SECONDS)) + 1)
    mouth = np.zeros((5, len(times)))
    voicing_power = np.zeros(len(times))
    noise_power = np.zeros((len(NOISE_SHAPES) + 1, len(times)))
    placed = [phoneme for syllable in phrase for phoneme in syllable.phonemes]
    for index, phoneme in enumerate(placed):
        # Before the first and after the last phoneme the mouth stays where it is.
        first = 0 if index == 0 else np.searchsorted(times, phoneme.start)
        last = len(times) if phoneme is placed[-1] else np.searchsorted(times, phoneme.end)
        mouth[:, first:last] = _posture(phoneme, times[first:last])
        _sound_(phoneme, times, voicing_power, noise_power)
    mouth = _smooth(mouth, _FORMANT_SMOOTHING)
    return Articulation(
        start=start,
        formants=mouth[: _F3 + 1].T,
        first_width=mouth[_WIDTH],
        nasal_zero=mouth[_ZERO],
        voicing=_smooth(np.sqrt(voicing_power), _VOICING_SMOOTHING) * _fading(phrase, times),
        noise=_smooth(np.sqrt(noise_power), _NOISE_SMOOTHING),
    )


def _smooth(tracks: np.ndarray, seconds: float) -> np.ndarray:
    return gaussian_filter1d(tracks, seconds / FRAME_SECONDS, axis=-1, mode="nearest")


def _fading(phrase: list[PlacedSyllable], times: np.ndarray) -> np.ndarray:
    """Let the voice set in and die away softly at the ends of a phrase."""
    attack = np.clip((times - phrase[0].start) / _ATTACK_SECONDS, 0, 1)
    last = phrase[-1]
    release_seconds = min(_RELEASE_SECONDS, 0.4 * (last.end - last.vowel.start))
    release = np.clip((last.end + 0.01 - times) / max(release_seconds, 0.01), 0, 1)
    return (0.3 + 0.7 * attack) * np.sin(np.pi / 2 * release)


def _posture(phoneme: PlacedPhoneme, times: np.ndarray) -> np.ndarray:
    """F1, F2, F3, nasal zero and width of F1 of one phoneme: (5, frame)."""
    posture = np.empty((5, len(times)))
    posture[_ZERO], posture[_WIDTH] = NASAL_POLE, _ORAL_WIDTH
    symbol = phoneme.symbol
    if phoneme.role == "vowel":
        posture[:3] = _vowel_formants(phoneme, times)
    elif symbol in SONORANTS:
        posture[:3] = np.array(_sonorant_formants(phoneme))[:, None]
        if SONORANTS[symbol].nasal_zero != NASAL_POLE:
            posture[_ZERO], posture[_WIDTH] = SONORANTS[symbol].nasal_zero, _NASAL_WIDTH
    else:
        posture[:3] = np.array(_obstruent_formants(phoneme))[:, None]
    return posture


def _vowel_formants(phoneme: PlacedPhoneme, times: np.ndarray) -> np.ndarray:
    begin, end = (np.array(formants)[:, None] for formants in VOWELS[phoneme.symbol])
    seconds = phoneme.end - phoneme.start
    moving = seconds
    if phoneme.symbol not in GLIDES_THROUGHOUT:
        moving = min(_DIPHTHONG_SECONDS, _DIPHTHONG_SHARE * seconds)
    progress = np.clip((times - (phoneme.end - moving)) / max(moving, 1e-3), 0, 1)
    return begin + (end - begin) * (0.5 - 0.5 * np.cos(np.pi * progress))


def _sonorant_formants(phoneme: PlacedPhoneme) -> tuple[float, float, float]:
    sonorant = SONORANTS[phoneme.symbol]
    if phoneme.symbol == "NG" and phoneme.vowel in BACK_VOWELS:
        return NG_AFTER_BACK_VOWEL
    return sonorant.coda if phoneme.role == "coda" else sonorant.onset


def _obstruent_formants(phoneme: PlacedPhoneme) -> tuple[float, float, float]:
    """Bend the neighboring vowel toward the place of the closure; HH has none."""
    # Onsets lean toward the vowel's beginning, codas come from its end.
    vowel = VOWELS[phoneme.vowel][1 if phoneme.role == "coda" else 0]
    if phoneme.symbol not in PLACES:
        return vowel
    place = PLACES[phoneme.symbol]
    f1, f2, f3 = place.formants
    return f1, place.vowel_share * vowel[1] + (1 - place.vowel_share) * f2, f3


def _sound_(
    phoneme: PlacedPhoneme, times: np.ndarray, voicing_power: np.ndarray, noise_power: np.ndarray
) -> None:
    """Add one phoneme's voice and noises to the tracks of power."""
    symbol, start, end = phoneme.symbol, phoneme.start, phoneme.end
    if phoneme.role == "vowel":
        _add_(voicing_power, times, start, end, 0.0)
    elif symbol in SONORANTS:
        _add_(voicing_power, times, start, end, SONORANTS[symbol].voicing_db)
    elif symbol in FRICATIVES:
        fricative = FRICATIVES[symbol]
        _add_(voicing_power, times, start, end, fricative.voicing_db)
        _add_(noise_power[_ROWS[fricative.shape]], times, start, end, fricative.noise_db)
    elif symbol in STOPS:
        _sound_stop_(phoneme, STOPS[symbol], times, voicing_power, noise_power)
    else:
        _add_(noise_power[TRACT_NOISE], times, start, end, HH_DB)


def _sound_stop_(
    phoneme: PlacedPhoneme,
    stop: Stop,
    times: np.ndarray,
    voicing_power: np.ndarray,
    noise_power: np.ndarray,
) -> None:
    opens = phoneme.start + stop.closure_share * (phoneme.end - phoneme.start)
    burst_end = min(opens + BURST_SECONDS, phoneme.end)
    _add_(voicing_power, times, phoneme.start, phoneme.end, stop.voicing_db)
    _add_(noise_power[_ROWS[stop.shape]], times, opens, burst_end, stop.burst_db)
    if stop.frication_db is not None:
        row = noise_power[_ROWS[stop.frication_shape]]
        _add_(row, times, burst_end, phoneme.end, stop.frication_db)
    if phoneme.after != "S":
        _add_(noise_power[TRACT_NOISE], times, burst_end, phoneme.end, stop.aspiration_db)


def _add_(
    power: np.ndarray, times: np.ndarray, start: float, end: float, level_db: float | None
) -> None:
    """Add `level_db` from `start` to `end`; frames at the edges get their share of it."""
    if level_db is None or end <= start:
        return
    half = FRAME_SECONDS / 2
    first, last = np.searchsorted(times, (start - half, end + half))
    center = times[first:last]
    inside = np.minimum(end, center + half) - np.maximum(start, center - half)
    power[first:last] += np.maximum(inside, 0) / FRAME_SECONDS * 10 ** (level_db / 10)
