from audiogen.data.manifest import Track
from audiogen.data.splits import same_recordings, with_splits


def track(number, **labels):
    return Track(path=f"{number}.wav", duration=1, sample_rate=8000, channels=1, **labels)


def test_copies_of_one_recording_go_together():
    tracks = [
        track(0, sha256="a", title="Song", artist="Mae"),
        track(1, sha256="b", title="song ", artist="MAE"),
        track(2, sha256="b"),
        track(3, title="Song"),
        track(4),
        track(5),
    ]
    assert same_recordings(tracks) == [[0, 1, 2], [3], [4], [5]]


def test_groups_that_meet_late_are_joined():
    tracks = [
        track(0, sha256="a"),
        track(1, title="T", artist="A"),
        track(2, sha256="a", title="T", artist="A"),
    ]
    assert same_recordings(tracks) == [[0, 1, 2]]


def test_about_a_tenth_is_held_out_by_song():
    tracks = [track(n, sha256=f"{n // 2:064x}") for n in range(800)]
    splits = {t.path: t.split for t in with_splits(tracks)}
    assert all(splits[f"{n}.wav"] == splits[f"{n + 1}.wav"] for n in range(0, 800, 2))
    held_out = sum(split == "validation" for split in splits.values())
    assert 40 <= held_out <= 130


def test_the_split_depends_neither_on_order_nor_on_paths():
    tracks = [track(n, sha256=f"{n:064x}") for n in range(40)]
    moved = [t.model_copy(update={"path": "new/" + t.path}) for t in reversed(tracks)]
    one = {t.sha256: t.split for t in with_splits(tracks)}
    assert one == {t.sha256: t.split for t in with_splits(moved)}


def test_two_songs_give_one_of_each_and_one_song_is_trained_on():
    for number in range(20):
        pair = with_splits([track(number), track(number + 100)])
        assert sorted(t.split for t in pair) == ["train", "validation"]
    assert with_splits([track(0)])[0].split == "train"
    assert with_splits([]) == ()


def test_splits_that_are_named_stay():
    tracks = (track(0, split="test"), track(1))
    assert with_splits(tracks) == tracks
