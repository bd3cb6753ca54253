"""The album's cards: a weak classifier's features on the face, its rule, its votes."""

import base64
import html
from typing import Optional

import cv2
import numpy as np

from cvbaseline.album.feature_drawing import bits_of_codes, haar_shapes, lbp_shapes
from cvbaseline.album.stage_rates import NodeTests, examine_nodes, tree_votes
from cvbaseline.cascade import Cascade, LbpFeatures, Stage

MOST_VOTES = 2000  # positives whose votes are counted


def render_cards(
    cascade: Cascade,
    stage: Stage,
    face: np.ndarray,
    positives: Optional[np.ndarray],
    negatives: Optional[np.ndarray],
) -> list[str]:
    """A stage's weak classifiers, one card for each tree.

    Parameters
    ----------
    face : uint8 (height, width), what the features are drawn on
    positives, negatives : uint8 (n, height, width), samples whose votes are counted
    """
    trees = stage.trees
    tests: dict[str, NodeTests] = {"face": examine_nodes(cascade, trees, face[None])}
    if positives is not None:
        every = max(1, len(positives) // MOST_VOTES)
        tests["p"] = examine_nodes(cascade, trees, positives[::every])
    if negatives is not None and len(negatives):
        tests["n"] = examine_nodes(cascade, trees, negatives)
    votes = {kind: tree_votes(trees, test.goes_left) for kind, test in tests.items()}
    return [_card(cascade, stage, tree, tests, votes) for tree in range(trees.count)]


def _card(
    cascade: Cascade,
    stage: Stage,
    tree: int,
    tests: dict[str, NodeTests],
    votes: dict[str, np.ndarray],
) -> str:
    """A tree: the features of its nodes, its votes and how they fall."""
    trees = stage.trees
    root, end = int(trees.first_node[tree]), int(trees.first_node[tree + 1])
    leaves = trees.leaf[root + tree : end + tree + 1]
    middle = (leaves.min() + leaves.max()) / 2
    drawings = "".join(_node(cascade, stage, tree, node, tests) for node in range(root, end))
    bars = "".join(
        f'<i class="{kind}" style="--v:{share:.1%}"></i><u>{share:.0%}</u>'
        for kind in ("p", "n")
        if kind in votes
        for share in [float((votes[kind][tree] > middle).mean())]
    )
    many = f"&nbsp;· {end - root} nodes" if end - root > 1 else ""
    return (
        f'<figure><div class="nodes">{drawings}</div><figcaption><p><b>{tree}</b>{many}'
        f"<span>{leaves.max():+.3g} / {leaves.min():+.3g}</span></p>"
        f'<div class="bars">{bars}</div></figcaption></figure>'
    )


def _node(cascade: Cascade, stage: Stage, tree: int, node: int, tests: dict[str, NodeTests]) -> str:
    """A node's feature on the face, with its rule."""
    trees = stage.trees
    feature = int(trees.feature[node])
    left, right = _best_leaves(stage, tree, node)
    if isinstance(cascade.features, LbpFeatures):
        goes_left = np.unpackbits(
            trees.subset[node].astype("<i4").view(np.uint8), bitorder="little"
        ).astype(bool)
        good = goes_left if left > right else ~goes_left
        codes = tests["p"].codes[node] if "p" in tests else np.flatnonzero(good)
        shapes = lbp_shapes(cascade.features.cells[feature], bits_of_codes(codes))
        face_code = int(tests["face"].codes[node, 0])
        said = "for" if good[face_code] else "against"
        rule = f'<img src="{_code_uri(good)}" alt="table of codes"> {int(good.sum())}/256'
        about = f"feature {feature}; the face drawn has code {face_code:08b}, which votes {said}"
    else:
        shapes = haar_shapes(cascade.features, feature)
        sign = "&lt;" if left > right else "≥"
        rule = f'<b class="o">▮</b>−<b class="b">▮</b> {sign} {trees.threshold[node]:.3g}'
        rects = "; ".join(
            f"{weight:+g} × ({', '.join(map(str, rect))})"
            for rect, weight in zip(
                cascade.features.rects[feature].tolist(), cascade.features.weights[feature].tolist()
            )
            if weight
        )
        tilted = "tilted " if cascade.features.tilted[feature] else ""
        about = f"feature {feature}: {tilted}rectangles x, y, width, height {rects}"
    way = _branch(stage, tree, node)
    mark = f"<em>{way}</em>" if way else ""
    return (
        f'<div title="{html.escape(about)}">{draw(cascade, shapes, about)}'
        f'<small class="rule">{mark}{rule}</small></div>'
    )


def _best_leaves(stage: Stage, tree: int, node: int) -> tuple[float, float]:
    """The highest leaf that can be reached to the left and to the right of a node."""
    trees = stage.trees
    root = int(trees.first_node[tree])

    def best(child: int) -> float:
        if child <= 0:
            return float(trees.leaf[root + tree - child])
        below = root + child
        return max(best(int(trees.left[below])), best(int(trees.right[below])))

    return best(int(trees.left[node])), best(int(trees.right[node]))


def _branch(stage: Stage, tree: int, node: int) -> str:
    """The way from a tree's root to a node as arrows; nothing for the root."""
    trees = stage.trees
    root, place, way = int(trees.first_node[tree]), node - int(trees.first_node[tree]), ""
    while place > 0:
        for parent in range(root, root + place):
            if place in (trees.left[parent], trees.right[parent]):
                way = ("↙" if trees.left[parent] == place else "↘") + way
                place = parent - root
                break
    return way


def draw(cascade: Cascade, shapes: str, label: str) -> str:
    """The face, which the page holds as #face, with shapes over it, as SVG."""
    return (
        f'<svg viewBox="0 0 {cascade.width} {cascade.height}" role="img" '
        f'aria-label="{html.escape(label)}"><use href="#face"/>{shapes}</svg>'
    )


def _code_uri(good: np.ndarray) -> str:
    """The table of codes: 16 x 16 pixels, orange where a code speaks for the object."""
    pixels = np.where(good.reshape(16, 16, 1), (0, 140, 255), (150, 110, 60)).astype(np.uint8)
    return png_uri(pixels)


def png_uri(pixels: np.ndarray) -> str:
    """A picture (blue, green, red, perhaps alpha) as a data URI."""
    data = cv2.imencode(".png", pixels)[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
