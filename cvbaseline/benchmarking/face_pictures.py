"""Pictures of what classifiers look at, and of their worst mistakes."""

import numpy as np

from cvbaseline.benchmarking.findings import Outcome
from cvbaseline.datasets import LabelledFaces
from cvbaseline.reports.blocks import Faces

CUT = 1  # per cent of the values that become black, and white
HOG_SIZE, HOG_CELL = 128, 16  # pixels of the picture that is drawn


def mistake_faces(outcome: Outcome, data: LabelledFaces) -> Faces:
    """The faces that were named wrongly with the most confidence."""
    captions = [
        f"{data.classes[data.labels[one.face]]}, named {data.classes[one.said]} "
        f"({one.probability:.0%})"
        for one in outcome.mistakes
    ]
    return Faces([data.faces[one.face] for one in outcome.mistakes], captions, width=112)


def direction_faces(directions: np.ndarray, size: int, name: str) -> Faces:
    """Rows of pixels, float32 (d, size * size), as pictures, each with its full contrast."""
    pictures = []
    for direction in directions:
        low, high = np.percentile(direction, [CUT, 100 - CUT])
        grey = np.clip((direction - low) / max(high - low, 1e-12), 0, 1) * 255
        pictures.append(np.rint(grey).astype(np.uint8).reshape(size, size))
    return Faces(pictures, [f"{name} {number}" for number in range(1, len(pictures) + 1)])


def mean_faces(data: LabelledFaces, indices: np.ndarray) -> np.ndarray:
    """The mean face of each class among some faces, float64 (k, size, size)."""
    labels = data.labels[indices]
    return np.stack([
        data.faces[indices[labels == number]].mean(axis=0)
        if (labels == number).any()
        else np.zeros(data.faces.shape[1:])
        for number in range(len(data.classes))
    ])  # fmt: skip


def hog_faces(data: LabelledFaces, indices: np.ndarray, most: int = 8) -> Faces:
    """The histograms of gradients of the classes' mean faces, drawn by scikit-image."""
    from skimage.feature import hog
    from skimage.transform import resize

    pictures, captions = [], []
    for name, face in list(zip(data.classes, mean_faces(data, indices)))[:most]:
        small = resize(face, (HOG_SIZE, HOG_SIZE), anti_aliasing=True)
        _, drawn = hog(
            small, pixels_per_cell=(HOG_CELL, HOG_CELL), cells_per_block=(2, 2), visualize=True
        )
        bright = np.sqrt(np.clip(drawn / (np.percentile(drawn, 99.5) or 1), 0, 1)) * 255
        pictures.append(np.rint(bright).astype(np.uint8))
        captions.append(name)
    return Faces(pictures, captions)
