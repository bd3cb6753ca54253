"""Measures of detectors: by hand, against naive twins, and their intervals against scipy."""

from pathlib import Path

import naive
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.bootstrap import Estimate
from cvbaseline.bootstrap import (
    BOOTSTRAP_ROUNDS,
    draws,
    estimated_share,
    percentile_interval,
)
from cvbaseline.boxes import as_boxes
from cvbaseline.detection import CountedDetections
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture
from cvbaseline.detector_quality.measures import MEASURES, difference, measure_detector, written
from cvbaseline.detector_quality.searching import SearchedPicture, short_names

FACE = (10, 10, 40, 40)


def searched(
    faces, found, candidates=None, ignore=(), milliseconds=10.0, size=(1000, 500), group=None
):
    """A picture; boxes as [(box, score), ...]."""

    def detections(scored):
        counts = np.ones(len(scored), np.int32)
        scores = np.array([score for _, score in scored])
        return CountedDetections(as_boxes([box for box, _ in scored]), scores, counts)

    picture = AnnotatedPicture(Path("a.png"), as_boxes(faces), as_boxes(list(ignore)), group)
    candidates = found if candidates is None else candidates
    found, candidates = detections(found).above(0), detections(candidates)
    return SearchedPicture(picture, size, found, candidates, milliseconds)


def values(quality):
    return {name: estimate.value for name, estimate in quality.estimates.items()}


def test_measures_by_hand():
    moved = (14, 10, 40, 40)  # IoU 36 * 40 / (44 * 40) = .82
    half = (30, 10, 40, 40)  # IoU 20 * 40 / (60 * 40) = .33
    far = (300, 300, 30, 30)
    pictures = [
        searched([FACE], [(moved, 9.0)], [(moved, 9.0), (far, 2.0)], milliseconds=10),
        searched([FACE], [(half, 5.0), (far, 4.0)], milliseconds=20),
        searched([FACE, far], [(far, 3.0)], ignore=[(500, 0, 50, 50)], milliseconds=30),
        searched([], [((505, 5, 20, 20), 8.0)], ignore=[(500, 0, 50, 50)], milliseconds=40),
    ]
    quality = measure_detector(pictures, 0.3, rounds=5)
    # Found: moved, half, far in the third; false: far in the second; the last one is ignored.
    assert quality.counts == (3, 1, 1)
    got = values(quality)
    assert got["recall"] == 3 / 4 and got["precision"] == 3 / 4 and got["f1"] == 3 / 4
    assert got["false_per_picture"] == 1 / 4
    # By score: moved and half are right, far (4) is not, far (3) is, far (2) is not.
    assert got["ap_30"] == pytest.approx(1 / 4 + 1 / 4 + 3 / 4 / 4)
    assert got["recall_at_0.1"] == 2 / 4 and got["recall_at_0.3"] == 3 / 4
    # At IoU .5 half is a false box: right are the scores 9 and 3, wrong 5, 4 and 2.
    assert got["ap_50"] == pytest.approx(1 / 4 + 2 / 4 / 4)
    assert got["best_f1"] == pytest.approx(2 * 3 / (4 + 4)) and quality.best_threshold == 3.0
    assert got["milliseconds"] == 25.0
    assert got["megapixels_per_second"] == pytest.approx(4 * 0.5 / 0.1)
    assert [(size.low, size.faces, size.found) for size in quality.sizes] == [(0, 1, 1), (32, 3, 2)]


def test_nothing_found_and_nothing_there():
    got = values(measure_detector([searched([FACE], [])], 0.3, rounds=5))
    assert got["recall"] == got["f1"] == got["ap_30"] == got["best_f1"] == 0
    assert np.isnan(got["precision"]) and written(got["precision"], 3) == "–"
    quality = measure_detector([searched([], [(FACE, 1.0)])], 0.3, rounds=5)
    got = values(quality)
    assert got["false_per_picture"] == 1 and got["precision"] == 0 and quality.sizes == []
    assert all(np.isnan(got[name]) for name in ("recall", "f1", "ap_50", "recall_at_1", "best_f1"))


boxes = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(8, 30)] * 2)
scored = st.lists(st.tuples(boxes, st.integers(1, 5).map(float)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(boxes, max_size=3), scored), min_size=1, max_size=4))
def test_measures_are_the_naive_ones(drawn):
    pictures = [searched(faces, found) for faces, found in drawn]
    got = values(measure_detector(pictures, 0.4, rounds=2))
    faces = sum(len(picture) for picture, _ in drawn)
    for overlap, name in ((0.3, "ap_30"), (0.5, "ap_50")):
        expected = naive.average_precision(answers(drawn, overlap), faces) if faces else np.nan
        assert got[name] == pytest.approx(expected, nan_ok=True)
    judged = answers(drawn, 0.4)
    right, wrong = sum(ok for _, ok in judged), sum(not ok for _, ok in judged)
    assert got["recall"] == pytest.approx(right / faces if faces else np.nan, nan_ok=True)
    assert got["false_per_picture"] == pytest.approx(wrong / len(drawn))
    for rate in (0.1, 0.3, 1.0):
        best = 0.0 if faces else np.nan
        for threshold in {score for score, _ in judged}:
            kept = [ok for score, ok in judged if score >= threshold]
            if kept.count(False) / len(drawn) <= rate:
                best = max(best, kept.count(True) / faces) if faces else best
        assert got[f"recall_at_{rate:g}"] == pytest.approx(best, nan_ok=True)


def answers(drawn, overlap):
    """(score, whether it is a face) of every detection of all pictures."""
    judged = []
    for faces, found in drawn:
        scores = [score for _, score in found]
        taken = naive.matched_truth([box for box, _ in found], scores, faces, [], overlap)
        judged += [(score, answer != "false") for score, answer in zip(scores, taken)]
    return judged


def random_pictures(rng, chances, count=60):
    """Pictures with one to three faces, found by each detector with its own chance."""
    detectors = [[] for _ in chances]
    for _ in range(count):
        faces = [(x * 60, 0, 40, 40) for x in range(int(rng.integers(1, 4)))]
        luck, false = rng.random(len(faces)), rng.random() < 0.3
        for detector, chance in zip(detectors, chances):
            lucky = [face for face, drawn in zip(faces, luck) if drawn < chance]
            found = [(face, 1 + float(rng.random())) for face in lucky]
            found += [((500, 100, 40, 40), float(rng.random()))] if false else []
            detector.append(searched(faces, found, milliseconds=float(rng.normal(20, 2))))
    return detectors


def test_paired_interval_is_scipys():
    first, second = random_pictures(np.random.default_rng(3), (0.6, 0.75))
    qualities = [measure_detector(one, 0.3) for one in (first, second)]
    found = [
        np.array([len(entry.found.boxes) - (entry.found.scores < 1).sum() for entry in one])
        for one in (first, second)
    ]
    faces = np.array([len(entry.picture.boxes) for entry in first])

    def recall_gained(a, b, faces, axis):
        return (b.sum(axis) - a.sum(axis)) / faces.sum(axis)

    theirs = scipy.stats.bootstrap(
        (*found, faces), recall_gained, paired=True, vectorized=True, method="percentile",
        n_resamples=4000, random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    estimate, verdict = difference(qualities[1], qualities[0], "recall")
    assert estimate.value == pytest.approx(recall_gained(*found, faces, 0))
    assert estimate.low == pytest.approx(theirs.low, abs=0.015)
    assert estimate.high == pytest.approx(theirs.high, abs=0.015)
    assert verdict == "better" and theirs.low > 0
    # Paired: narrower than that of two detectors on pictures of their own.
    alone = [quality.estimates["recall"] for quality in qualities]
    apart = np.hypot(*(one.high - one.low for one in alone))
    assert estimate.high - estimate.low < 0.75 * apart


def test_single_interval_is_scipys():
    [pictures] = random_pictures(np.random.default_rng(5), (0.7,))
    times = np.array([entry.milliseconds for entry in pictures])
    theirs = scipy.stats.bootstrap(
        (times,), np.mean, method="percentile", n_resamples=4000,
        random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    estimate = measure_detector(pictures, 0.3).estimates["milliseconds"]
    assert estimate.low == pytest.approx(theirs.low, abs=0.1)
    assert estimate.high == pytest.approx(theirs.high, abs=0.1)


def test_intervals_of_groups_by_hand():
    # Show A: 2 of 2 faces found, show B: 1 of 4, with a false box. Drawn whole, with the chances
    # 1/4, 1/2, 1/4: the recall is 2/2 (AA), 3/6 (AB) or 1/4 (BB), and so on.
    other, third, far = (100, 10, 40, 40), (200, 10, 40, 40), (300, 300, 40, 40)
    pictures = [
        searched([FACE], [(FACE, 3.0)], group="A", milliseconds=10),
        searched([FACE, other, third], [], group="B", milliseconds=60),
        searched([FACE], [(FACE, 4.0)], group="A", milliseconds=30),
        searched([FACE], [(FACE, 2.0), (far, 5.0)], group="B", milliseconds=100),
    ]
    quality = measure_detector(pictures, 0.3)
    drawn = dict(zip(MEASURES, quality.samples.T))
    assert set(drawn["recall"]) == {1, 3 / 6, 1 / 4}
    assert set(drawn["precision"]) == {1, 3 / 4, 1 / 2}
    assert set(drawn["false_per_picture"]) == {0, 1 / 4, 2 / 4}
    assert set(drawn["milliseconds"]) == {20, 50, 80}
    assert np.mean(drawn["recall"] == 3 / 6) == pytest.approx(1 / 2, abs=0.05)
    assert quality.estimates["recall"] == (3 / 6, 1 / 4, 1)
    assert quality.estimates["milliseconds"] == (50, 20, 80)
    assert (quality.sizes[0].recall.low, quality.sizes[0].recall.high) == (1 / 4, 1)
    alone = [one._replace(picture=one.picture._replace(group=None)) for one in pictures]
    assert len(set(measure_detector(alone, 0.3).samples[:, 0])) > 3


def test_copies_in_groups_of_their_own_prove_nothing():
    [pictures] = random_pictures(np.random.default_rng(5), (0.7,))
    copies = [
        entry._replace(picture=entry.picture._replace(group=number))
        for number, entry in enumerate(pictures)
        for _ in range(4)
    ]
    one, four, careless = (
        measure_detector(entries, 0.3).estimates["recall"]
        for entries in (pictures, copies, pictures * 4)
    )
    assert four == pytest.approx(one)
    assert careless.high - careless.low == pytest.approx((one.high - one.low) / 2, rel=0.2)


def test_a_detector_does_not_differ_from_itself():
    [pictures] = random_pictures(np.random.default_rng(1), (0.6,), 20)
    one, two = measure_detector(pictures, 0.3), measure_detector(pictures, 0.3)
    for name in MEASURES:
        estimate, verdict = difference(one, two, name)
        assert (*estimate, verdict) == (0, 0, 0, "")


def test_less_is_better_for_false_boxes_and_time():
    fast = [searched([FACE], [(FACE, 2.0)], milliseconds=10 + i % 3) for i in range(12)]
    slow = [
        searched([FACE], [(FACE, 2.0), ((200, 200, 40, 40), 1.0)], milliseconds=20 + i % 3)
        for i in range(12)
    ]
    qualities = [measure_detector(one, 0.3) for one in (fast, slow)]
    for name in ("false_per_picture", "milliseconds", "precision", "megapixels_per_second"):
        assert difference(qualities[1], qualities[0], name).verdict == "worse"
        assert difference(qualities[0], qualities[1], name).verdict == "better"
    assert difference(qualities[1], qualities[0], "recall").verdict == ""


def test_tiny_differences_of_time_are_not_called():
    one, two = (
        measure_detector([searched([], [], milliseconds=time)] * 5, 0.3) for time in (100, 104)
    )
    estimate, verdict = difference(two, one, "milliseconds")
    assert estimate.low == 4 and verdict == ""


def test_draws_are_with_replacement_and_the_same_again():
    first, again = list(draws(7, 3)), list(draws(7, 3))
    assert all(drawn.sum() == 7 for drawn in first) and len(first) == BOOTSTRAP_ROUNDS
    assert all(map(np.array_equal, first, again))
    # A picture is left out of a draw with the chance (1 - 1/7)^7.
    assert np.mean([drawn[0] == 0 for drawn in first]) == pytest.approx((6 / 7) ** 7, abs=0.05)


def test_percentiles_leave_out_what_is_not_defined():
    samples = np.stack([np.arange(101.0), np.full(101, np.nan)], axis=1)
    samples[::2, 0] = np.nan
    low, high = percentile_interval(samples)
    assert (low[0], high[0]) == pytest.approx((1 + 98 * 0.025, 1 + 98 * 0.975))
    assert np.isnan(low[1]) and np.isnan(high[1])
    assert percentile_interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))


def test_names_tell_cascades_apart():
    assert short_names([Path("x/a.xml"), Path("y/b.xml")]) == ["a", "b"]
    assert short_names([Path("x/c.xml"), Path("y/c.xml")]) == ["x/c", "y/c"]
    assert short_names([Path("x/cascade.xml"), Path("y/b.xml")]) == ["x", "b"]
    assert len(set(short_names([Path("c.xml"), Path("c.xml")]))) == 2


def test_a_share_is_of_some_items_and_its_interval_of_whole_units():
    """Five pictures with two items each: in two of them both are wanted, in the others none."""
    units = np.repeat(np.arange(6), 2)
    some = units < 5  # those of the sixth do not count
    wanted = (units < 2) | (units == 5)
    share = estimated_share(wanted, some, units)
    assert share.value == pytest.approx(4 / 10)
    # Whole pictures are drawn: the share is k / 5 for binomial k, whose middle 95 % is 0 to 4.
    assert (share.low, share.high) == pytest.approx((0, 0.8))
    certain = estimated_share(some, some, units)
    assert certain == (1, 1, 1)


def test_what_is_not_defined_is_said_in_a_word():
    assert str(Estimate(float("nan"), float("nan"), float("nan"))) == "undefined"
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
