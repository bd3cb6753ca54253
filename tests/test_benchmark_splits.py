"""Splits and the leak check: no group on both sides, every copy in training is found."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_faces import mood_faces

from cvbaseline.benchmarking.leaks import describe_leaks, drop_leaks, find_leak, refuse_leaks
from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.benchmarking.reading import read_both, training_only
from cvbaseline.benchmarking.splits import (
    Split,
    cross_validation,
    given_split,
    parse_cv,
    training_subset,
    without_missed,
)
from cvbaseline.datasets import LabelledFaces
from cvbaseline.duplicates import cluster_copies, content_keys, find_copies
from cvbaseline.errors import UserError
from cvbaseline.images import write_picture

GROUPED = st.integers(2, 12).flatmap(
    lambda groups: st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, groups - 1)), min_size=8, max_size=60
    )
)


@given(faces=GROUPED, folds=st.integers(2, 6), repeats=st.integers(1, 3), seed=st.integers(0, 99))
def test_no_group_is_on_both_sides_and_every_face_is_tested_once_a_repeat(
    faces, folds, repeats, seed
):
    labels = np.array([label for label, _ in faces])
    groups = [f"group {group}" for _, group in faces]
    if len(set(groups)) < 2 or np.bincount(labels).max() < 2:
        with pytest.raises(UserError, match="too few"):
            cross_validation(labels, groups, folds, repeats, seed)
        return
    splits = cross_validation(labels, groups, folds, repeats, seed)
    for split in splits:
        assert not {groups[i] for i in split.train} & {groups[i] for i in split.test}
        assert sorted([*split.train, *split.test]) == list(range(len(labels)))
    for repeat in range(repeats):
        tested = np.concatenate([split.test for split in splits if split.repeat == repeat])
        assert sorted(tested) == list(range(len(labels)))


def test_repeats_differ_and_seeds_decide():
    labels = np.repeat([0, 1], 30)
    splits = cross_validation(labels, None, 3, 2, seed=5)
    again = cross_validation(labels, None, 3, 2, seed=5)
    assert len(splits) == 6 and len({split.name for split in splits}) == 6
    assert all(np.array_equal(a.test, b.test) for a, b in zip(splits, again))
    assert not np.array_equal(splits[0].test, splits[3].test)
    for split in splits:
        assert np.bincount(labels[split.test]).tolist() == [10, 10]


def test_folds_within_a_part_use_nothing_else():
    labels, within = np.tile([0, 1], 20), np.arange(4, 24)
    splits = cross_validation(labels, None, 2, 1, 0, within)
    assert sorted(np.concatenate([split.test for split in splits])) == list(within)
    assert all(np.isin(split.train, within).all() for split in splits)


@pytest.mark.parametrize(("text", "expected"), [("5x2", (5, 2)), ("10", (10, 1))])
def test_cv_words(text, expected):
    assert parse_cv(text) == expected


@pytest.mark.parametrize("text", ["", "x", "1x5", "5x0", "5x2x2", "-5", "101", "five"])
def test_cv_words_that_are_none(text):
    with pytest.raises(UserError, match="expected FOLDSxREPEATS"):
        parse_cv(text)


def test_given_splits():
    split = given_split(["Training", "PrivateTest", "Training", "PublicTest"], "PublicTest")
    assert (split.train.tolist(), split.test.tolist()) == ([0, 2], [3])
    assert given_split(["val", "train", "test"], None).test.tolist() == [2]
    with pytest.raises(UserError, match="name the one to test with --test PART"):
        given_split(["Training", "PrivateTest", "PublicTest"], None)
    with pytest.raises(UserError, match="no such part .*parts are test"):
        given_split(["train", "test"], "other")
    with pytest.raises(UserError, match="none of the parts a, b is named train"):
        given_split(["a", "b"], None)


def test_split_data_without_a_training_part_are_refused():
    data = LabelledFaces(
        np.zeros((2, 4, 4), np.uint8), np.array([0, 1]), ("a", "b"), ("1", "2"), None, (),
        parts=("PublicTest", "val"),
    )  # fmt: skip
    with pytest.raises(UserError, match="none of the parts PublicTest, val is named train"):
        training_only(data)


def test_missed_faces_are_tested_and_not_learnt_from():
    split = Split("fold 1", 0, np.array([0, 1, 2]), np.array([3, 4]))
    found = np.array([True, False, True, False, True])
    (kept,) = without_missed([split], found)
    assert kept.train.tolist() == [0, 2] and kept.test.tolist() == [3, 4]


@given(faces=GROUPED, seed=st.integers(0, 99), grouped=st.booleans())
def test_training_subsets_are_nested_and_near_their_size(faces, seed, grouped):
    labels = np.array([label for label, _ in faces])
    groups = [str(group) for _, group in faces] if grouped else None
    train, smaller = np.arange(len(faces)), np.zeros(0, int)
    for fraction in (0.125, 0.25, 0.5, 1.0):
        subset = training_subset(labels, groups, train, fraction, seed)
        assert np.isin(smaller, subset).all()
        if grouped:  # groups are whole
            inside = {groups[i] for i in subset}
            assert sorted(subset) == [i for i in train if groups[i] in inside]
            assert len(subset) >= fraction * len(train) - 1e-6
        else:
            taken, there = (np.bincount(part, minlength=3) for part in (labels[subset], labels))
            assert np.all(np.abs(taken - fraction * there) < 1)
        smaller = subset
    assert len(smaller) == len(train)


def copies_of(face):
    """A face's near copies: brighter, compressed, shifted by a pixel, mirrored."""
    matrix = np.float32([[1, 0, 1], [0, 1, 1]])
    shifted = cv2.warpAffine(face, matrix, face.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0)
    brighter = np.clip(face * 0.8 + 40, 0, 255).astype(np.uint8)
    return [brighter, jpeg, shifted, np.ascontiguousarray(face[:, ::-1])]


def distinct_pictures(count, side=64):
    """Smooth random pictures, which no one takes for each other."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 900, (count, side, side))
    return np.stack([
        np.clip(128 + cv2.GaussianBlur(picture, (0, 0), 5), 0, 255) for picture in noise
    ]).astype(np.uint8)  # fmt: skip


def test_near_copies_are_found_and_others_are_not():
    pictures = distinct_pictures(30)
    faces = np.concatenate([pictures, copies_of(pictures[7]), pictures[[2, 2]]])
    copies = find_copies(faces)
    assert {tuple(pair) for pair in copies.pairs[copies.exact].tolist()} == {(2, 34), (2, 35)}
    clusters = cluster_copies(copies, len(faces))
    of_seven = np.flatnonzero(clusters == clusters[7]).tolist()
    assert of_seven == [7, 30, 31, 32, 33]
    assert len(np.unique(clusters)) == 30


def test_flat_faces_are_copies_only_when_equal():
    faces = np.stack([np.full((32, 32), value, np.uint8) for value in (0, 90, 90, 200)])
    copies = find_copies(faces)
    assert copies.pairs.tolist() == [[1, 2]] and copies.exact.tolist() == [True]


def test_the_leak_check_counts_refuses_and_drops():
    faces = distinct_pictures(20)
    faces[15] = faces[3]  # tested and learnt from
    faces[16] = copies_of(faces[4])[1]
    keys = content_keys(faces)
    clusters = cluster_copies(find_copies(faces), len(faces))
    split = Split("test", 0, np.arange(12), np.arange(12, 20))
    leak = find_leak(split, keys, clusters)
    assert (leak.exact.tolist(), leak.near.tolist()) == ([15], [16])
    (line,) = describe_leaks([split], [leak])
    assert line.endswith("in training as well: 2 of 8 (1 as they are, 1 as near copies)")
    with pytest.raises(UserError, match="test pictures .* 2 of 8 .*--drop-leaks"):
        refuse_leaks([split], [leak])
    clean = drop_leaks(split, clusters)
    assert clean.train.tolist() == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    assert find_leak(clean, keys, clusters).all.size == 0
    refuse_leaks([split], [leak._replace(exact=leak.exact[:0])])  # near copies alone pass


def test_copies_are_grouped_across_data_and_test_data(tmp_path):
    pictures = distinct_pictures(8)
    for folder, numbers in (("a", range(4)), ("b", range(3, 8))):  # both have the fourth
        for number in numbers:
            path = tmp_path / folder / f"class {number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, pictures[number])
    options = BenchmarkOptions(
        data=tmp_path / "a", test=str(tmp_path / "b"), group_by="near-duplicates"
    )
    data = read_both(options)
    groups = {part: set() for part in ("train", "test")}
    for part, group in zip(data.parts, data.groups):
        groups[part].add(group)
    assert (len(groups["train"]), len(groups["test"])) == (4, 5)
    assert len(groups["train"] & groups["test"]) == 1


def test_groups_on_both_sides_are_counted():
    faces, _ = mood_faces(2)
    split = Split("test", 0, np.arange(3), np.arange(3, 6))
    keys = np.arange(6)
    leak = find_leak(split, keys, keys, ["a", "b", "c", "a", "b", "d"])
    assert leak.groups == 2 and leak.all.size == 0
    assert describe_leaks([split], [leak]) == ["groups on both sides of the split: 2"]


def test_faces_of_different_moods_are_no_copies_of_noise():
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (200, 48, 48)).astype(np.uint8)
    assert len(find_copies(faces).pairs) == 0
