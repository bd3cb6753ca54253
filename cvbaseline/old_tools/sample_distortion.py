"""One picture of an object, turned in space, lit otherwise and laid over backgrounds.

The rules and the order of random draws are those of OpenCV 3.4's opencv_createsamples: a seed
gives the samples here that it gave there, byte for byte.
"""

from dataclasses import dataclass
from typing import Optional

import cv2
import numpy as np

from cvbaseline.errors import UserError, require
from cvbaseline.old_tools.multiply_with_carry import MultiplyWithCarry
from cvbaseline.old_tools.perspective import warp_into

FOLDED = 100  # turns in a row that show the picture from its edge: these angles cannot be meant


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """How much a sample may differ from the picture."""

    bgcolor: int = 0  # grey level of what is transparent in the picture
    bgthresh: int = 80  # greys so near to it are transparent as well
    invert: bool = False
    random_invert: bool = False
    maxidev: int = 40  # the most that the object gets brighter or darker
    maxxangle: float = 1.1  # the most that it is turned about each axis, in radians
    maxyangle: float = 1.1
    maxzangle: float = 0.5


class Distorter:
    """The object, ready to be laid over backgrounds.

    Parameters
    ----------
    picture : uint8 (h, w), the object on a ground of the grey `distortion.bgcolor`
    """

    def __init__(self, picture: np.ndarray, distortion: Distortion, random: MultiplyWithCarry):
        self.distortion = distortion
        self.random = random
        colour, near = distortion.bgcolor, distortion.bgthresh
        opaque = np.abs(picture.astype(np.int32) - colour) > near
        require(
            bool(opaque.any()),
            f"the whole picture is within -bgthresh {near} of -bgcolor {colour}, so all of it is "
            "transparent: make -bgthresh smaller (0 to 10) or -bgcolor the ground's grey",
        )
        self.opaque_share = float(opaque.mean())
        self.mask = np.where(opaque, 255, 0).astype(np.uint8)
        self.object = _with_wider_border(picture, opaque, colour, near)

    def place(self, background: np.ndarray, inverse: bool, inscribe: bool) -> np.ndarray:
        """The background, uint8 (h, w), with the object drawn anew over the whole of it.

        Parameters
        ----------
        inscribe : the turned object lies within the background with all its corners; else the
            picture's own rectangle fills it, and a corner may be cut off
        """
        height, width = self.object.shape
        margin = np.array([width // 2, height // 2])
        quad, turned, mask = self._turned(margin)
        box = _surrounding(quad) if inscribe else (*margin.tolist(), width, height)
        for _ in range(3):  # drawn for shifts and scale that the old program had, but never used
            self.random.real(0, 0)
        rows, columns = background.shape
        view = _view(box, background.shape, turned.shape)
        if view is None:  # turned so far that left is right: the old program died
            low, high = np.floor(quad.min(axis=0)), np.ceil(quad.max(axis=0))
            box = tuple(np.concatenate([low, high - low]).astype(int).tolist())
            view = _view(box, background.shape, turned.shape)
        assert view is not None
        ink, alpha = (
            cv2.resize(part[view], (columns, rows), interpolation=cv2.INTER_LINEAR_EXACT)
            for part in (turned, mask)
        )
        most = self.distortion.maxidev
        ink = np.clip(self.random.whole(-most, most) + ink.astype(np.int32), 0, 255)
        if inverse:
            ink = 255 - ink
        over = alpha.astype(np.int32)
        return ((ink * over + (255 - over) * background) // 255).astype(np.uint8)

    def draw_inverse(self) -> bool:
        """Whether the next sample is inverted."""
        if self.distortion.random_invert:
            return bool(self.random.whole(0, 2))
        return self.distortion.invert

    def _turned(self, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Corners of the object turned at random, its picture and its mask, with a margin."""
        height, width = self.object.shape
        shape = (height + 2 * int(margin[1]), width + 2 * int(margin[0]))
        for _ in range(FOLDED):
            quad = self._random_quad() + margin
            ground = np.full(shape, np.clip(self.distortion.bgcolor, 0, 255), np.uint8)
            turned = warp_into(self.object, quad, ground)
            mask = warp_into(self.mask, quad, np.zeros(shape, np.uint8))
            if turned is not None and mask is not None:
                return quad, turned, cv2.GaussianBlur(mask, (3, 3), 0)
        raise UserError(
            "these angles turn the picture away from the viewer: -maxxangle, -maxyangle and "
            "-maxzangle are radians (1.1 are 63 degrees), not degrees"
        )

    def _random_quad(self) -> np.ndarray:
        """The picture's corners after a random turn in space, seen from 2 to 4 widths away."""
        height, width = self.object.shape
        limits, random = self.distortion, self.random
        x = random.real(-limits.maxxangle, limits.maxxangle)
        y = (limits.maxyangle - abs(x)) * random.real(-1, 1)
        z = random.real(-limits.maxzangle, limits.maxzangle)
        distance = (3 + random.real(-1, 1)) * width
        turn = cv2.Rodrigues(np.array([x, y, z]))[0]
        half = np.array([0.5 * width, 0.5 * height])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        seen = np.array([[row[0] * px + row[1] * py for row in turn] for px, py in corners])
        return seen[:, :2] * distance / (distance + seen[:, 2:]) + half


def _surrounding(quad: np.ndarray) -> tuple[int, int, int, int]:
    """x, y, width, height around corners that are not turned beyond a right angle."""
    x, y = int(min(quad[0, 0], quad[3, 0])), int(min(quad[0, 1], quad[1, 1]))
    width = int(max(quad[1, 0], quad[2, 0]) + 0.5) - x
    height = int(max(quad[2, 1], quad[3, 1]) + 0.5) - y
    return x, y, width, height


def _view(
    box: tuple[int, int, int, int], shape: tuple[int, ...], within: tuple[int, ...]
) -> Optional[tuple[slice, slice]]:
    """The part of a picture of shape `within` that shows the box in the proportions of `shape`;
    None when that is nothing."""
    x, y, width, height = box
    rows, columns = (np.float32(side) for side in shape)
    scale = max(np.float32(width) / columns, np.float32(height) / rows)
    half = np.float32(-0.5)
    left = int(half * (scale * columns - np.float32(width)) + np.float32(x))
    top = int(half * (scale * rows - np.float32(height)) + np.float32(y))
    right = min(left + int(scale * columns), within[1])
    bottom = min(top + int(scale * rows), within[0])
    left, top = max(left, 0), max(top, 0)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _with_wider_border(
    picture: np.ndarray, opaque: np.ndarray, colour: int, near: int
) -> np.ndarray:
    """The picture with its opaque greys grown by a pixel, so that its edge stays clean when it is
    turned."""
    darkest, brightest = cv2.erode(picture, None), cv2.dilate(picture, None)
    below, above = (colour - darkest.astype(np.int32)) % 256, (brightest - np.int32(colour)) % 256
    grown = np.where(~opaque & (below >= above) & (below > near), darkest, picture)
    return np.where(~opaque & (above > below) & (above > near), brightest, grown)
