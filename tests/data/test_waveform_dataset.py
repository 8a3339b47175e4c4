import pytest
import torch

from audiogen.data.audio_file import read_audio, write_audio
from audiogen.data.manifest import Manifest, Track
from audiogen.data.waveform_dataset import WaveformDataset
from audiogen.errors import UserError


@pytest.fixture
def manifest(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tracks = []
    for number, length in enumerate((4000, 500, 9000)):
        waveform = torch.rand(2, length, generator=generator) - 0.5
        write_audio(tmp_path / f"{number}.wav", waveform, 8000)
        facts = {"duration": length / 8000, "sample_rate": 8000, "channels": 2}
        tracks.append(Track(path=f"{number}.wav", **facts))
    return Manifest(tmp_path, tuple(tracks))


def test_an_item_is_the_stretch_that_it_names(manifest):
    dataset = WaveformDataset(manifest, 4000, 1, clip_length=1000, seed=0)
    assert len(dataset) == 2 + 5
    for item in range(20):
        clip = dataset[item]
        assert clip["track"] in (0, 2)
        path = manifest.folder / f"{clip['track']}.wav"
        expected = read_audio(path, 4000, 1, clip["start"], 1000)
        assert torch.equal(clip["waveform"], expected)
        assert clip["waveform"].shape == (1, 1000)


def test_an_item_is_a_pure_function_of_seed_and_number(manifest):
    first = WaveformDataset(manifest, 8000, 1, 800, seed=3, blend=True)
    second = WaveformDataset(manifest, 8000, 1, 800, seed=3, blend=True)
    later = [second[item]["waveform"] for item in (9, 2)]
    assert torch.equal(first[2]["waveform"], later[1])
    assert torch.equal(first[9]["waveform"], later[0])


def test_blend_draws_a_mix_for_each_item(manifest):
    plain = WaveformDataset(manifest, 8000, 1, 800, seed=3)
    blended = WaveformDataset(manifest, 8000, 1, 800, seed=3, blend=True)
    mixes = []
    for item in range(10):
        clip = blended[item]
        assert (clip["track"], clip["start"]) == (plain[item]["track"], plain[item]["start"])
        path = manifest.folder / f"{clip['track']}.wav"
        left, right = read_audio(path, 8000, 2, clip["start"], 800)
        difference = left - right
        mixes.append(
            ((clip["waveform"][0] - right) @ difference / (difference @ difference)).item()
        )
    assert all(0 <= mix <= 1 for mix in mixes)
    assert max(mixes) - min(mixes) > 0.4


def test_even_clips_are_fixed(manifest):
    clips = WaveformDataset(manifest, 8000, 2, 800, seed=3, blend=True).evenly(3)
    again = WaveformDataset(manifest, 8000, 2, 800, seed=4).evenly(3)
    assert [clip["start"] for clip in clips] == [clip["start"] for clip in again]
    assert clips[0]["waveform"].shape == (2, 800)


def test_a_rounded_duration_is_filled_up_and_a_wrong_one_is_an_error(manifest):
    track = manifest.tracks[0]
    rounded = Manifest(manifest.folder, (track.model_copy(update={"duration": 0.51}),))
    clip = WaveformDataset(rounded, 8000, 1, 4080, seed=0)[0]
    assert clip["waveform"].shape == (1, 4080)
    assert clip["waveform"][0, 4000:].abs().max() == 0
    wrong = Manifest(manifest.folder, (track.model_copy(update={"duration": 2.0}),))
    with pytest.raises(UserError, match=r"0.wav: shorter than the manifest says, by 1.50 s"):
        WaveformDataset(wrong, 8000, 1, 16000, seed=0)[0]


def test_audio_that_vanished_since_the_scan_is_one_sentence(manifest):
    dataset = WaveformDataset(manifest, 8000, 1, 800, seed=0)
    for path in manifest.folder.glob("*.wav"):
        path.unlink()
    with pytest.raises(UserError, match="no such audio file; if it was moved, run: audiogen scan"):
        dataset[0]
