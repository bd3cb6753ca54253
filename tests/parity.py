"""The files that OpenCV 3.4.18's trainer made of our drawn samples (tests/data/parity/make.sh)."""

import re
from itertools import islice
from pathlib import Path
from typing import Iterator, NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np

FOLDER = Path(__file__).parent / "data" / "parity"
WIDTH, HEIGHT, WANTED = 14, 12, 300


class OldTree(NamedTuple):
    nodes: list[list[float]]  # left, right, feature, then a threshold or 8 words
    leaves: list[float]


class OldStage(NamedTuple):
    threshold: float
    trees: list[OldTree]


def stages() -> list[tuple[str, int]]:
    """All (run, stage) there are."""
    names = (path.stem.rpartition("_stage") for path in sorted(FOLDER.glob("*.xml")))
    return [(run, int(number)) for run, _, number in names]


def read_stage(run: str, stage: int) -> OldStage:
    root = ElementTree.parse(FOLDER / f"{run}_stage{stage}.xml").getroot()[0]
    per_node = 11 if run.startswith("LBP") else 4
    trees = []
    for item in root.find("weakClassifiers"):
        numbers = [float(word) for word in item.find("internalNodes").text.split()]
        nodes = [numbers[i : i + per_node] for i in range(0, len(numbers), per_node)]
        trees.append(OldTree(nodes, [float(w) for w in item.find("leafValues").text.split()]))
    return OldStage(float(root.find("stageThreshold").text), trees)


def read_log(run: str) -> list[list[tuple[int, float, float]]]:
    """Per stage: (trees, hit rate, false alarm rate) as the old trainer printed them."""
    stages = []
    for line in (FOLDER / f"{run}.log").read_text().splitlines():
        if line.startswith("POS"):
            stages.append([])
        elif line.startswith("|"):
            count, hits, alarms = re.findall(r"[\d.e-]+", line)
            stages[-1].append((int(count), float(hits), float(alarms)))
    return stages


def positives() -> np.ndarray:
    return cv2.imread(str(FOLDER / "positives.png"), 0).reshape(-1, HEIGHT, WIDTH)


def negatives() -> Iterator[np.ndarray]:
    """Windows in the old trainer's order: strips as high as a window have one scale only."""
    strips = [cv2.imread(str(path), 0) for path in sorted(FOLDER.glob("negatives_*.png"))]
    read = 0
    while True:
        strip = strips[read % len(strips)]
        read += 1
        x = read // len(strips) % (WIDTH * HEIGHT) % WIDTH
        while True:
            yield strip[:, x : x + WIDTH]
            if not int(x + 1.5 * WIDTH) < strip.shape[1]:
                break
            x += WIDTH // 2


def passes(stage: OldStage, windows: np.ndarray, values) -> np.ndarray:
    """bool (n,): windows that the stage lets through, by the old trainer's rule.

    values(feature, windows) gives a feature's values or codes.
    """
    sums = np.zeros(len(windows))
    for tree in stage.trees:
        at = np.zeros(len(windows), int)  # node, or -1 - leaf
        while (at >= 0).any():
            for place, node in enumerate(tree.nodes):
                here = np.flatnonzero(at == place)
                if len(here) == 0:
                    continue
                value = values(int(node[2]), windows[here])
                if len(node) == 4:
                    left = value <= np.float32(node[3])
                else:
                    words = np.array(node[3:]).astype(np.int64)
                    left = (words[value >> 5] >> (value & 31)) & 1 == 1
                child = np.where(left, int(node[0]), int(node[1]))
                at[here] = np.where(child > 0, child, child - 1)
        sums += np.array(tree.leaves)[-1 - at]
    return sums >= np.float32(stage.threshold) - np.float32(1e-5)


def samples(run: str, stage: int, values) -> tuple[np.ndarray, np.ndarray]:
    """The positives and negatives on which the old trainer trained a stage."""
    faces, windows = positives(), negatives()
    if stage == 0:
        return faces[:WANTED], np.stack(list(islice(windows, WANTED)))
    before = read_stage(run, 0)
    kept = faces[passes(before, faces, values)][:WANTED]
    list(islice(windows, WANTED))
    found = np.empty((0, HEIGHT, WIDTH), np.uint8)
    while len(found) < WANTED:
        more = np.stack(list(islice(windows, 1000)))
        found = np.concatenate([found, more[passes(before, more, values)]])
    return kept, found[:WANTED]
