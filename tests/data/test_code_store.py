import json
import pickle
import shutil

import numpy as np
import pytest

from audiogen.data.code_store import CodeStore, CodeStoreWriter
from audiogen.data.manifest import Track
from audiogen.errors import UserError

SETTINGS = {
    "codec_hash": "abc",
    "sample_rate": 8000,
    "hop_lengths": (2, 4, 16),
    "codebook_sizes": (512, 300, 64),
}
RATIOS = (8, 4, 1)


def song(number, frames=None, **labels):
    """Return the record and codes of a made-up song."""
    frames = 3 + number if frames is None else frames
    facts = {"duration": 1.0, "sample_rate": 8000, "channels": 1, "sha256": f"{number:x}"}
    track = Track(path=f"songs/{number:02d}.wav", split="train", **(facts | labels))
    rng = np.random.default_rng(number)
    sizes = SETTINGS["codebook_sizes"]
    return track, [rng.integers(0, s, frames * r) for s, r in zip(sizes, RATIOS, strict=True)]


def write(folder, numbers, **options):
    with CodeStoreWriter(folder, **(SETTINGS | options)) as writer:
        for number in numbers:
            track, codes = song(number)
            if (track.path, track.sha256) not in writer.done:
                writer.append(track, codes)


def content(folder):
    """Return all that a reader sees: records and codes of every level."""
    store = CodeStore.open(folder, "abc")
    store.check()
    return [
        (
            track,
            [store.read(level, n, 0, store.num_frames(level)[n]).tolist() for level in range(3)],
        )
        for n, track in enumerate(store.tracks)
    ]


def expected(numbers):
    return [(track, [level.tolist() for level in codes]) for track, codes in map(song, numbers)]


def test_codes_and_records_are_read_back(tmp_path):
    write(tmp_path / "s", [2, 0, 1])
    assert content(tmp_path / "s") == expected([0, 1, 2])
    store = CodeStore.open(tmp_path / "s")
    assert (store.sample_rate, store.codec_hash) == (8000, "abc")
    assert (store.hop_lengths, store.codebook_sizes) == ((2, 4, 16), (512, 300, 64))
    assert store.num_frames(0).tolist() == [24, 32, 40]
    part = store.read(1, 2, 5, 7)
    assert part.dtype == np.int64
    assert part.tolist() == song(2)[1][1][5:12].tolist()
    with pytest.raises(ValueError, match="outside a track of 20"):
        store.read(1, 2, 15, 6)


def test_shards_of_several_writers_are_one_store(tmp_path):
    write(tmp_path / "one", range(6))
    writers = [CodeStoreWriter(tmp_path / "two", shard=k, num_shards=2, **SETTINGS) for k in (0, 1)]
    for number in (5, 0, 3, 4, 1, 2):
        writers[number % 2].append(*song(number))
    for writer in writers:
        writer.close()
    assert content(tmp_path / "two") == content(tmp_path / "one") == expected(range(6))


def test_a_resume_with_other_processes_makes_only_what_is_missing(tmp_path):
    for shard in (0, 1):
        write(tmp_path / "s", range(shard, 4, 2), shard=shard, num_shards=2)
    with CodeStoreWriter(tmp_path / "s", resume=True, **SETTINGS) as writer:
        assert writer.done == {(song(n)[0].path, song(n)[0].sha256) for n in range(4)}
    write(tmp_path / "s", range(6), resume=True)
    assert content(tmp_path / "s") == expected(range(6))


def test_a_kill_at_any_byte_loses_at_most_the_song_in_work(tmp_path):
    write(tmp_path / "whole", [0, 1, 2])
    write(tmp_path / "two", [0, 1])
    shard = "shard-0-of-1"
    names = ["level_0.u16", "level_1.u16", "level_2.u16", "index.jsonl"]
    tails = {}
    for name in names:
        before = (tmp_path / "two" / shard / name).read_bytes()
        after = (tmp_path / "whole" / shard / name).read_bytes()
        assert after.startswith(before)
        tails[name] = after[len(before) :]
    # The writer appends in this order, so a kill leaves a prefix of it.
    order = [(name, end) for name in names for end in range(len(tails[name]) + 1)]
    for name, end in order[::7] + order[-2:]:
        folder = tmp_path / "cut"
        shutil.copytree(tmp_path / "two", folder)
        for written in names[: names.index(name) + 1]:
            tail = tails[written][: end if written == name else None]
            with (folder / shard / written).open("ab") as file:
                file.write(tail)
        is_whole = (name, end) == order[-1]
        assert content(folder) == expected([0, 1, 2] if is_whole else [0, 1])
        write(folder, [0, 1, 2, 3], resume=True)
        assert content(folder) == expected([0, 1, 2, 3])
        for level, ratio in enumerate(RATIOS):
            size = (folder / shard / f"level_{level}.u16").stat().st_size
            assert size == 2 * ratio * (3 + 4 + 5 + 6)
        shutil.rmtree(folder)


def test_an_existing_store_is_not_written_without_resume(tmp_path):
    write(tmp_path / "s", [0], num_shards=2)
    for options in ({"num_shards": 2}, {"num_shards": 1}, {"num_shards": 3, "shard": 2}):
        with pytest.raises(UserError, match="holds codes already; go on with --resume"):
            write(tmp_path / "s", [1], **options)
    write(tmp_path / "s", [1], num_shards=2, shard=1)
    assert content(tmp_path / "s") == expected([0, 1])


def test_a_resume_with_another_codec_or_rate_is_refused(tmp_path):
    write(tmp_path / "s", [0])
    with pytest.raises(UserError, match="made by codec abc, the model's codec is xyz"):
        write(tmp_path / "s", [1], resume=True, codec_hash="xyz")
    with pytest.raises(UserError, match="was made with sample_rate 8000, not 44100"):
        write(tmp_path / "s", [1], resume=True, sample_rate=44100)
    assert content(tmp_path / "s") == expected([0])


def test_reading_with_another_codec_is_refused(tmp_path):
    write(tmp_path / "s", [0])
    with pytest.raises(UserError) as error:
        CodeStore.open(tmp_path / "s", "xyz")
    assert str(error.value) == (
        f"{tmp_path / 's'}: these codes were made by codec abc, the model's codec is xyz; encode "
        "the songs into a new folder, or use the model that made them"
    )


def test_a_truncated_code_file_is_named(tmp_path):
    write(tmp_path / "s", [0, 1])
    path = tmp_path / "s/shard-0-of-1/level_1.u16"
    path.write_bytes(path.read_bytes()[:-1])
    for action in (
        lambda: CodeStore.open(tmp_path / "s"),
        lambda: write(tmp_path / "s", [2], resume=True),
    ):
        with pytest.raises(UserError, match=r"level_1.u16: truncated: the index needs 56 bytes"):
            action()
    path.unlink()
    with pytest.raises(UserError, match=r"level_1.u16: truncated: .* the file has 0"):
        CodeStore.open(tmp_path / "s")


def test_altered_codes_are_found_by_the_check(tmp_path):
    write(tmp_path / "s", [0, 1])
    path = tmp_path / "s/shard-0-of-1/level_2.u16"
    altered = bytearray(path.read_bytes())
    altered[-2] ^= 1
    path.write_bytes(altered)
    store = CodeStore.open(tmp_path / "s")
    with pytest.raises(UserError, match=r"the codes of songs/01.wav are damaged"):
        store.check()


def test_a_damaged_index_line_is_named(tmp_path):
    write(tmp_path / "s", [0, 1])
    path = tmp_path / "s/shard-0-of-1/index.jsonl"
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(UserError, match=r"index.jsonl:1: damaged index"):
        CodeStore.open(tmp_path / "s")


def test_a_file_that_changed_is_encoded_again_and_replaces_its_old_codes(tmp_path):
    write(tmp_path / "s", [0, 1], num_shards=2)
    new, codes = song(7)
    new = new.model_copy(update={"path": song(0)[0].path})
    with CodeStoreWriter(tmp_path / "s", resume=True, **SETTINGS) as writer:
        assert (new.path, new.sha256) not in writer.done
        writer.append(new, codes)
    store = CodeStore.open(tmp_path / "s")
    assert store.tracks == (new, song(1)[0])
    assert store.read(2, 0, 0, 10).tolist() == codes[2].tolist()


def test_a_histogram_counts_the_codes_of_a_split(tmp_path):
    track, codes = song(0)
    other, other_codes = song(1)
    with CodeStoreWriter(tmp_path / "s", **SETTINGS) as writer:
        writer.append(track, codes)
        writer.append(other.model_copy(update={"split": "validation"}), other_codes)
    store = CodeStore.open(tmp_path / "s")
    assert store.histogram(1, "train").tolist() == np.bincount(codes[1], minlength=300).tolist()
    both = np.concatenate([codes[2], other_codes[2]])
    assert store.histogram(2).tolist() == np.bincount(both, minlength=64).tolist()
    assert store.splits == ("train", "validation")


def test_a_store_travels_to_worker_processes_without_its_codes(tmp_path):
    write(tmp_path / "s", [0, 1])
    store = CodeStore.open(tmp_path / "s")
    store.read(0, 0, 0, 4)
    copy = pickle.loads(pickle.dumps(store))
    assert copy._maps == {}
    assert copy.read(0, 1, 3, 9).tolist() == store.read(0, 1, 3, 9).tolist()


def test_wrong_codes_are_refused_before_anything_is_written(tmp_path):
    track, codes = song(0)
    with CodeStoreWriter(tmp_path / "s", **SETTINGS) as writer:
        with pytest.raises(ValueError, match="got 2 levels, expected 3"):
            writer.append(track, codes[:2])
        with pytest.raises(ValueError, match="expected"):
            writer.append(track, [codes[0][:-1], *codes[1:]])
        with pytest.raises(ValueError, match=r"level 2: codes outside \[0, 64\)"):
            writer.append(track, [*codes[:2], codes[2] + 64])
        with pytest.raises(UserError, match=r"songs/00.wav: too short for one code"):
            writer.append(track, [level[:0] for level in codes])
        writer.append(track, codes)
    assert content(tmp_path / "s") == expected([0])


def test_missing_empty_and_newer_stores_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no code store there"):
        CodeStore.open(tmp_path / "s")
    write(tmp_path / "s", [])
    with pytest.raises(UserError, match="holds no finished song"):
        CodeStore.open(tmp_path / "s")
    path = tmp_path / "s/store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    with pytest.raises(UserError, match="format 2, this version reads 1; update audiogen"):
        CodeStore.open(tmp_path / "s")
