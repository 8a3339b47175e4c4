import pytest
import torch

from audiogen.conditioning.labels import Description, LabelEncoder
from audiogen.sampling.level import LevelWork, fill_level
from audiogen.sampling.logits import LevelSampling, draw
from audiogen.sampling.noise import gumbel_noise

CONTEXT = 32


@pytest.fixture(scope="module", params=["encoder", "prefix"])
def top(request, build_model):
    return build_model(levels=(2,), lyrics=request.param)


def top_work(folder, seeds, max_batch=16, **sampling):
    prior = folder.load_prior(2)
    encoder = LabelEncoder(folder.load_vocabulary(), 2, 16)
    song = Description(num_samples=100 * 16, genres=("folk",), lyrics="row row row your boat " * 3)

    def labels_at(frame):
        return encoder.encode(song, frame * 16, CONTEXT * 16)

    return LevelWork(prior, seeds, LevelSampling(**sampling), max_batch, labels_at)


def made(work, frames, known=None):
    codes = torch.zeros(len(work.seeds), frames, dtype=torch.int64)
    if known is not None:
        codes[:, : known.shape[1]] = known
    fill_level(work, codes, 0 if known is None else known.shape[1])
    return codes


def check_draws(work, codes, level):
    """Compare item 0 with draws from one teacher-forced pass a window."""
    for window in work.windows(codes.shape[1]):
        upper = work.upper_codes
        if upper is not None:
            upper = upper[:1, window.start // work.ratio : window.end // work.ratio]
        with torch.inference_mode():
            seen = codes[:1, window.start : window.end]
            logits = work.prior(seen, work.labels_at(window.start), upper).logits
        for frame in range(window.first_new, window.end):
            noise = gumbel_noise(work.seeds[:1], level, frame, frame + 1, 40)[:, 0]
            expected = draw(logits[:, frame - window.start], noise, work.sampling)
            assert codes[0, frame] == expected.item()


def test_codes_are_what_teacher_forced_passes_would_draw(top):
    work = top_work(top, [5], temperature=0.9, top_k=20, top_p=0.95)

    check_draws(work, made(work, 70), level=2)


def test_an_item_is_the_same_alone_and_in_a_batch(top):
    together = made(top_work(top, [3, 4, 5, 6]), 70)

    for item, seed in enumerate([3, 4, 5, 6]):
        assert torch.equal(made(top_work(top, [seed]), 70)[0], together[item])
    assert len({tuple(codes.tolist()) for codes in together}) == 4


def test_groups_of_a_large_batch_change_nothing(top):
    seeds = [3, 4, 5, 6, 7]
    assert torch.equal(made(top_work(top, seeds, max_batch=2), 50), made(top_work(top, seeds), 50))


def test_going_on_from_a_finished_window_gives_the_same_codes(top):
    whole = made(top_work(top, [3, 4]), 70)
    ends = [window.end for window in top_work(top, [3]).windows(70)]

    for end in ends[:-1]:
        assert torch.equal(made(top_work(top, [3, 4]), 70, whole[:, :end]), whole)


def test_given_codes_are_kept_and_heard(top):
    prompt = torch.randint(0, 40, (1, 11), generator=torch.Generator().manual_seed(1))
    codes = made(top_work(top, [3]), 50, prompt)

    assert torch.equal(codes[:, :11], prompt)
    other = made(top_work(top, [3]), 50, (prompt + 1) % 40)
    assert not torch.equal(codes[:, 11:], other[:, 11:])


def test_blocks_count_every_code_and_windows_every_frame(top):
    work, counted, ended = top_work(top, [3, 4, 5], max_batch=2), [], []
    codes = torch.zeros(3, 70, dtype=torch.int64)
    fill_level(
        work,
        codes,
        0,
        on_block=counted.append,
        on_window=lambda window: ended.append((window.first_new, window.end)),
    )

    assert sum(counted) == 3 * 70
    assert ended == [(0, 32), (32, 48), (48, 64), (64, 70)]


@pytest.fixture(scope="module")
def upsampled(model):
    """Return a function that makes 80 frames of level 1 from the codes above them."""
    prior = model.load_prior(1)
    encoder = LabelEncoder(model.load_vocabulary(), 2, 0)
    song = Description(num_samples=80 * 4)

    def upsample(upper_codes):
        work = LevelWork(
            prior,
            [3, 4],
            LevelSampling(),
            16,
            lambda frame: encoder.encode(song, frame * 4, CONTEXT * 4),
            upper_codes,
            ratio=4,
        )
        return work, made(work, 80)

    return upsample


@pytest.fixture
def upper_codes():
    return torch.randint(0, 40, (2, 20), generator=torch.Generator().manual_seed(0))


def test_an_upsampler_reads_the_upper_codes_of_its_window(upsampled, upper_codes):
    check_draws(*upsampled(upper_codes), level=1)


def test_items_follow_their_own_upper_codes(upsampled, upper_codes):
    changed = upper_codes.clone()
    changed[1, 12:] = (changed[1, 12:] + 1) % 40

    first, second = upsampled(upper_codes)[1], upsampled(changed)[1]

    assert torch.equal(first[0], second[0])
    # The first window sees the upper codes of its own 32 frames alone, 8 of them.
    assert torch.equal(first[1, :32], second[1, :32])
    assert not torch.equal(first[1, 32:], second[1, 32:])
