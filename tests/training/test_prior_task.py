import json
import os
import signal

import numpy as np
import pytest
import torch

from audiogen.codec.model import Codec, CodecConfig
from audiogen.data.code_store import CodeStore, CodeStoreWriter
from audiogen.data.manifest import Track
from audiogen.errors import Interrupted, UserError
from audiogen.model_folder import ModelFolder
from audiogen.training.checkpoint import load_newest
from audiogen.training.prior_settings import PriorRun
from audiogen.training.prior_task import PriorTask, train_prior
from audiogen.training.task import TrainOptions

SAMPLE_RATE = 4000
SIZE = 16  # codes of a codebook

SHAPE = {
    "context_length": 16,
    "dim": 32,
    "num_layers": 3,
    "num_heads": 1,
    "attention_multiplier": 1.0,
    "num_rows": 4,
}
TOP = SHAPE | {
    "layers": ["row", "column", "cross"],
    "labels": {"max_genres": 2, "drop_probability": 0.3},
    "timing": {"num_bins": 8, "max_seconds": 10},
    "lyrics": {
        "mode": "encoder",
        "num_tokens": 8,
        "encoder_dim": 16,
        "encoder_num_layers": 1,
        "encoder_num_heads": 1,
        "encoder_num_rows": 2,
        "drop_probability": 0.3,
    },
}
UPSAMPLER = SHAPE | {"labels": {}, "upper": {"width": 16, "depth": 1, "num_steps": 1}}
TRAINING = {
    "steps": 4,
    "batch_size": 4,
    "save_every": 2,
    "warmup_steps": 0,
    "num_validation_clips": 8,
    "ema_decay": 0.5,
    "learning_rate": 1e-3,
}


def run_of(prior, **training):
    return PriorRun.model_validate({"prior": prior, "training": TRAINING | training})


@pytest.fixture
def model(tmp_path):
    """A model folder with a codec of two levels, hops 4 and 8."""
    torch.manual_seed(0)
    config = CodecConfig(
        sample_rate=SAMPLE_RATE,
        codebook_size=SIZE,
        codebook_dim=4,
        width=4,
        depth=1,
        width_multipliers=(1, 1),
        depth_multipliers=(1, 1),
        num_downsamplings=(2, 1),
    )
    folder = ModelFolder(tmp_path / "model")
    folder.save_codec(Codec(config), {})
    return folder


@pytest.fixture
def codes(model, tmp_path):
    """Six songs, two held out; each code of level 0 is the one above it, plus one."""
    generator = np.random.default_rng(0)
    writer = CodeStoreWriter(
        tmp_path / "codes",
        codec_hash=model.codec_hash(),
        sample_rate=SAMPLE_RATE,
        hop_lengths=(4, 8),
        codebook_sizes=(SIZE, SIZE),
    )
    with writer:
        for number in range(6):
            top = generator.integers(0, SIZE, 40)
            bottom = (np.repeat(top, 2) + 1) % SIZE
            track = Track(
                path=f"{number}.wav",
                duration=320 / SAMPLE_RATE,
                sample_rate=SAMPLE_RATE,
                channels=1,
                artist=("Ada", "Ben")[number % 2],
                genre=(("folk", "blues")[number % 2],),
                lyrics=("la la la", "oh oh oh my")[number % 2],
                split="validation" if number >= 4 else "train",
            )
            writer.append(track, [bottom, top])
    return tmp_path / "codes"


def test_two_and_two_steps_of_a_prior_equal_four_bit_for_bit(model, codes, tmp_path, monkeypatch):
    train_prior(run_of(TOP), 1, codes, model.path, TrainOptions())
    whole, _ = load_newest(model.training_folder("prior_1"))
    (model.path / "prior_1").rename(tmp_path / "first")
    (model.path / "training").rename(tmp_path / "first_training")

    plain = PriorTask.forward

    def interrupting(self, network, batch):
        if batch.codes.tolist() == first_batch:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, network, batch)

    store = CodeStore.open(codes)
    config = model_config(model, store)
    task = PriorTask(config, run_of(TOP).training, store, model.load_vocabulary(), model, "cpu")
    first_batch = [task.dataset[item].codes[0].tolist() for item in range(4)]
    monkeypatch.setattr(PriorTask, "forward", interrupting)
    with pytest.raises(Interrupted, match="prior_1: stopped at step 1 of 4"):
        train_prior(run_of(TOP), 1, codes, model.path, TrainOptions())
    monkeypatch.setattr(PriorTask, "forward", plain)
    assert train_prior(run_of(TOP), 1, codes, model.path, TrainOptions(resume=True))

    parts, _ = load_newest(model.training_folder("prior_1"))
    assert whole.step == parts.step == 4
    for name in ("model", "averaged", "optimizer"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=0, atol=0)


def model_config(model, store):
    from audiogen.training.prior_settings import complete

    return complete(run_of(TOP).prior, 1, store, model.load_vocabulary())


def test_an_upsampler_learns_from_the_codes_above_and_says_what_they_are_worth(
    model, codes, capsys
):
    run = run_of(UPSAMPLER, steps=150, batch_size=8, learning_rate=3e-3, save_every=150)
    assert train_prior(run, 0, codes, model.path, TrainOptions())

    report = json.loads((model.training_folder("prior_0") / "validation.json").read_text())
    bits, entropy = report["validation/bits_per_code"], report["validation/training_entropy_bits"]
    assert 3.5 < entropy <= 4
    # Every second code repeats the one before it; what the codes above tell makes up the rest.
    assert bits < 1
    assert report["validation/share_under_entropy"] == pytest.approx(1 - bits / entropy)
    assert report["validation/bits_per_second"] == pytest.approx(bits * SAMPLE_RATE / 4)
    gain = report["gains"]["upper_codes"]
    assert 1 < gain["low"] < gain["mean"] < gain["high"]
    assert report["validation/upper_codes_gain_bits"] == gain["mean"]
    assert model.provenance("prior_0")["validation"] == report
    assert "prior_0: with another clip's upper codes +" in capsys.readouterr().out


def test_what_the_settings_leave_out_comes_from_codes_and_vocabulary(model, codes):
    train_prior(run_of(TOP, steps=1), 1, codes, model.path, TrainOptions())
    config = model.prior_config(1)
    assert (config.level, config.hop_length, config.sample_rate) == (1, 8, SAMPLE_RATE)
    assert config.codebook_size == SIZE
    assert (config.labels.num_artists, config.labels.num_genres) == (3, 3)
    vocabulary = model.load_vocabulary()
    assert vocabulary.artists == ("unknown", "Ada", "Ben")
    assert config.lyrics.alphabet_size == len(vocabulary.alphabet)
    train_prior(run_of(UPSAMPLER, steps=1), 0, codes, model.path, TrainOptions())
    assert model.prior_config(0).upper.codebook_size == SIZE


@pytest.mark.parametrize(
    ("prior", "level", "sentence"),
    [
        (TOP | {"level": 0}, 1, "prior.level: 0 in the settings, 1 in the codes; leave it out"),
        (TOP | {"hop_length": 16}, 1, "prior.hop_length: 16 in the settings, 8 in the codes"),
        (TOP | {"codebook_size": 2048}, 1, "prior.codebook_size: 2048 in the settings, 16"),
        (TOP, 2, "--level 2: the codec has levels 0 to 1"),
        (TOP, 0, "prior.upper: missing; level 0 is written from the codes of level 1"),
        (UPSAMPLER, 1, "prior.upper: level 1 is the coarsest"),
        (
            UPSAMPLER | {"upper": {"num_steps": 2, "width": 16, "depth": 1}},
            0,
            "prior.upper: 2 steps of stride 2 do not make the 2 frames",
        ),
        (TOP | {"labels": {"num_artists": 2}}, 1, "prior.labels.num_artists: 2 rows do not hold"),
        (TOP | {"context_length": 4096}, 1, "no track is long enough: a clip takes 4096 frames"),
    ],
)
def test_settings_that_contradict_the_codes_are_one_sentence(model, codes, prior, level, sentence):
    with pytest.raises(UserError) as raised:
        train_prior(run_of(prior), level, codes, model.path, TrainOptions())
    assert sentence in str(raised.value)
    assert not model.has_prior(level)


def test_a_resume_refuses_another_setting_by_name(model, codes):
    train_prior(run_of(TOP, steps=1), 1, codes, model.path, TrainOptions())
    with pytest.raises(UserError, match="prior.num_heads: 1 then, 2 now"):
        train_prior(
            run_of(TOP | {"num_heads": 2}, steps=1), 1, codes, model.path, TrainOptions(resume=True)
        )


def test_labels_that_the_vocabulary_lacks_count_as_unknown_with_a_sentence(model, codes, capsys):
    from audiogen.conditioning.vocabulary import Vocabulary

    known = Vocabulary(
        artists=("unknown", "Ada"), genres=("unknown", "folk"), alphabet=("", *"la ohm")
    )
    model.save_vocabulary(known)
    train_prior(run_of(TOP, steps=1), 1, codes, model.path, TrainOptions())
    said = capsys.readouterr().out
    assert "artists that the model's vocabulary lacks count as unknown: Ben" in said
    assert "genres that the model's vocabulary lacks count as unknown: blues" in said
    assert "characters of the lyrics that the model's alphabet lacks are left blank: 'y'" in said
    assert model.load_vocabulary() == known


def test_labels_are_withheld_in_training_alone_and_as_a_function_of_the_item(model, codes):
    store = CodeStore.open(codes)
    from audiogen.conditioning.vocabulary import Vocabulary

    model.save_vocabulary(Vocabulary.collect(store.tracks))
    task = PriorTask(
        model_config(model, store),
        run_of(TOP).training,
        store,
        model.load_vocabulary(),
        model,
        "cpu",
    )
    batches = [task.dataset[item] for item in range(400)]
    for name in ("labels_dropped", "lyrics_dropped"):
        dropped = [bool(getattr(batch.labels, name)) for batch in batches]
        assert dropped == [bool(getattr(task.dataset[i].labels, name)) for i in range(400)]
        # Five standard deviations.
        assert abs(np.mean(dropped) - 0.3) < 0.115
    assert not task._held_out.labels.labels_dropped.any()
    assert not task._held_out.labels.lyrics_dropped.any()


def test_without_held_out_songs_the_training_says_so(model, codes, tmp_path, capsys):
    store = CodeStore.open(codes)
    with CodeStoreWriter(
        tmp_path / "train_only",
        codec_hash=store.codec_hash,
        sample_rate=SAMPLE_RATE,
        hop_lengths=(4, 8),
        codebook_sizes=(SIZE, SIZE),
    ) as writer:
        for number, track in enumerate(store.tracks):
            if track.split == "train":
                writer.append(track, [store.read(0, number, 0, 80), store.read(1, number, 0, 40)])
    assert train_prior(run_of(TOP, steps=1), 1, tmp_path / "train_only", model.path, TrainOptions())
    assert "the codes have no validation split; nothing to validate on" in capsys.readouterr().out
