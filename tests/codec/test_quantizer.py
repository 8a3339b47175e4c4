import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import audiogen
from audiogen.codec.quantizer import Draw, Quantizer, draw_vectors, num_vectors


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    made = Quantizer(16, 4, ema_decay=0.9, restart_threshold=0.5)
    made.set_codebook_(torch.randn(16, 4), usage=2.0)
    return made


def test_every_frame_takes_its_nearest_code(quantizer):
    latent = torch.randn(3, 4, 200)
    quantized = quantizer(latent)

    vectors = latent.transpose(1, 2)
    expected = torch.cdist(vectors.double(), quantizer.codebook.double()).argmin(dim=2)
    assert torch.equal(quantized.codes, expected)
    assert torch.equal(quantizer.encode(latent), expected)
    torch.testing.assert_close(quantized.latent, quantizer.lookup(expected))
    error = (vectors - quantizer.codebook[expected]).square().mean()
    torch.testing.assert_close(quantized.commitment_loss, error)


def test_gradients_pass_straight_through(quantizer):
    latent = torch.randn(2, 4, 7, requires_grad=True)
    cotangent = torch.randn(2, 4, 7)
    (quantizer(latent).latent * cotangent).sum().backward()

    torch.testing.assert_close(latent.grad, cotangent)


def test_commitment_pulls_a_latent_towards_its_code(quantizer):
    latent = torch.randn(2, 4, 7, requires_grad=True)
    quantized = quantizer(latent)
    quantized.commitment_loss.backward()

    torch.testing.assert_close(
        latent.grad, 2 * (latent - quantized.latent).detach() / latent.numel()
    )


def test_forward_moves_nothing(quantizer):
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    quantizer.train()(torch.randn(2, 4, 50, requires_grad=True)).commitment_loss.backward()

    torch.testing.assert_close(dict(quantizer.state_dict()), before, rtol=0, atol=0)


def test_search_stays_in_float32_under_autocast(quantizer):
    latent = torch.randn(2, 4, 300)
    expected = quantizer(latent).codes
    with torch.autocast("cpu", dtype=torch.bfloat16):
        quantized = quantizer(latent)

    assert torch.equal(quantized.codes, expected)
    assert quantized.latent.dtype == torch.float32


def test_averages_follow_the_latents_as_written_out_in_a_loop(quantizer):
    latents = [torch.randn(2, 4, 30) for _ in range(2)]
    codes = [quantizer.encode(latent) for latent in latents]
    sums, counts = quantizer.ema_sum * 0.9, quantizer.ema_count * 0.9
    for latent, code in zip(latents, codes, strict=True):
        for item in range(2):
            for frame in range(30):
                sums[code[item, frame]] += 0.1 * latent[item, :, frame]
                counts[code[item, frame]] += 0.1

    quantizer.follow_(latents, codes, draw_vectors(num_vectors(latents), 16, 4, (0,)))
    torch.testing.assert_close(quantizer.ema_sum, sums)
    torch.testing.assert_close(quantizer.ema_count, counts)
    torch.testing.assert_close(quantizer.codebook, sums / counts[:, None])


def test_an_unused_code_becomes_the_vector_that_was_drawn(quantizer):
    quantizer.ema_count[3] = 0.1
    latent = torch.randn(2, 4, 10)
    codes = torch.zeros(2, 10, dtype=torch.int64)
    codes[1, 5] = 4
    indices = torch.arange(16)
    before = quantizer.ema_sum[3].clone()

    statistics = quantizer.follow_([latent], [codes], Draw(indices, None))
    torch.testing.assert_close(quantizer.codebook[3], latent[0, :, 3])
    # Its averages are not reset: it is drawn anew until it is used often enough.
    torch.testing.assert_close(quantizer.ema_sum[3], before * 0.9)
    assert statistics["used_codes"] == 2
    assert statistics["live_codes"] == 15
    entropy = -(0.95 * torch.tensor(0.95).log2() + 0.05 * torch.tensor(0.05).log2())
    torch.testing.assert_close(statistics["entropy_bits"], entropy)


def test_without_restarts_a_code_that_is_never_used_keeps_its_place():
    quantizer = Quantizer(2, 3, ema_decay=0.1, restart_threshold=0.0)
    quantizer.set_codebook_(torch.tensor([[0.0, 0, 0], [9.0, 9, 9]]), usage=1.0)
    latent = torch.randn(1, 3, 8)
    draw = draw_vectors(8, 2, 3, (0,))
    for _ in range(100):
        quantizer.follow_([latent], [quantizer.encode(latent)], draw)

    torch.testing.assert_close(quantizer.codebook[1], torch.full((3,), 9.0))


def test_the_first_codebook_is_made_of_latents():
    quantizer = Quantizer(8, 4, 0.99, 1.0)
    latent = torch.randn(2, 4, 10)
    assert not quantizer.initialized

    quantizer.initialize_([latent], draw_vectors(20, 8, 4, (1,)))
    distances = torch.cdist(quantizer.codebook, latent.transpose(1, 2).reshape(20, 4))
    assert quantizer.initialized
    assert distances.argmin(dim=1).unique().numel() == 8
    torch.testing.assert_close(distances.min(dim=1).values, torch.zeros(8), rtol=0, atol=1e-3)
    torch.testing.assert_close(quantizer.ema_count, torch.ones(8))


def test_fewer_latents_than_codes_are_repeated_and_jittered():
    quantizer = Quantizer(64, 16, 0.99, 1.0)
    latent = torch.randn(1, 16, 10)
    quantizer.initialize_([latent], draw_vectors(10, 64, 16, (1,)))

    away, nearest = torch.cdist(quantizer.codebook, latent[0].t()).min(dim=1)
    assert nearest.bincount(minlength=10).max() <= 7  # ceil(64 / 10) copies
    assert nearest.bincount(minlength=10).min() >= 1
    # Expected length of the noise is 0.01.
    assert 0.005 < away.mean() < 0.02
    assert quantizer.codebook.unique(dim=0).shape[0] == 64


def test_a_draw_is_a_function_of_its_seed_and_takes_no_place_twice():
    draws = [draw_vectors(1000, 64, 4, seed) for seed in ((0, 7, 1), (0, 7, 1), (0, 7, 2))]

    assert torch.equal(draws[0].indices, draws[1].indices)
    assert not torch.equal(draws[0].indices, draws[2].indices)
    assert draws[0].indices.unique().numel() == 64
    assert draws[0].noise is None


def test_micro_batches_of_different_shapes_are_refused(quantizer):
    latents = [torch.randn(2, 4, 10), torch.randn(1, 4, 10)]
    with pytest.raises(ValueError, match="micro-batches differ"):
        quantizer.follow_(
            latents, [quantizer.encode(x) for x in latents], draw_vectors(30, 16, 4, (0,))
        )


def test_averages_and_flag_are_part_of_the_state(quantizer):
    fresh = Quantizer(16, 4, 0.9, 0.5)
    fresh.load_state_dict(quantizer.state_dict())

    assert fresh.initialized
    torch.testing.assert_close(fresh.ema_sum, quantizer.ema_sum)
    torch.testing.assert_close(fresh.ema_count, quantizer.ema_count)


PROCESS = """
import sys
import torch, torch.distributed as dist
from safetensors.torch import save_file
from audiogen.codec.quantizer import Quantizer, draw_vectors, num_vectors

folder, rank, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dist.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=processes)
batch = torch.randn(3, 8, 5, 12, generator=torch.Generator().manual_seed(0))  # steps, items
for size in (32, 200):  # fewer and more codes than vectors
    quantizer = Quantizer(size, 5, ema_decay=0.8, restart_threshold=1.0)
    for step in range(3):
        # two micro-batches: first those of all processes, then again
        items = batch[step].view(2, processes, 4 // processes, 5, 12)[:, rank]
        latents = list(items)
        draw = draw_vectors(num_vectors(latents), size, 5, (0, step))
        if not quantizer.initialized:
            quantizer.initialize_(latents, draw)
        codes = [quantizer.encode(latent) for latent in latents]
        statistics = quantizer.follow_(latents, codes, draw)
    state = dict(quantizer.state_dict()) | {k: v.float() for k, v in statistics.items()}
    save_file({k: v.clone() for k, v in state.items()}, f"{folder}/{size}.{rank}.safetensors")
dist.destroy_process_group()
"""


def run_processes(folder, processes):
    folder.mkdir()
    environment = os.environ | {
        "PYTHONPATH": str(Path(next(iter(audiogen.__path__))).parent),
        "OMP_NUM_THREADS": "1",
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder), str(rank), str(processes)],
            env=environment,
        )
        for rank in range(processes)
    ]
    assert [process.wait(timeout=120) for process in running] == [0] * processes
    return {
        size: [load_file(folder / f"{size}.{rank}.safetensors") for rank in range(processes)]
        for size in (32, 200)
    }


def test_two_processes_make_the_codebook_that_one_makes_of_the_same_global_batch(tmp_path):
    (one, two) = (run_processes(tmp_path / f"{count}", count) for count in (1, 2))

    for size in (32, 200):
        torch.testing.assert_close(two[size][0], two[size][1], rtol=0, atol=0)
        torch.testing.assert_close(two[size][0], one[size][0])
