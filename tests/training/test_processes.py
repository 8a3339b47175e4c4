"""Two processes at one global batch do what one process does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audiogen.data.audio_file import write_audio
from audiogen.data.manifest import Track, write_manifest
from audiogen.training.checkpoint import load_newest
from audiogen.training.codec_task import CodecRun

PROGRAM = """
import sys
from pathlib import Path

from accelerate import PartialState

from audiogen.training.codec_task import CodecRun, train_codec
from audiogen.training.task import TrainOptions

folder, model, num_processes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
run = CodecRun.model_validate_json(sys.argv[4])
train_codec(run, folder / "manifest.jsonl", model, TrainOptions())
assert PartialState().num_processes == num_processes
"""

RUN = CodecRun.model_validate(
    {
        "codec": {
            "sample_rate": 4000,
            "codebook_size": 16,
            "codebook_dim": 8,
            "width": 8,
            "depth": 1,
            "width_multipliers": [1, 1],
            "depth_multipliers": [1, 1],
            "num_downsamplings": [2, 1],
            "loss": {
                "multi_spectral": [{"fft_size": 256, "hop_length": 64, "window_length": 128}],
            },
        },
        "training": {"steps": 3, "batch_size": 8, "accumulation": 2, "warmup_steps": 0},
        "data": {"clip_length": 2048, "bandwidth_seconds": 2},
    }
)


def train(tmp_path, name, num_processes):
    """Train in processes of their own, and return the last checkpoint."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines", "1"]
    launch += ["--num_processes", str(num_processes), "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", "0"]
    launch += ["--multi_gpu"] if num_processes > 1 else []
    model = tmp_path / name
    here = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    here |= {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [*launch, program, tmp_path, model, str(num_processes), RUN.model_dump_json()],
        check=True,
        env=here,
    )
    return load_newest(model / "training" / "codec")[0]


@pytest.mark.slow
def test_two_processes_train_the_codec_as_one_does(tmp_path):
    generator = torch.Generator().manual_seed(0)
    tracks = []
    for number in range(2):
        waveform = torch.randn(1, 12000, generator=generator) * 0.1
        write_audio(tmp_path / f"{number}.wav", waveform, 4000)
        split = "validation" if number else "train"
        facts = {"duration": 3.0, "sample_rate": 4000, "channels": 1, "split": split}
        tracks.append(Track(path=f"{number}.wav", **facts))
    write_manifest(tmp_path / "manifest.jsonl", tracks)

    one, two = train(tmp_path, "one", 1), train(tmp_path, "two", 2)
    assert one.step == two.step == 3
    # Sums in another order; Adam's first steps magnify the rounding of small gradients.
    torch.testing.assert_close(two.model, one.model, rtol=1e-3, atol=1e-5)
    for name, value in one.model.items():
        if value.is_floating_point():
            assert (two.model[name] - value).abs().mean() < 1e-6 * max(1, value.abs().mean()), name
