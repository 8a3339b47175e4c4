import pytest
import torch

from audiogen.codec.losses import Bandwidth, measure_bandwidth
from audiogen.codec.model import Codec, CodecConfig

SMALL_LOSS = {
    "multi_spectral": [{"fft_size": 128, "hop_length": 32, "window_length": 64}],
    "linf_top_k": 16,
}


def config_of(**changes):
    values = {
        "codebook_size": 16,
        "codebook_dim": 4,
        "width": 4,
        "depth": 2,
        "num_downsamplings": (2, 1),
        "width_multipliers": (2, 1),
        "depth_multipliers": (1, 1),
        "loss": SMALL_LOSS,
    }
    return CodecConfig.model_validate(values | changes)


def codec_of(**changes):
    torch.manual_seed(0)
    codec = Codec(config_of(**changes))
    codec.initialize_codebooks_(torch.randn(2, codec.config.channels, 480), seed=0)
    return codec


def test_the_default_codec_has_the_released_parameters_and_codebooks_as_buffers():
    with torch.device("meta"):
        codec = Codec(CodecConfig())

    assert sum(parameter.numel() for parameter in codec.parameters()) == 1_485_763
    buffers = dict(codec.named_buffers())
    assert [buffers[f"levels.{level}.quantizer.codebook"].shape for level in range(3)] == [
        (2048, 64)
    ] * 3


def test_the_small_preset_has_the_released_parameters():
    config = CodecConfig(
        sample_rate=22050,
        codebook_size=1024,
        num_downsamplings=(5, 3),
        width_multipliers=(1, 1),
        depth_multipliers=(1, 1),
    )
    with torch.device("meta"):
        codec = Codec(config)

    assert sum(parameter.numel() for parameter in codec.parameters()) == 586_050
    assert codec.hop_lengths == (32, 256)


def test_forward_reconstructs_every_level_and_reports_each():
    codec = codec_of()
    output = codec(torch.randn(2, 1, 240))

    assert [x.shape for x in output.reconstructions] == [(2, 1, 240)] * 2
    assert [x.shape for x in output.latents] == [(2, 4, 60), (2, 4, 30)]
    assert [x.shape for x in output.codes] == [(2, 60), (2, 30)]
    assert {"codec/reconstruction_loss", "codec/level_1/multi_spectral_loss"} <= set(output.metrics)
    assert not any(value.requires_grad for value in output.metrics.values())


def test_the_loss_is_the_weighted_sum_of_the_reported_terms():
    loss = SMALL_LOSS | {
        "spectral_weight": 0.3,
        "multi_spectral_weight": 0.5,
        "log_spectral_weight": 0.2,
        "commitment_weight": 0.7,
    }
    codec = codec_of(loss=loss)
    codec.set_bandwidth_(Bandwidth(0.8, 0.6, 30.0))
    output = codec(torch.randn(2, 1, 2048))

    weights = {
        "reconstruction_loss": 1.0,
        "spectral_loss": 0.3,
        "multi_spectral_loss": 0.5,
        "log_spectral_loss": 0.2,
        "commitment_loss": 0.7,
    }
    total = sum(
        weight * output.metrics[f"codec/level_{level}/{name}"]
        for name, weight in weights.items()
        for level in range(2)
    )
    torch.testing.assert_close(output.loss.detach(), total)


def test_gradients_reach_every_parameter():
    codec = codec_of()
    codec(torch.randn(2, 1, 240)).loss.backward()

    without = [name for name, p in codec.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == []


def test_levels_share_nothing():
    codec = codec_of()
    output = codec(torch.randn(1, 1, 240))
    output.metrics.clear()
    codec.levels[0](torch.randn(1, 1, 240))[0].sum().backward()

    assert all(parameter.grad is None for parameter in codec.levels[1].parameters())


def test_neither_forward_nor_backward_moves_a_codebook():
    codec = codec_of(checkpointing=True).train()
    before = {name: value.clone() for name, value in codec.named_buffers()}
    codec(torch.randn(2, 1, 240)).loss.backward()

    torch.testing.assert_close(dict(codec.named_buffers()), before, rtol=0, atol=0)


def test_one_update_over_two_micro_batches_equals_one_over_both():
    waveform = torch.randn(4, 1, 240)
    codecs = [codec_of(), codec_of()]
    outputs = [[codecs[0](waveform)], [codecs[1](half) for half in waveform.split(2)]]
    for codec, output in zip(codecs, outputs, strict=True):
        metrics = codec.update_codebooks_(output, seed=3, step=5)

    torch.testing.assert_close(dict(codecs[1].named_buffers()), dict(codecs[0].named_buffers()))
    assert metrics["codec/level_1/used_codes"] > 1
    assert metrics["codec/level_0/codebook_change"] > 0


def test_initialized_codebooks_are_left_alone():
    codec = codec_of()
    assert codec.codebooks_initialized
    before = codec.levels[0].quantizer.codebook.clone()
    codec.initialize_codebooks_([torch.randn(2, 1, 240)], seed=9)

    torch.testing.assert_close(codec.levels[0].quantizer.codebook, before, rtol=0, atol=0)


CONFIGS = [
    {},
    {"channels": 2, "downsampling_stride": [3, 2], "reverse_decoder_dilation": False},
    {"depth": 3, "dilation_cycle": 2, "residual_scale": True, "num_downsamplings": (1, 2)},
    {"dilation_growth": 2, "hidden_multiplier": 2.0, "downsampling_stride": [2, 5]},
]


@pytest.mark.parametrize("changes", CONFIGS)
@pytest.mark.parametrize("length", [20, 91, 400, 1203])
@pytest.mark.parametrize("chunk", [1, 60, 150])
def test_chunks_give_what_the_whole_gives(changes, length, chunk):
    codec = codec_of(**changes)
    # An untrained codec is nearly blind to what is far away; these weights are not.
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter.mul_(1.5)
    waveform = torch.randn(2, codec.config.channels, length)
    codec.initialize_codebooks_(waveform, seed=0)

    whole = codec.encode(waveform, chunk_samples=10**6)
    pieces = codec.encode(waveform, chunk_samples=chunk)
    assert [c.shape[1] for c in whole] == [length // hop for hop in codec.hop_lengths]
    for level, codes in enumerate(whole):
        direct = codec.levels[level].quantizer.encode(codec.levels[level].encoder(waveform))
        assert torch.equal(codes, direct)
        assert torch.equal(codes, pieces[level])
        sound = codec.decode(codes, level, chunk_samples=10**6)
        torch.testing.assert_close(codec.decode(codes, level, chunk_samples=chunk), sound)
        assert sound.shape[-1] == codes.shape[1] * codec.hop_lengths[level]


def test_a_margin_one_frame_shorter_would_be_heard(monkeypatch):
    from audiogen.codec import autoencoder

    codec = codec_of()
    codes = torch.randint(0, 16, (1, 120))
    whole = codec.decode(codes, 0, chunk_samples=10**6)
    margin = autoencoder.decoder_margin(autoencoder.layers_of(codec.levels[0].decoder), 4)
    monkeypatch.setattr(autoencoder, "decoder_margin", lambda layers, hop: margin - 1)

    assert not torch.equal(codec.decode(codes, 0, chunk_samples=100), whole)


def test_codes_made_by_encode_may_take_part_in_training():
    codes = codec_of().encode(torch.randn(1, 1, 64))[0]
    embedding = torch.nn.Embedding(16, 3)

    embedding(codes).sum().backward()
    assert embedding.weight.grad is not None


def test_encode_is_float32_even_under_autocast():
    codec = codec_of()
    waveform = torch.randn(1, 1, 400)
    expected = codec.encode(waveform)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        codes = codec.encode(waveform)
        sound = codec.decode(codes[0], 0)

    assert all(torch.equal(a, b) for a, b in zip(codes, expected, strict=True))
    assert sound.dtype == torch.float32


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 2, 64), "expected .batch, 1, sample."), ((1, 1, 7), "7 samples are less than one frame")],
)
def test_a_waveform_that_cannot_be_encoded_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        codec_of().encode(torch.zeros(shape))


def test_a_training_clip_that_is_no_multiple_of_the_coarsest_hop_is_refused():
    with pytest.raises(ValueError, match="244 samples do not divide into frames of 8"):
        codec_of()(torch.zeros(1, 1, 244))


def test_a_tiny_codec_overfits_a_batch():
    time = torch.arange(2048) / 2048
    waveform = torch.stack([torch.sin(300 * time), 0.5 * torch.sin(500 * time)])[:, None]
    torch.manual_seed(0)
    codec = Codec(config_of(width=8, codebook_size=32))
    codec.set_bandwidth_(measure_bandwidth([waveform]))
    codec.initialize_codebooks_(waveform, seed=0)
    optimizer = torch.optim.Adam(codec.parameters(), lr=3e-3)

    losses = []
    for step in range(60):
        output = codec(waveform)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        codec.update_codebooks_([output], seed=0, step=step)
        levels = range(codec.num_levels)
        losses.append([output.metrics[f"codec/level_{i}/reconstruction_loss"] for i in levels])
    for first, last in zip(losses[0], losses[-1], strict=True):
        assert last < first / 4


def test_the_state_holds_everything_that_moves():
    codec = codec_of()
    codec.set_bandwidth_(Bandwidth(0.1, 0.2, 3.0))
    codec.update_codebooks_([codec(torch.randn(2, 1, 240))], seed=0, step=0)
    torch.manual_seed(1)
    copy = Codec(config_of())
    copy.load_state_dict(codec.state_dict())
    waveform = torch.randn(2, 1, 240)
    outputs = [codec(waveform), copy(waveform)]
    for model, output in zip((codec, copy), outputs, strict=True):
        model.update_codebooks_([output], seed=0, step=1)

    torch.testing.assert_close(outputs[1].loss, outputs[0].loss, rtol=0, atol=0)
    torch.testing.assert_close(copy.state_dict(), codec.state_dict(), rtol=0, atol=0)
