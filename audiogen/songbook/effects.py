"""Effects on a whole bus: overdrive, chorus, echo, reverb, filters, ducking, limiter."""

import numpy as np
from scipy import fft, ndimage, signal

from audiogen.songbook.randomness import generator

_PREDELAY_SECONDS = 0.015
_SHORTEST_REVERB = 0.05
_LOOK_AHEAD_SECONDS = 0.005
_DUCKED_GAIN, _DUCKED_SHARE = 0.35, 0.45


def overdrive(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Drive a guitar bus (sample,) into an amplifier and its loudspeaker."""
    high_pass = signal.butter(2, 120, "highpass", output="sos", fs=sample_rate)
    speaker = signal.butter(4, 4200, "lowpass", output="sos", fs=sample_rate)
    tight = signal.sosfilt(high_pass, waveform)
    return signal.sosfilt(speaker, np.tanh(14 * tight)).astype(np.float32) * np.float32(0.2)


def chorus(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Add a copy of a bus (sample,) whose delay moves slowly around 14 ms."""
    samples = np.arange(len(waveform))
    swing = 0.014 + 0.0025 * np.sin(2 * np.pi * 0.6 / sample_rate * samples)
    delayed = np.interp(samples - swing * sample_rate, samples, waveform, left=0.0)
    return (0.75 * waveform + 0.5 * delayed).astype(np.float32)


def saturate(waveform: np.ndarray, amount: float) -> np.ndarray:
    """Warm up a voice (sample,): 0 leaves it alone, 1 is a strong tube, with the level kept."""
    if amount <= 0:
        return waveform
    loud = np.abs(waveform) > 1e-4
    level = np.sqrt(np.mean(waveform[loud] ** 2)) if loud.any() else 0.0
    if level == 0:
        return waveform
    drive = (0.3 + 1.7 * amount) / level
    return np.tanh(drive * waveform) / np.float32(drive)


def echo(waveform: np.ndarray, delay_seconds: float, sample_rate: int) -> np.ndarray:
    """Return only the echoes of a bus (sample,): four, each 8 dB under the one before."""
    echoes = np.zeros_like(waveform)
    for repeat in range(1, 5):
        shift = round(repeat * delay_seconds * sample_rate)
        if 0 < shift < len(waveform):
            echoes[shift:] += np.float32(0.4**repeat) * waveform[:-shift]
    return echoes


def reverb_impulse(seconds: float, sample_rate: int) -> np.ndarray:
    """Make the impulse response (sample,) of a room with a decay of `seconds` to -60 dB.

    Its energy is 1. High frequencies die away in less than half of the time.
    """
    seconds = max(seconds, _SHORTEST_REVERB)
    random = generator("reverb", seconds, sample_rate)
    times = np.arange(int(1.1 * seconds * sample_rate)) / sample_rate
    bright = random.standard_normal(len(times)) * 10 ** (-3 * times / (0.4 * seconds))
    dark = signal.butter(1, 1500, "lowpass", output="sos", fs=sample_rate)
    tail = signal.sosfilt(dark, random.standard_normal(len(times)))
    tail *= 10 ** (-3 * times / seconds)
    impulse = signal.sosfilt(
        signal.butter(2, 180, "highpass", output="sos", fs=sample_rate), 0.5 * bright + tail
    )
    impulse /= np.sqrt(np.sum(impulse**2))
    return np.concatenate([np.zeros(int(_PREDELAY_SECONDS * sample_rate)), impulse])


def master_response(frequencies: np.ndarray, tilt_db: float) -> np.ndarray:
    """Complex gain (bin,) of the master: high-pass at 28 Hz, and a tilt about 1 kHz.

    Args:
        frequencies: (bin,) hertz.
        tilt_db: How far the high end lies over the low end.
    """
    ratio = frequencies / 28.0
    high_pass = -(ratio**2) / (1 - ratio**2 + 1j * 2**0.5 * ratio)
    half = 10 ** (tilt_db / 40)
    # One pole and one zero, symmetric about the pivot.
    place = 1j * frequencies / 1000.0
    return high_pass * (1 / half + half * place) / (1 + place)


def filter_linearly(waveform: np.ndarray, response: np.ndarray, size: int) -> np.ndarray:
    """Apply a `response` (size / 2 + 1,) to a bus (sample,), which keeps its length."""
    spectrum = fft.rfft(waveform, size, workers=1)
    spectrum *= response
    return fft.irfft(spectrum, size, overwrite_x=True, workers=1)[: len(waveform)]


def ducking(beats: tuple[float, ...], num_samples: int, sample_rate: int) -> np.ndarray:
    """Gain (sample,) that drops at every beat and is back after 45 % of it."""
    gain = np.ones(num_samples, np.float32)
    for beat, after in zip(beats, beats[1:], strict=False):
        first = round(beat * sample_rate)
        length = round(_DUCKED_SHARE * (after - beat) * sample_rate)
        rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(length, 1))
        part = gain[max(first, 0) : first + length]
        part[:] = (_DUCKED_GAIN + (1 - _DUCKED_GAIN) * rise)[: len(part)]
    # The drop takes a few milliseconds, so that it does not click.
    return ndimage.uniform_filter1d(gain, max(int(0.006 * sample_rate), 1), mode="nearest")


def limiter_gain(waveform: np.ndarray, ceiling: float, sample_rate: int) -> np.ndarray:
    """Gain (sample,) that keeps `waveform` (sample,) within `ceiling`, one curve for all stems."""
    wanted = np.minimum(1.0, ceiling / np.maximum(np.abs(waveform), 1e-9))
    width = 2 * int(_LOOK_AHEAD_SECONDS * sample_rate) + 1
    lowest = ndimage.minimum_filter1d(wanted, width, mode="nearest")
    # Every point of the average saw the peak, so the average does not exceed what is wanted there.
    return ndimage.uniform_filter1d(lowest, width, mode="nearest").astype(np.float32)
