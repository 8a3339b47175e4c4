import dataclasses
import math

import pytest
import torch

from audiogen.conditioning.labels import Labels
from audiogen.prior.model import Prior, PriorConfig


def released(**changes):
    tables = {"num_artists": 4111, "num_genres": 120, "max_genres": 5, "null": False}
    return {"codebook_size": 2048, "context_length": 8192, "labels": tables} | changes


UPSAMPLER = released(
    level=0, hop_length=8, dim=1920, num_layers=72, num_rows=128, upper={"codebook_size": 2048}
)
TOP_5B = released(
    level=2,
    hop_length=128,
    dim=4800,
    num_layers=72,
    num_heads=8,
    num_rows=128,
    timing={"num_bins": 128, "null": False},
    tied_embedding=False,
    conditioning_after=False,
)
TOP_5B_LYRICS = TOP_5B | {
    "num_layers": 79,
    "layers": "row_column_previous_with_late_cross",
    "lyrics": {
        "mode": "encoder",
        "num_tokens": 512,
        "alphabet_size": 80,
        "null": False,
        "encoder_dim": 1280,
        "encoder_num_layers": 18,
        "encoder_num_heads": 4,
    },
}
TOP_1B_LYRICS = released(
    level=2,
    hop_length=128,
    context_length=6144,
    dim=2048,
    num_layers=72,
    num_heads=2,
    num_rows=64,
    layers="row_column_previous_with_rare_prefix",
    labels={"num_artists": 7898, "num_genres": 604, "max_genres": 1, "null": False},
    timing={"num_bins": 64, "null": False},
    lyrics={"mode": "prefix", "num_tokens": 384, "alphabet_size": 79, "null": False},
)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        (UPSAMPLER, 981_298_176),
        (TOP_1B_LYRICS, 942_643_200),
        (TOP_5B, 5_060_452_800),
        (TOP_5B_LYRICS, 5_640_506_800),
    ],
)
def test_released_shapes_have_the_released_number_of_parameters(settings, count):
    with torch.device("meta"):
        prior = Prior(PriorConfig.model_validate(settings))
    assert sum(parameter.numel() for parameter in prior.parameters()) == count


def reached_symbols(prior, batch, frame):
    """Return which symbols (lyric prefix, then codes) the logits of a frame depend on."""
    embedded = []
    hook = prior.embedding.register_forward_hook(lambda _module, _x, out: embedded.append(out))
    logits = prior(*batch).logits
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, frame].sum(), embedded, allow_unused=True)
    if gradient is None:
        return set()
    assert gradient[1:].abs().sum() == 0
    return {int(symbol) for symbol in gradient[0].abs().sum(-1).nonzero()}


def test_a_code_changes_no_logit_at_or_before_it(kind, make_prior, make_batch):
    prior = make_prior(kind)
    batch = make_batch(prior)
    prefix = prior.config.num_prefix
    for frame in range(prior.config.context_length):
        reached = reached_symbols(prior, batch, frame)
        assert all(symbol < prefix + frame for symbol in reached)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("dense", lambda i, j: j <= i),
        ("row", lambda i, j: j <= i and j // 6 == i // 6),
        ("column", lambda i, j: j <= i and j % 6 == i % 6),
        ("previous_row", lambda i, j: j // 6 == i // 6 - 1 or j == i),
    ],
)
def test_one_layer_carries_exactly_the_codes_that_its_pattern_sees(
    kind, rule, make_prior, make_batch
):
    prior = make_prior(kind, num_layers=1)
    batch = make_batch(prior)
    for frame in range(24):
        # The sequence is shifted: position j holds code j - 1, position 0 the start.
        seen = {j - 1 for j in range(1, 24) if rule(frame, j)}
        assert reached_symbols(prior, batch, frame) == seen


def test_a_round_of_row_column_and_previous_row_reaches_every_earlier_code(make_prior, make_batch):
    prior = make_prior("unlabelled", num_layers=6)
    batch = make_batch(prior)
    assert all(reached_symbols(prior, batch, frame) == set(range(frame)) for frame in range(24))


@torch.inference_mode()
def draw_like(prior, batch, num_given):
    """Return the logits of frames `num_given` and later, read one code at a time."""
    codes, labels, upper_codes = batch
    conditioning = prior.condition(labels, upper_codes)
    cache = prior.new_cache(len(codes))
    logits = [prior.prefill(codes[:, :num_given], conditioning, cache)]
    for frame in range(num_given, codes.shape[1] - 1):
        logits.append(prior.decode_step(codes[:, frame], conditioning, cache))
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("num_given", [0, 1, 5, 6, 7, 13, 23])
def test_cached_steps_equal_the_teacher_forced_pass(
    kind, num_given, make_prior, make_batch, product_route
):
    prior = make_prior(kind)
    batch = make_batch(prior)
    expected = prior(*batch).logits[:, num_given:]
    # Weights far larger than a trained model's enlarge the rounding, too.
    torch.testing.assert_close(draw_like(prior, batch, num_given), expected, atol=3e-4, rtol=1e-4)


@pytest.mark.parametrize("num_given", [0, 1, 7])
def test_a_window_alone_has_the_same_bits_as_in_a_batch(
    kind, num_given, make_prior, make_batch, product_route
):
    prior = make_prior(kind)
    codes, labels, upper_codes = make_batch(prior, batch=4)
    together = draw_like(prior, (codes, labels, upper_codes), num_given)
    for item in range(4):
        window = slice(item, item + 1)
        upper = None if upper_codes is None else upper_codes[window]
        label = labels and labels.select(item)
        alone = draw_like(prior, (codes[window], label, upper), num_given)
        assert torch.equal(alone[0], together[item])


def test_a_wider_window_alone_has_the_same_bits_as_in_a_batch(make_prior, make_batch):
    """The widths of the demo's priors, whose products take other paths than tiny ones."""
    prior = make_prior("upsampler", dim=128, num_layers=3, num_heads=4)
    codes, labels, upper_codes = make_batch(prior, batch=5)
    together = draw_like(prior, (codes, labels, upper_codes), 3)
    alone = draw_like(prior, (codes[4:], labels.select(4), upper_codes[4:]), 3)
    assert torch.equal(alone[0], together[4])


def test_a_cache_serves_the_next_window_after_a_reset(kind, make_prior, make_batch):
    prior = make_prior(kind)
    codes, labels, upper_codes = make_batch(prior)
    with torch.inference_mode():
        conditioning = prior.condition(labels, upper_codes)
        cache = prior.new_cache(2)
        first = prior.prefill(codes[:, :17], conditioning, cache)
        cache.reset()
        prior.prefill(codes[:, :9].flip(1), conditioning, cache)
        cache.reset()
        torch.testing.assert_close(prior.prefill(codes[:, :17], conditioning, cache), first)


def test_a_window_may_be_shorter_than_the_context(kind, make_prior, make_batch):
    prior = make_prior(kind)
    codes, labels, upper_codes = make_batch(prior)
    if upper_codes is not None:
        prior_output = prior(codes[:, :10], labels, upper_codes[:, :5])
        # Upper codes are convolved: the window's last frames know less of what follows.
        assert prior_output.logits.shape == (2, 10, 12)
        return
    short = prior(codes[:, :10], labels, upper_codes)
    torch.testing.assert_close(short.logits, prior(codes, labels, upper_codes).logits[:, :10])


def test_upper_codes_shorter_than_the_context_condition_a_shorter_window(make_prior, make_batch):
    prior = make_prior("upsampler")
    batch = make_batch(prior, num_frames=10)
    expected = prior(*batch).logits
    torch.testing.assert_close(draw_like(prior, batch, 0), expected, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="upper codes span 8 frames, cannot condition 10"):
        prior(batch[0], batch[1], batch[2][:, :4])


def test_the_codes_of_the_level_above_matter(make_prior, make_batch):
    prior = make_prior("upsampler")
    codes, labels, upper_codes = make_batch(prior)
    other = prior(codes, labels, (upper_codes + 1) % 9)
    assert not torch.allclose(prior(codes, labels, upper_codes).logits, other.logits)


def test_tied_weights_are_one_parameter(make_prior):
    tied, untied = make_prior("prefix"), make_prior("encoder")
    assert tied.head is None
    assert untied.head.weight.shape == untied.embedding.weight.shape
    names = dict(tied.named_parameters())
    assert not any("head" in name for name in names)


def test_losses_weigh_lyrics_by_their_share(make_prior, make_batch):
    for kind in ("encoder", "prefix"):
        prior = make_prior(kind)
        output = prior(*make_batch(prior))
        expected = (0.4 * output.lyric_bits * 8 + output.code_bits * 24) / 32
        torch.testing.assert_close(output.loss, expected)


def test_the_loss_without_lyrics_is_that_of_the_codes(make_prior, make_batch):
    prior = make_prior("unlabelled")
    output = prior(*make_batch(prior))
    assert output.lyric_bits is None
    assert output.loss == output.code_bits


def test_bits_are_those_of_the_logits(make_prior, make_batch):
    prior = make_prior("encoder")
    batch = make_batch(prior)
    output = prior(*batch)
    log_probability = output.logits.log_softmax(-1).gather(-1, batch[0].unsqueeze(-1))
    torch.testing.assert_close(output.code_bits, -log_probability.mean() / math.log(2))


def test_bits_of_a_prefix_model_count_the_whole_vocabulary(make_prior, make_batch):
    prior = make_prior("prefix")
    batch = make_batch(prior)
    output = prior(*batch)
    log_probability = output.logits.log_softmax(-1).gather(-1, batch[0].unsqueeze(-1))
    # Among codes alone the right one is likelier than among codes and letters.
    assert output.code_bits > -log_probability.mean() / math.log(2)


def test_bits_per_clip_average_to_the_bits_of_the_batch(kind, make_prior, make_batch):
    prior = make_prior(kind)
    batch = make_batch(prior, batch=3)
    bits = prior.bits_per_clip(*batch)
    assert bits.shape == (3,)
    torch.testing.assert_close(bits.mean(), prior(*batch).code_bits)


@pytest.mark.parametrize("kind", ["encoder", "prefix"])
def test_lyrics_labels_and_timing_matter_unless_they_are_dropped(kind, make_prior, make_batch):
    prior = make_prior(kind)
    codes, labels, _ = make_batch(prior)

    def logits(**changes):
        return prior(codes, dataclasses.replace(labels, **changes)).logits

    plain = logits()
    for name in ("artist", "genres", "lyrics"):
        changed = (getattr(labels, name) + 1) % 4
        assert not torch.allclose(logits(**{name: changed}), plain)
    assert not torch.allclose(logits(offset=labels.offset + 500), plain)

    yes = torch.ones(2, dtype=torch.bool)
    without = logits(labels_dropped=yes, lyrics_dropped=yes)
    other = Labels(*make_batch(prior, batch=2)[1].__dict__.values())
    other = dataclasses.replace(other, artist=(labels.artist + 1) % 4, lyrics=labels.lyrics * 0)
    again = prior(codes, other.without_labels().without_lyrics()).logits
    torch.testing.assert_close(without, again)


@pytest.mark.parametrize("kind", ["upsampler", "encoder", "prefix"])
def test_a_tiny_prior_learns_a_batch_by_heart(kind, make_batch, make_prior):
    config = make_prior(kind).config.changed(init_scale=2.0)
    torch.manual_seed(0)
    prior = Prior(config)
    batch = make_batch(prior)
    optimizer = torch.optim.AdamW(prior.parameters(), lr=1e-2)
    first = prior(*batch).code_bits.item()
    for _ in range(100):
        optimizer.zero_grad()
        output = prior(*batch)
        output.loss.backward()
        optimizer.step()
    assert first > 3.0
    assert output.code_bits < 0.2


def test_recomputation_changes_neither_names_nor_gradients(kind, make_prior, make_batch):
    plain, sparing = make_prior(kind).train(), make_prior(kind, checkpointing=True).train()
    sparing.load_state_dict(plain.state_dict())
    batch = make_batch(plain)
    for prior in (plain, sparing):
        prior(*batch).loss.backward()
    for one, other in zip(plain.parameters(), sparing.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_every_parameter_is_trained(kind, make_prior, make_batch):
    prior = make_prior(kind)
    codes, labels, upper_codes = make_batch(prior)
    if labels is not None:
        some = torch.tensor([True, False])
        labels = dataclasses.replace(labels, labels_dropped=some, lyrics_dropped=~some)
    prior(codes, labels, upper_codes).loss.backward()
    assert [name for name, one in prior.named_parameters() if one.grad is None] == []


@pytest.mark.parametrize("kind", ["upsampler", "encoder", "prefix"])
def test_half_precision_weights_give_finite_logits(kind, make_prior, make_batch):
    prior = make_prior(kind).bfloat16()
    batch = make_batch(prior)
    output = prior(*batch)
    assert output.logits.dtype == torch.float32
    assert output.loss.isfinite()
    assert draw_like(prior, batch, 3).isfinite().all()


def test_autocast_trains(make_prior, make_batch):
    prior = make_prior("encoder")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = prior(*make_batch(prior))
    output.loss.backward()
    assert output.loss.dtype == torch.float32
    assert output.loss.isfinite()


def test_mistakes_of_a_caller_are_named(make_prior, make_batch):
    prior = make_prior("prefix")
    codes, labels, _ = make_batch(prior)
    conditioning = prior.condition(labels)
    with pytest.raises(ValueError, match="this prior reads labels, and none were given"):
        prior(codes)
    with pytest.raises(ValueError, match="this prior reads no codes of a level above"):
        prior(codes, labels, codes)
    with pytest.raises(ValueError, match="labels hold 3 lyric tokens, this prior reads 8"):
        prior(codes, dataclasses.replace(labels, lyrics=labels.lyrics[:, :3]))
    with pytest.raises(ValueError, match="cache was allocated for 5 windows, cannot hold 2"):
        prior.prefill(codes[:, :1], conditioning, prior.new_cache(5))
    with pytest.raises(ValueError, match="24 codes leave no frame to draw in a context of 24"):
        prior.prefill(codes, conditioning, prior.new_cache(2))
    with pytest.raises(ValueError, match="reads the codes of the level above; none were given"):
        make_prior("upsampler")(*make_batch(make_prior("upsampler"))[:2])


def test_a_full_window_takes_no_further_code(make_prior, make_batch):
    prior = make_prior("row")
    codes, labels, _ = make_batch(prior)
    conditioning, cache = prior.condition(labels), prior.new_cache(2)
    prior.prefill(codes[:, :23], conditioning, cache)
    with pytest.raises(ValueError, match="the window of 24 frames is full"):
        prior.decode_step(codes[:, 23], conditioning, cache)
    with pytest.raises(ValueError, match="cache holds 24 positions; reset it for a new window"):
        prior.prefill(codes[:, :1], conditioning, cache)


def test_first_weights_have_the_spread_of_the_original():
    settings = TOP_1B_LYRICS | {"dim": 256, "num_layers": 3, "layers": "row_column_previous"}
    settings |= {"lyrics": None, "init_scale": 0.5, "context_length": 64}
    torch.manual_seed(0)
    prior = Prior(PriorConfig.model_validate(settings))
    layer = prior.transformer.layers[0]
    for weight, expected in (
        (prior.embedding.weight, 0.01),
        (prior.position, 0.005),
        (prior.conditioner.labels.artist.weight, 0.005),
        (prior.conditioner.timing.absolute.weight, 0.005),
        (layer.attention.projection.weight, 0.01),
        (layer.feed_forward.output.weight, 0.01),
    ):
        assert weight.std().item() == pytest.approx(expected, rel=0.05)
    assert layer.attention.output.bias.abs().sum() == 0
