"""The singer: syllables on notes -> a voice, with the times and the pitch that were planned.

Source and filter, no samples. One phrase at a time, so memory does not grow with the song.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from audiogen.songbook.articulation import FRAME_SECONDS, TRACT_NOISE, Articulation, articulate
from audiogen.songbook.intonation import CONTROL_RATE, plan_pitch
from audiogen.songbook.phonemes import NASAL_POLE, VOWELS, plain_symbol
from audiogen.songbook.placement import PlacedSyllable, place_syllables, split_phrases
from audiogen.songbook.randomness import generator
from audiogen.songbook.score import Score, Voice
from audiogen.songbook.vocal_tract import HIGHEST_RESONANCE, VocalTract
from audiogen.songbook.voice_noise import NoiseSource
from audiogen.songbook.voice_source import add_pulses_, glottal_spectrum, pulse_length, shimmer

PITCH_RATE = 100
"""Frames a second of the planned pitch curve."""
VOWEL_RMS = 0.1
"""Level of an open vowel in the middle of the voice."""

_VOICED = 0.15  # amplitude from which a frame counts as voiced: closures lie below
_LEVELING = 0.25  # 0.5 would make all vowels equally loud, 0 keep the differences of the filter
_DOUBLE_CENTS, _DOUBLE_SECONDS, _DOUBLE_DB = 8.0, 0.012, -9.0


@dataclass(frozen=True)
class Sung:
    """A sung voice and its truth."""

    waveform: np.ndarray  # (sample,) float32
    phonemes: list[tuple[str, float, float]]  # ARPAbet symbol, start, end in seconds
    pitch: np.ndarray  # (pitch frame,) planned hertz, PITCH_RATE a second, 0 where unvoiced
    syllable_times: list[tuple[float, float, float]]  # first phoneme, vowel, end in seconds


def sing(score: Score, sample_rate: int) -> Sung:
    """Sing all syllables of `score`, from its own random stream."""
    waveform = np.zeros(round(score.duration * sample_rate), np.float32)
    pitch = np.zeros(int(np.ceil(score.duration * PITCH_RATE)), np.float32)
    placed = place_syllables(score.syllables)
    singer = Singer(score.voice, sample_rate)
    for index, phrase in enumerate(split_phrases(placed)):
        singer.sing_phrase_(waveform, pitch, phrase, (score.seed, index))
    phonemes = [phoneme for syllable in placed for phoneme in syllable.phonemes]
    return Sung(
        waveform,
        [(plain_symbol(p.symbol), p.start, p.end) for p in phonemes],
        pitch,
        [(syllable.start, syllable.vowel.start, syllable.end) for syllable in placed],
    )


class Singer:
    """One voice at one sample rate."""

    def __init__(self, voice: Voice, sample_rate: int) -> None:
        """Prepare the tract and the level of `voice`."""
        self.voice = voice
        self.sample_rate = sample_rate
        self._frequencies = fft.rfftfreq(pulse_length(sample_rate), 1 / sample_rate)
        self._tract = VocalTract(voice, self._frequencies)
        self._noise = NoiseSource(voice, sample_rate)
        self._reference = _reference_power(voice)

    def sing_phrase_(
        self,
        waveform: np.ndarray,
        pitch: np.ndarray,
        phrase: list[PlacedSyllable],
        key: tuple[int, int],
    ) -> None:
        """Add one phrase to the song's `waveform` (sample,) and `pitch` (pitch frame,)."""
        articulation = articulate(phrase)
        seconds = FRAME_SECONDS * (len(articulation.voicing) - 1)
        times = articulation.start + np.arange(int(seconds * CONTROL_RATE)) / CONTROL_RATE
        curve = plan_pitch(phrase, self.voice, times, generator("pitch", *key))
        _note_pitch_(pitch, articulation, times, curve)
        sound = self._sound(articulation, curve, generator("voice", *key))
        _add_(waveform, sound, round(articulation.start * self.sample_rate))
        if self.voice.double:
            detuned = curve * 2 ** (_DOUBLE_CENTS / 1200)
            sound = self._sound(articulation, detuned, generator("double", *key))
            sound *= 10 ** (_DOUBLE_DB / 20)
            start = articulation.start + _DOUBLE_SECONDS
            _add_(waveform, sound, round(start * self.sample_rate))

    def _sound(
        self, articulation: Articulation, curve: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Make the waveform (sample,) of a phrase sung at `curve` (point,) in hertz."""
        num_samples = int(len(curve) / CONTROL_RATE * self.sample_rate)
        cycles = np.cumsum(curve) / CONTROL_RATE
        clock = (np.arange(len(curve)) + 1) / CONTROL_RATE  # when `cycles` is reached
        pulses = np.interp(np.arange(1, int(cycles[-1])), cycles, clock)
        frame_pitch = curve[np.minimum(_control_points(len(articulation.voicing)), len(curve) - 1)]

        noise = articulation.noise * VOWEL_RMS
        sound = self._noise.make(noise, articulation, frame_pitch, num_samples, random)
        sound += self._breath(articulation, frame_pitch, (clock, cycles), num_samples, random)
        self._add_voice_(sound, articulation, frame_pitch, pulses, random)
        return sound

    def _breath(
        self,
        articulation: Articulation,
        frame_pitch: np.ndarray,
        phase: tuple[np.ndarray, np.ndarray],
        num_samples: int,
        random: np.random.Generator,
    ) -> np.ndarray:
        """Make the breath that leaks through the glottis, strongest once a cycle."""
        amplitudes = np.zeros_like(articulation.noise)
        amplitudes[TRACT_NOISE] = self.voice.breath * articulation.voicing * VOWEL_RMS
        sound = self._noise.make(amplitudes, articulation, frame_pitch, num_samples, random)
        cycles = np.interp(np.arange(num_samples) / self.sample_rate, *phase)
        sound *= (1 + 0.8 * np.cos(2 * np.pi * cycles)).astype(np.float32)
        return sound

    def _add_voice_(
        self,
        sound: np.ndarray,
        articulation: Articulation,
        frame_pitch: np.ndarray,
        pulses: np.ndarray,
        random: np.random.Generator,
    ) -> None:
        gains = np.interp(pulses / FRAME_SECONDS, np.arange(len(frame_pitch)), articulation.voicing)
        gains *= shimmer(len(pulses), random)
        audible = gains > 1e-3
        pulses, gains = pulses[audible], gains[audible]
        frames = np.minimum(np.round(pulses / FRAME_SECONDS).astype(int), len(frame_pitch) - 1)

        def spectra_of(frames: np.ndarray) -> np.ndarray:
            return self._spectra(articulation, frames, frame_pitch[frames])

        positions = pulses * self.sample_rate
        add_pulses_(sound, positions, gains, frames, spectra_of, self.sample_rate)

    def _spectra(
        self, articulation: Articulation, frames: np.ndarray, pitch: np.ndarray
    ) -> np.ndarray:
        """Spectra (frame, bin) of single pulses, leveled toward the reference vowel."""
        spectra = self._tract.response(articulation, frames, pitch)
        spectra *= glottal_spectrum(self._frequencies, pitch, self.voice.tilt_hz)
        power = _train_power(spectra, self._frequencies, pitch)
        gain = VOWEL_RMS / np.sqrt(self._reference) * (self._reference / power) ** _LEVELING
        spectra *= gain.astype(np.float32)[:, None]
        return spectra


def _control_points(num_frames: int) -> np.ndarray:
    """Index of the control point at each frame."""
    return np.round(np.arange(num_frames) * FRAME_SECONDS * CONTROL_RATE).astype(int)


def _train_power(spectra: np.ndarray, frequencies: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Mean power (frame,) of a train of such pulses, counted up to 8 kHz at every sample rate."""
    audible = int(np.searchsorted(frequencies, 8000.0))
    heard = spectra[:, :audible]
    power = np.einsum("fb,fb->f", heard.real, heard.real)
    power += np.einsum("fb,fb->f", heard.imag, heard.imag)
    return 2 * pitch * power * frequencies[1]


def _reference_power(voice: Voice) -> float:
    """Power of an open vowel in the middle of the voice, before it gets its level."""
    frequencies = np.arange(0, HIGHEST_RESONANCE, 20.0)
    pitch = np.array([440.0 * 2 ** (((voice.low + voice.high) / 2 - 69) / 12)])
    one = np.ones(1)
    vowel = Articulation(
        start=0.0,
        formants=np.array([VOWELS["AH"][0]], float),
        first_width=55 * one,
        nasal_zero=NASAL_POLE * one,
        voicing=one,
        noise=np.zeros((TRACT_NOISE + 1, 1)),
    )
    spectra = VocalTract(voice, frequencies).response(vowel, np.array([0]), pitch)
    spectra *= glottal_spectrum(frequencies, pitch, voice.tilt_hz)
    return float(_train_power(spectra, frequencies, pitch)[0])


def _note_pitch_(
    pitch: np.ndarray, articulation: Articulation, times: np.ndarray, curve: np.ndarray
) -> None:
    """Write the voiced part of a phrase's `curve` into the song's pitch frames."""
    first = max(int(np.ceil(times[0] * PITCH_RATE)), 0)
    last = min(int(times[-1] * PITCH_RATE) + 1, len(pitch))
    at = np.arange(first, last) / PITCH_RATE
    frames = (at - articulation.start) / FRAME_SECONDS
    voicing = np.interp(frames, np.arange(len(articulation.voicing)), articulation.voicing)
    voiced = voicing > _VOICED
    pitch[first:last][voiced] = np.interp(at, times, curve)[voiced]


def _add_(waveform: np.ndarray, sound: np.ndarray, start: int) -> None:
    """Add `sound` at sample `start`; what lies outside is cut."""
    low, high = max(start, 0), min(start + len(sound), len(waveform))
    if high > low:
        waveform[low:high] += sound[low - start : high - start]
