"""Test faces made worse in known ways: what a classifier is worth on poorer pictures.

Training sees the faces as they are. The same faces get the same distortion for every contender.
"""

from typing import NamedTuple

import numpy as np

NOISE_SEED = 20_130_701


class Distortion(NamedTuple):
    """A kind of damage and how strong it is."""

    kind: str
    level: float

    def __str__(self) -> str:
        return f"{self.kind} {LABELS[self.kind].format(self.level)}"


# What the level is: a share of the face's side, grey levels, or pixels across the face.
LABELS = {
    "blur": "{:.1%}",
    "noise": "{:.0f}",
    "shift": "{:.0%}",
    "resolution": "{:.0f}",
}
EXPLANATIONS = {
    "blur": "Gaussian blur, its standard deviation as a share of the face's side",
    "noise": "Gaussian noise, its standard deviation in grey levels of 255",
    "shift": "moved in a random direction, by a share of the face's side",
    "resolution": "shrunk to so many pixels across, and enlarged again",
}
DISTORTIONS = (
    *(Distortion("blur", level) for level in (0.015, 0.03, 0.06)),
    *(Distortion("noise", level) for level in (8, 16, 32)),
    *(Distortion("shift", level) for level in (0.03, 0.06, 0.12)),
    *(Distortion("resolution", level) for level in (32, 16, 8)),
)


def distort(faces: np.ndarray, distortion: Distortion) -> np.ndarray:
    """Faces made worse, uint8 (n, size, size) like those given."""
    import cv2

    kind, level = distortion
    size = faces.shape[1]
    rng = np.random.default_rng(NOISE_SEED)
    if kind == "noise":
        noise = rng.normal(0, level, faces.shape).astype(np.float32)
        return np.clip(np.rint(faces + noise), 0, 255).astype(np.uint8)
    changed = np.empty_like(faces)
    angles = rng.uniform(0, 2 * np.pi, len(faces))
    for face, result, angle in zip(faces, changed, angles):
        if kind == "blur":
            result[:] = cv2.GaussianBlur(face, (0, 0), level * size)
        elif kind == "shift":
            x, y = level * size * np.cos(angle), level * size * np.sin(angle)
            matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
            result[:] = cv2.warpAffine(face, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
        elif kind == "resolution":
            pixels = min(int(level), size)
            small = cv2.resize(face, (pixels, pixels), interpolation=cv2.INTER_AREA)
            result[:] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        else:
            raise ValueError(f"unknown distortion {kind!r}")
    return changed
