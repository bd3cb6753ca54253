"""Faces changed at random, so that a network learns what matters of few of them.

Each face may be mirrored, turned, shifted and scaled (one affine map), made brighter or darker and
of more or less contrast, and lose a rectangle (random erasing: Zhong et al., AAAI 2020).
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How far faces are changed; every change is drawn evenly from its range.

    Parameters
    ----------
    mirror : probability of the mirror image
    rotation : largest turn in degrees
    shift : largest shift, as a share of the side
    zoom : largest change of the scale, as a share
    contrast : largest change of the contrast, as a share
    brightness : largest change of all pixels, in grey levels
    erasing : probability that a rectangle is lost, of 2 to 15 % of the face
    """

    mirror: float = 0.5
    rotation: float = 15.0
    shift: float = 0.08
    zoom: float = 0.1
    contrast: float = 0.3
    brightness: float = 25.0
    erasing: float = 0.4


def augment(
    faces: np.ndarray, settings: Augmentation, generator: np.random.Generator
) -> np.ndarray:
    """Changed copies of faces, uint8 (n, side, side), as the same."""
    changed = [warp(face, settings, generator) for face in faces]
    count, grey = len(faces), np.stack(changed).astype(np.float32)
    gain = 1 + generator.uniform(-settings.contrast, settings.contrast, (count, 1, 1))
    light = generator.uniform(-settings.brightness, settings.brightness, (count, 1, 1))
    means = grey.mean(axis=(1, 2), keepdims=True)
    result = np.clip(np.rint((grey - means) * gain + means + light), 0, 255).astype(np.uint8)
    for number in np.flatnonzero(generator.random(count) < settings.erasing):
        erase(result[number], generator)
    return result


def warp(face: np.ndarray, settings: Augmentation, generator: np.random.Generator) -> np.ndarray:
    """A face mirrored, turned, shifted and scaled; its edge pixels go on outside."""
    side = face.shape[0]
    if generator.random() < settings.mirror:
        face = face[:, ::-1]
    angle = generator.uniform(-settings.rotation, settings.rotation)
    scale = 1 + generator.uniform(-settings.zoom, settings.zoom)
    centre = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[:, 2] += generator.uniform(-settings.shift, settings.shift, 2) * side
    return cv2.warpAffine(
        np.ascontiguousarray(face),
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def erase(face: np.ndarray, generator: np.random.Generator) -> None:
    """Fill a rectangle of the face with one grey, in place."""
    side = face.shape[0]
    area, ratio = generator.uniform(0.02, 0.15), np.exp(generator.uniform(-0.7, 0.7))
    height = max(1, round(side * np.sqrt(area * ratio)))
    width = max(1, round(side * np.sqrt(area / ratio)))
    top = generator.integers(0, max(1, side - height + 1))
    left = generator.integers(0, max(1, side - width + 1))
    face[top : top + height, left : left + width] = generator.integers(0, 256)
