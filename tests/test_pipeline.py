"""The whole way by the verbs, as people start them: real processes, real files, real signals."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from audiogen.data.audio_file import write_audio
from audiogen.data.code_store import CodeStore
from audiogen.data.manifest import read_manifest
from audiogen.model_folder import ModelFolder

SAMPLE_RATE = 8000
NUM_SONGS = 6

CODEC = {
    "codec": {
        "sample_rate": SAMPLE_RATE,
        "codebook_size": 32,
        "codebook_dim": 8,
        "width": 8,
        "depth": 1,
        "num_downsamplings": [1, 1, 1],
        "downsampling_stride": [8, 4, 4],
        "width_multipliers": [1, 1, 1],
        "depth_multipliers": [1, 1, 1],
        "loss": {"multi_spectral": [{"fft_size": 512, "hop_length": 128, "window_length": 512}]},
    },
    "data": {"clip_length": 2048, "bandwidth_seconds": 4},
    "training": {"steps": 8, "batch_size": 2, "warmup_steps": 1, "log_every": 2, "save_every": 4}
    | {"preview_every": 8, "num_validation_clips": 2},
}
TRAINING = {"steps": 4, "batch_size": 2, "warmup_steps": 1, "num_validation_clips": 4}
SHAPE = {"context_length": 32, "dim": 32, "num_heads": 2, "num_rows": 4}
TOP = {
    "prior": SHAPE
    | {
        "num_layers": 4,
        "layers": ["row", "column", "previous_row", "cross"],
        "labels": {"max_genres": 2},
        "timing": {"num_bins": 8, "max_seconds": 10},
        "lyrics": {"mode": "encoder", "num_tokens": 16, "encoder_dim": 16}
        | {"encoder_num_layers": 1, "encoder_num_heads": 1, "encoder_num_rows": 4},
    },
    "training": TRAINING,
}
UPSAMPLER = {
    "prior": SHAPE
    | {"num_layers": 3, "labels": {"max_genres": 2}}
    # One file serves both levels; the steps follow from the hops.
    | {"upper": {"width": 8, "depth": 1}},
    "training": TRAINING,
}


def audiogen(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiogen", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )


def done(*arguments: object, **variables: str) -> str:
    result = audiogen(*arguments, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def interrupted(task: str, line: int, *arguments: object) -> str:
    """Send SIGINT on the `line`-th progress line of `task`; return what was said at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "audiogen", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"AUDIOGEN_PROGRESS_SECONDS": "0"},
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        seen = 0
        for text in process.stdout:
            seen += text.startswith(f"{task}:")
            if seen == line:
                process.send_signal(signal.SIGINT)
                break
        process.stdout.read()
        said = process.stderr.read()
        assert process.wait() == 130, said
    return said


def make_song(folder: Path, number: int) -> None:
    """A song of three seconds: a melody of its own over a bass, with words beside it."""
    time = torch.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    melody = 300 + 60 * number + 100 * (time * 2).floor() % 300
    waveform = 0.3 * torch.sin(2 * math.pi * torch.cumsum(melody, 0) / SAMPLE_RATE)
    waveform += 0.2 * torch.sin(2 * math.pi * 110 * time)
    write_audio(folder / f"song_{number}.wav", waveform[None], SAMPLE_RATE)
    labels = {
        "title": f"Song {number}",
        "artist": ["Ann", "Bob"][number % 2],
        "genre": [["folk"], ["blues", "rock"]][number % 2],
    }
    (folder / f"song_{number}.json").write_text(json.dumps(labels))
    (folder / f"song_{number}.lyrics.txt").write_text(f"la la la\nsong number {number}\n")


class Workshop:
    """A folder in which everything was made by the verbs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.music = folder / "music"
        self.manifest = folder / "manifest.jsonl"
        self.model = folder / "model"
        self.codes = folder / "codes"
        self.song = folder / "songs" / "one"

    def config(self, name: str, values: dict) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(values))
        return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("shop"))
    shop.music.mkdir()
    for number in range(NUM_SONGS):
        make_song(shop.music, number)
    model = ["--model", shop.model]
    done("scan", shop.music, "-o", shop.manifest)
    done("train", "codec", shop.config("codec", CODEC), "--data", shop.manifest, *model)
    done("encode", *model, "--data", shop.manifest, "-o", shop.codes)
    top, upsampler = shop.config("top", TOP), shop.config("upsampler", UPSAMPLER)
    for level, config in ((2, top), (1, upsampler), (0, upsampler)):
        done("train", "prior", config, "--level", level, "--codes", shop.codes, *model)
    labels = ["--genre", "blues", "--artist", "Ann", "--lyrics", "la la song"]
    done("sample", *model, *labels, "--seconds", 1, "--seed", 3, "-o", shop.song)
    return shop


def test_the_folder_is_a_model_with_all_parts(shop):
    folder = ModelFolder(shop.model)
    assert folder.parts() == ["codec", "prior_2", "prior_1", "prior_0"]
    vocabulary = folder.load_vocabulary()
    assert vocabulary.artists == ("unknown", "Ann", "Bob")
    assert set(vocabulary.genres) == {"unknown", "folk", "blues", "rock"}
    assert all(folder.provenance(part)["finished"] for part in folder.parts())


def test_every_song_has_codes_of_every_level(shop):
    store = CodeStore.open(shop.codes, ModelFolder(shop.model).codec_hash())
    assert len(store.tracks) == NUM_SONGS
    assert (store.num_frames(0) == 16 * store.num_frames(2)).all()


def test_a_song_folder_holds_sound_of_every_level_and_a_page(shop):
    for level in range(3):
        info = soundfile.info(shop.song / f"level_{level}.wav")
        assert info.samplerate == SAMPLE_RATE
        assert abs(info.duration - 1) < 0.01
    request = json.loads((shop.song / "request.json").read_text())
    assert (request["seed"], request["artist"], request["genre"]) == (3, "Ann", ["blues"])
    assert "la la song" in (shop.song / "index.html").read_text()


def test_saved_codes_decode_to_the_same_sound(shop, tmp_path):
    done("decode", shop.song / "codes.safetensors", "--model", shop.model, "-o", tmp_path / "a.wav")
    again, _ = soundfile.read(tmp_path / "a.wav")
    first, _ = soundfile.read(shop.song / "level_0.wav")
    assert (again == first).all()


def test_a_file_is_reconstructed_at_every_level(shop, tmp_path):
    said = done("reconstruct", shop.music / "song_0.wav", "--model", shop.model, "-o", tmp_path)
    assert said.count("spectral convergence") == 3
    assert sorted(p.name for p in tmp_path.glob("*.wav")) == [
        f"song_0.level_{level}.wav" for level in range(3)
    ]


def test_doctor_lists_what_a_model_knows(shop):
    said = done("doctor", "--model", shop.model)
    assert "Ann, Bob" in said and "blues" in said


def test_codec_training_stopped_by_ctrl_c_goes_on(shop, tmp_path):
    command = ["train", "codec", shop.folder / "codec.yaml", "--data", shop.manifest]
    command += ["--model", tmp_path / "model"]
    said = interrupted("train codec", 3, *command)
    assert "--resume" in said
    done(*command, "--resume")
    # The same as without the stop: codes made with one codec are readable with the other.
    assert ModelFolder(tmp_path / "model").codec_hash() == ModelFolder(shop.model).codec_hash()


def test_encoding_stopped_by_ctrl_c_goes_on(shop, tmp_path):
    command = ["encode", "--model", shop.model, "--data", shop.manifest, "-o", tmp_path / "codes"]
    assert "--resume" in interrupted("encode", 2, *command)
    done(*command, "--resume")
    whole, parts = CodeStore.open(shop.codes), CodeStore.open(tmp_path / "codes")
    for track in range(NUM_SONGS):
        count = whole.num_frames(0)[track]
        assert (whole.read(0, track, 0, count) == parts.read(0, track, 0, count)).all()


def test_sampling_stopped_by_ctrl_c_goes_on(shop, tmp_path):
    output = tmp_path / "song"
    command = ["sample", "--model", shop.model, "--seconds", 1, "--seed", 3, "--genre", "blues"]
    command += ["--artist", "Ann", "--lyrics", "la la song", "-o", output]
    assert "--resume" in interrupted("sample", 12, *command)
    done("sample", "-o", output, "--resume")
    for level in range(3):
        name = f"level_{level}.wav"
        assert (output / name).read_bytes() == (shop.song / name).read_bytes()


def test_two_processes_encode_what_one_does(shop, tmp_path):
    command = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--main_process_port", "0", "-m", "audiogen"]
    command += ["encode", "--model", str(shop.model), "--data", str(shop.manifest)]
    result = subprocess.run(
        [sys.executable, "-m", *command, "-o", str(tmp_path / "codes")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"ACCELERATE_USE_CPU": "true"},
    )
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "codes").glob("shard-*"))) == 2
    whole, parts = CodeStore.open(shop.codes), CodeStore.open(tmp_path / "codes")
    assert [t.path for t in whole.tracks] == [t.path for t in parts.tracks]
    for track in range(NUM_SONGS):
        count = whole.num_frames(1)[track]
        assert (whole.read(1, track, 0, count) == parts.read(1, track, 0, count)).all()


BAD_INPUT = {
    "an unknown genre": (["sample", "--genre", "bluse", "-o", "{new}"], "the nearest is 'blues'"),
    "an unknown letter": (["sample", "--lyrics", "Ж", "-o", "{new}"], "'Ж'"),
    "no seconds": (["sample", "--seconds", "0", "-o", "{new}"], "seconds"),
    "absurd seconds": (["sample", "--seconds", "1e9", "-o", "{new}"], "seconds"),
    "a song that is there": (["sample", "--seconds", "1", "-o", "{song}"], "--resume"),
    "no such level": (["sample", "--levels", "7", "-o", "{new}"], "levels"),
    "no codes": (["decode", "{manifest}", "-o", "{new}.wav"], "codes"),
    "no sound": (["reconstruct", "{manifest}", "-o", "{new}"], "manifest.jsonl"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_harms_nothing(shop, tmp_path, case):
    arguments, sentence = BAD_INPUT[case]
    places = {"new": tmp_path / "new", "song": shop.song, "manifest": shop.manifest}
    before = sorted(shop.folder.rglob("*"))
    result = audiogen(*(a.format(**places) for a in arguments), "--model", shop.model)
    assert result.returncode == 2
    assert sentence in result.stderr and "Traceback" not in result.stderr
    assert sorted(shop.folder.rglob("*")) == before
    assert not (tmp_path / "new").exists()


def test_bad_settings_of_a_training_are_one_sentence(shop, tmp_path):
    command = ["train", "prior", shop.folder / "top.yaml", "--level", 2, "--codes", shop.codes]
    command += ["--model", shop.model]
    for change, sentence in (
        ("prior.dimm=3", "did you mean 'dim'"),
        ("prior.num_rows=5", "multiple of num_rows 5"),
        ("prior.num_heads=3", "multiple of num_heads 3"),
        ("training.steps=no", "training.steps"),
        ("prior.codebook_size=7", "leave it out"),
    ):
        result = audiogen(*command, "--set", change)
        assert result.returncode == 2, change
        assert sentence in result.stderr and "Traceback" not in result.stderr


def test_a_manifest_line_that_is_no_json_is_named(shop, tmp_path):
    lines = shop.manifest.read_text().splitlines()
    (tmp_path / "manifest.jsonl").write_text("\n".join([lines[0], "{broken", lines[1]]))
    command = ["train", "codec", shop.folder / "codec.yaml", "--model", tmp_path / "model"]
    result = audiogen(*command, "--data", tmp_path / "manifest.jsonl")
    assert result.returncode == 2
    assert "manifest.jsonl:2:" in result.stderr and "Traceback" not in result.stderr


def test_audio_that_vanished_since_the_scan_is_named(shop, tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    for number in range(3):
        make_song(music, number)
    done("scan", music, "-o", tmp_path / "manifest.jsonl")
    for track in read_manifest(tmp_path / "manifest.jsonl").in_split("train").tracks:
        (tmp_path / track.path).unlink()
    command = ["train", "codec", shop.folder / "codec.yaml", "--model", tmp_path / "model"]
    result = audiogen(*command, "--data", tmp_path / "manifest.jsonl")
    assert result.returncode == 2
    assert "song_" in result.stderr and "Traceback" not in result.stderr


def test_a_model_that_lacks_a_part_says_how_to_train_it(shop, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("audiogen.json", "vocabulary.json", "codec", "prior_2"):
        (folder / name).symlink_to(shop.model / name)
    result = audiogen("sample", "--model", folder, "--seconds", "1", "-o", tmp_path / "song")
    assert result.returncode == 2
    assert "has no prior_1" in result.stderr and "audiogen train prior" in result.stderr
    assert not (tmp_path / "song").exists()


def test_wandb_offline_keeps_losses_and_audio(shop, tmp_path):
    command = ["train", "codec", shop.folder / "codec.yaml", "--data", shop.manifest]
    command += ["--model", tmp_path / "model", "--track", "wandb"]
    done(*command, WANDB_MODE="offline", WANDB_SILENT="true")
    runs = list((tmp_path / "model").rglob("offline-run-*/*.wandb"))
    assert len(runs) == 1 and runs[0].stat().st_size > 0
    assert list((tmp_path / "model").rglob("offline-run-*/files/media/audio/**/*.wav"))
