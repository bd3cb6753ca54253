"""Matching and measures of detections: by hand, against naive twins and scikit-learn."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from cvbaseline.detection_metrics import (
    Matches,
    average_precision,
    counts_at,
    curve,
    join,
    match,
    match_boxes,
    recall_at,
)

TRUTH = np.array([[0, 0, 10, 10], [20, 0, 10, 10]])


def matches(scores, correct, faces, pictures=1):
    return Matches(np.array(scores, float), np.array(correct, bool), faces, pictures)


def test_each_detection_takes_a_truth_of_its_own():
    boxes = [[0, 0, 10, 10], [1, 0, 10, 10], [21, 1, 10, 10], [50, 50, 5, 5]]
    taken = match_boxes(np.array(boxes), [0.5, 0.9, 0.3, 0.7], TRUTH)
    # The better one takes the first face, although the other fits exactly.
    assert taken.tolist() == [-1, 0, 1, -1]


def test_the_second_best_truth_when_the_best_is_taken():
    truth = np.array([[0, 0, 10, 10], [2, 0, 10, 10]])
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10]])
    assert match_boxes(boxes, [2, 1], truth).tolist() == [0, 1]
    assert match_boxes(boxes, [1, 2], truth).tolist() == [1, 0]


def test_least_overlap_counts_as_enough():
    half = np.array([[0, 0, 10, 5]])
    assert match_boxes(half, [1], TRUTH, min_iou=0.5).tolist() == [0]
    assert match_boxes(half, [1], TRUTH, min_iou=0.51).tolist() == [-1]


def test_regions_to_ignore():
    ignore = np.array([[40, 0, 20, 20], [0, 0, 10, 10]])
    boxes = np.array([[40, 0, 4, 4], [35, 0, 10, 10], [34, 0, 10, 10], [0, 0, 10, 10]])
    # Within it, half in it, less than half in it; and a face in it is a face all the same.
    assert match_boxes(boxes, [4, 3, 2, 1], TRUTH, ignore).tolist() == [-2, -2, -1, 0]
    found = match(boxes, [4, 3, 2, 1], TRUTH, ignore)
    assert found.scores.tolist() == [2, 1] and found.correct.tolist() == [False, True]
    assert found.faces == 2


def test_curve_by_hand():
    parts = [
        matches([0.9, 0.8, 0.4], [True, False, True], faces=3),
        matches([0.7, 0.6], [True, False], faces=1),
    ]
    points = curve(join(parts))
    assert points.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6, 0.4]
    assert points.recall.tolist() == [1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4]
    assert points.precision.tolist() == [1, 1 / 2, 2 / 3, 2 / 4, 3 / 5]
    assert points.f1 == pytest.approx([2 / 5, 2 / 6, 4 / 7, 4 / 8, 6 / 9])
    assert points.false_per_picture.tolist() == [0, 1 / 2, 1 / 2, 1, 1]


def test_average_precision_by_hand():
    points = matches([5, 4, 3, 2], [True, False, True, False], faces=3)
    # Recall 1/3 at precision 1, 2/3 at 2/3; the third face is never found.
    assert average_precision(points) == pytest.approx((1 + 2 / 3) / 3)


def test_equal_scores_count_together():
    points = curve(matches([2, 1, 1, 1], [True, False, True, False], faces=2))
    assert points.thresholds.tolist() == [2, 1]
    assert points.recall.tolist() == [0.5, 1] and points.precision.tolist() == [1, 0.5]


def test_recall_at_a_rate_of_false_boxes():
    points = matches([5, 4, 3, 2, 1], [True, False, True, False, True], faces=4, pictures=2)
    assert recall_at(points, 0) == 0.25
    assert recall_at(points, 0.5) == 0.5
    assert recall_at(points, 1) == 0.75
    assert recall_at(matches([1], [False], 1), 0.5) == 0


def test_counts_at_a_threshold():
    points = matches([5, 4, 3], [True, False, True], faces=4)
    assert counts_at(points, 4) == (1, 1, 3)
    assert counts_at(points) == (2, 1, 2)


def test_nothing_found_and_nothing_to_find():
    empty = match(np.zeros((0, 4)), [], np.zeros((0, 4)))
    assert len(curve(empty).recall) == 0 and average_precision(empty) == 0
    missed = match(np.zeros((0, 4)), [], TRUTH)
    assert average_precision(missed) == 0 and counts_at(missed) == (0, 0, 2)
    false = match(TRUTH, [1, 2], np.zeros((0, 4)))
    assert counts_at(false) == (0, 2, 0) and curve(false).recall.tolist() == [0, 0]
    assert join([]).faces == 0 and join([]).pictures == 0


def test_boxes_and_scores_must_agree():
    with pytest.raises(ValueError, match="2 boxes but 1 scores"):
        match_boxes(TRUTH, [1.0], TRUTH)


BOX = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12))


@given(
    st.lists(st.tuples(BOX, st.integers(0, 4)), max_size=8),
    st.lists(BOX, max_size=5),
    st.lists(BOX, max_size=2),
    st.sampled_from([0.1, 0.3, 0.5, 0.75]),
)
def test_as_the_naive_twin(detections, truth, ignore, min_iou):
    boxes, scores = [box for box, _ in detections], [score for _, score in detections]
    expected = naive.matched_truth(boxes, scores, truth, ignore, min_iou)
    words = {"false": -1, "ignored": -2}
    taken = match_boxes(boxes, scores, truth, ignore, min_iou)
    assert taken.tolist() == [words.get(answer, answer) for answer in expected]
    found = match(boxes, scores, truth, ignore, min_iou)
    scored = [(s, a != "false") for s, a in zip(scores, expected) if a != "ignored"]
    assert average_precision(found) == pytest.approx(naive.average_precision(scored, len(truth)))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=30))
def test_curve_is_scikit_learns_where_every_face_is_found(scored):
    scores, correct = np.array([s for s, _ in scored]), np.array([c for _, c in scored])
    order = np.argsort(-scores, kind="stable")
    faces = max(int(correct.sum()), 1)
    points = curve(Matches(scores[order].astype(float), correct[order], faces))
    if correct.any():
        precision, recall, thresholds = precision_recall_curve(correct, scores)
        assert points.thresholds.tolist() == thresholds[::-1].tolist()
        assert points.precision == pytest.approx(precision[-2::-1])
        assert points.recall == pytest.approx(recall[-2::-1])
    both = points.precision + points.recall
    harmonic = np.divide(2 * points.precision * points.recall, both, where=both > 0, out=0 * both)
    assert points.f1 == pytest.approx(harmonic)


def test_callers_arrays_stay_as_they_are():
    boxes, scores, truth = TRUTH.copy(), np.array([1.0, 2.0]), TRUTH.copy()
    match(boxes, scores, truth)
    assert np.array_equal(boxes, TRUTH) and np.array_equal(truth, TRUTH)
    assert scores.tolist() == [1, 2]
