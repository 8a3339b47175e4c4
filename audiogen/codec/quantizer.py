"""Latent <-> codes: nearest code vector, moving-average codebook, restart of unused codes.

Source: Jukebox, section on the VQ-VAE; van den Oord et al. 2017, appendix on moving averages. The
codebook is no parameter: it follows the latents in one explicit call a step, never in `forward`.
With several processes every process ends each call with the same codebook, and with the same that
one process would have for the same global batch: sums are added up over the processes, and random
draws name vectors by their place in the global batch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

JITTER = 0.01
"""Length, in expectation, of the noise that tells repeated vectors apart."""

_FADED = 1e-30
_ROWS_AT_ONCE = {"cpu": 256}  # a block of scores that stays in the cache of a core
_ROWS_AT_ONCE_ELSEWHERE = 16384


class Quantized(NamedTuple):
    """What the quantizer made of one batch of latents."""

    latent: Tensor  # (batch, dim, frame) code vectors; gradients pass straight through
    codes: Tensor  # (batch, frame) int64, each in [0, codebook_size)
    commitment_loss: Tensor  # () how far the encoder strays from its codes


class Draw(NamedTuple):
    """Which latent vectors of the global batch become code vectors.

    Vectors are numbered through micro-batches, then processes, then items, then frames. Where the
    batch holds fewer vectors than codes it counts as repeated, and noise tells the copies apart.
    """

    indices: Tensor  # (code,) int64
    noise: Tensor | None  # (code, dim) of unit variance; None where nothing is repeated


def draw_vectors(num_vectors: int, num_codes: int, dim: int, seed: Sequence[int]) -> Draw:
    """Draw `num_codes` different places in a global batch of `num_vectors`, as `seed` says."""
    generator = np.random.default_rng(list(seed))
    repeats = -(-num_codes // num_vectors)
    indices = generator.choice(repeats * num_vectors, num_codes, replace=False)
    noise = None
    if repeats > 1:
        noise = torch.from_numpy(generator.standard_normal((num_codes, dim), dtype=np.float32))
    return Draw(torch.from_numpy(indices), noise)


class Quantizer(nn.Module):
    """A codebook and its moving averages.

    Args:
        codebook_size: number of codes.
        codebook_dim: length of a code vector.
        ema_decay: share of the old averages that one update keeps.
        restart_threshold: codes used less often than this, on average a step, are restarted from
            a vector of the batch; 0 for never.
    """

    codebook: Tensor  # (code, dim)
    ema_sum: Tensor  # (code, dim) average sum, a step, of the vectors nearest to the code
    ema_count: Tensor  # (code,) average number, a step, of those vectors
    initialized: Tensor  # () bool

    def __init__(
        self, codebook_size: int, codebook_dim: int, ema_decay: float, restart_threshold: float
    ) -> None:
        super().__init__()
        self.ema_decay = ema_decay
        self.restart_threshold = restart_threshold
        self.register_buffer("codebook", torch.zeros(codebook_size, codebook_dim))
        self.register_buffer("ema_sum", torch.zeros(codebook_size, codebook_dim))
        self.register_buffer("ema_count", torch.zeros(codebook_size))
        self.register_buffer("initialized", torch.zeros((), dtype=torch.bool))

    def forward(self, latent: Tensor) -> Quantized:
        """Replace every frame of `latent` (batch, dim, frame) by its nearest code."""
        batch = latent.shape[0]
        # float32 throughout: bfloat16 distances pick the wrong code when two are close.
        with torch.autocast(latent.device.type, enabled=False):
            vectors = _vectors([latent])
            codes = self.nearest(vectors.detach())
            quantized = F.embedding(codes, self.codebook)
            commitment_loss = F.mse_loss(vectors, quantized)
            # The forward value is the code vector; the backward pass sees the identity.
            quantized = vectors + (quantized - vectors).detach()
        return Quantized(
            rearrange(quantized, "(batch frame) dim -> batch dim frame", batch=batch),
            rearrange(codes, "(batch frame) -> batch frame", batch=batch),
            commitment_loss,
        )

    def encode(self, latent: Tensor) -> Tensor:
        """Return the codes (batch, frame) of `latent` (batch, dim, frame) and nothing else."""
        codes = self.nearest(_vectors([latent]))
        return rearrange(codes, "(batch frame) -> batch frame", batch=latent.shape[0])

    def nearest(self, vectors: Tensor) -> Tensor:
        """Return the code (row,) nearest to each of `vectors` (row, dim) float32."""
        # |x - c|^2 is least where x.c - |c|^2 / 2 is greatest: |x|^2 is the same for every code.
        offsets = self.codebook.square().sum(dim=1) / -2
        rows = _ROWS_AT_ONCE.get(vectors.device.type, _ROWS_AT_ONCE_ELSEWHERE)
        blocks = vectors.split(rows)
        return torch.cat([torch.addmm(offsets, x, self.codebook.t()).argmax(1) for x in blocks])

    def lookup(self, codes: Tensor) -> Tensor:
        """Return the code vectors (batch, dim, frame) of `codes` (batch, frame)."""
        return rearrange(F.embedding(codes, self.codebook), "batch frame dim -> batch dim frame")

    @torch.no_grad()
    def initialize_(self, latents: Sequence[Tensor], draw: Draw) -> None:
        """Make the codebook of the drawn vectors of this process's micro-batches.

        Args:
            latents: (batch, dim, frame) each, equal shapes everywhere.
            draw: the same on every process.
        """
        self.set_codebook_(_add_up_(_drawn(latents, draw)), usage=1.0)

    @torch.no_grad()
    def set_codebook_(self, codebook: Tensor, usage: float) -> None:
        """Take over a codebook (code, dim), as if each code had been used `usage` times a step."""
        self.codebook.copy_(codebook)
        self.ema_sum.copy_(self.codebook * usage)
        self.ema_count.fill_(usage)
        self.initialized.fill_(True)

    @torch.no_grad()
    def follow_(
        self, latents: Sequence[Tensor], codes: Sequence[Tensor], draw: Draw
    ) -> dict[str, Tensor]:
        """Move the codebook towards the latents of one step; restart codes that are not used.

        Args:
            latents: (batch, dim, frame) of each micro-batch of this process, equal shapes.
            codes: (batch, frame) of each.
            draw: the vectors that restarted codes take, the same on every process.

        Returns:
            Statistics of the global batch, each ().
        """
        size, dim = self.codebook.shape
        sums, counts = _sums_by_code(
            _vectors(latents), torch.cat([c.flatten() for c in codes]), size
        )
        totals = _add_up_(torch.cat([sums, counts[:, None], _drawn(latents, draw)], dim=1))
        sums, counts, drawn = totals.split([dim, 1, dim], dim=1)

        self.ema_sum.mul_(self.ema_decay).add_(sums, alpha=1 - self.ema_decay)
        self.ema_count.mul_(self.ema_decay).add_(counts[:, 0], alpha=1 - self.ema_decay)
        live = self.ema_count >= self.restart_threshold
        # Averages that have faded to nothing, possible only without restarts, say nothing.
        means = self.ema_sum / self.ema_count[:, None].clamp(min=_FADED)
        means = torch.where(self.ema_count[:, None] > _FADED, means, self.codebook)
        codebook = torch.where(live[:, None], means, drawn)
        change = (codebook - self.codebook).square().mean().sqrt()
        self.codebook.copy_(codebook)
        return _use_of_codes(counts[:, 0], live) | {"codebook_change": change}


def _use_of_codes(counts: Tensor, live: Tensor) -> dict[str, Tensor]:
    shares = counts / counts.sum()
    return {
        "entropy_bits": -torch.special.xlogy(shares, shares).sum() / np.log(2),
        "used_codes": (counts > 0).sum(),
        "live_codes": live.sum(),
    }


def _vectors(latents: Sequence[Tensor]) -> Tensor:
    """Return the vectors (row, dim) of this process, in the order of the global batch."""
    flat = [rearrange(latent, "batch dim frame -> (batch frame) dim") for latent in latents]
    return torch.cat(flat).float()


def _sums_by_code(vectors: Tensor, codes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the sum (code, dim) and the number (code,) of the vectors of each code."""
    counts = torch.bincount(codes, minlength=size)
    # Sorted, not scattered: on a GPU a scattered sum differs from run to run in its last bits.
    in_order = vectors[codes.argsort(stable=True)]
    sums = torch.segment_reduce(in_order, "sum", lengths=counts, unsafe=True)
    return sums, counts.to(sums.dtype)


def _drawn(latents: Sequence[Tensor], draw: Draw) -> Tensor:
    """Return the drawn vectors (code, dim) that lie on this process; zeros for the others."""
    batch, dim, frames = latents[0].shape
    if any(latent.shape != latents[0].shape for latent in latents):
        raise ValueError(f"micro-batches differ: {[tuple(latent.shape) for latent in latents]}")
    indices = draw.indices % num_vectors(latents)
    item, frame = indices // frames, indices % frames
    micro_batch, process, place = (
        item // (_num_processes() * batch),
        item // batch % _num_processes(),
        item % batch,
    )
    rows = ((micro_batch * batch + place) * frames + frame).to(latents[0].device)
    drawn = _vectors(latents)[rows]
    if draw.noise is not None:
        drawn += draw.noise.to(drawn.device) * (JITTER / dim**0.5)
    mine = (process == _process_index()).to(drawn.device)
    return torch.where(mine[:, None], drawn, 0.0)


def num_vectors(latents: Sequence[Tensor]) -> int:
    """Return how many vectors the global batch holds, of which `latents` are this process's."""
    batch, _, frames = latents[0].shape
    return len(latents) * _num_processes() * batch * frames


def _add_up_(values: Tensor) -> Tensor:
    """Add up `values` over all processes, in place."""
    if _num_processes() > 1:
        dist.all_reduce(values)
    return values


def _num_processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _process_index() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
