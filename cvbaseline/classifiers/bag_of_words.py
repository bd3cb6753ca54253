"""A bag of visual words: Fisher vectors of dense descriptors, then the kernel machine.

SIFT descriptors on a dense grid at several sizes (`dense_sift`), their principal components with
each descriptor's place and size beside them (Sanchez, Perronnin & de Campos, Modeling the spatial
layout of images beyond spatial pyramids, 2012), told as Fisher vectors (`fisher_vectors`). A face
and its mirror image share one vector, the mean of theirs.
"""

import math
from numbers import Integral, Real
from typing import Optional, Union

import numpy as np

from cvbaseline.classifiers.dense_sift import (
    CELLS,
    LENGTH,
    dense_sift,
    grid_positions,
    orientation_maps,
)
from cvbaseline.classifiers.fisher_vectors import (
    Mixture,
    fisher_vectors,
    fit_mixture,
    normalised,
)
from cvbaseline.classifiers.kernel_machine import KernelMachine
from cvbaseline.classifiers.kernel_matrices import principal_directions

FACES_AT_ONCE = 64
LEARNT_FROM_FACES = 2000
LEARNT_FROM_DESCRIPTORS = 300_000


class BagOfWords(KernelMachine):
    """Fisher vectors of dense SIFT, then a least-squares support vector machine.

    Parameters
    ----------
    words : Gaussians of the mixture that describes the descriptors
    grids : ((cell, stride), ...) in pixels of the resized face: the descriptors' cells, four of
        which make a descriptor's side, and how far apart the descriptors are
    size : side in pixels that faces are resized to
    descriptor_components : principal components kept of each descriptor
    place_weight : how much a descriptor's place and size count beside its components; 0: not
    kernel, C, gamma, landmarks, n_components, mirror, shape, class_weight, seed : see `HogSvm`;
        the seed also chooses what the mixture is learnt from

    Rows of fewer than 64 numbers hold no picture: they are classified by their numbers.

    Attributes are those of `HogSvm`, of Fisher vectors in the place of HOGs, and
    descriptor_mean_ : (128,); descriptor_directions_ : (c, 128); descriptor_scale_ : the standard
        deviation along the first of them, by which all are divided
    shares_, word_means_, word_variances_ : the `Mixture`
    """

    def __init__(
        self,
        words: int = 64,
        grids: tuple[tuple[int, int], ...] = ((3, 2), (4, 2), (6, 3)),
        size: int = 48,
        descriptor_components: int = 64,
        place_weight: float = 4.0,
        kernel: str = "rbf",
        C: float = 8.0,
        gamma: float = 2.5,
        landmarks: Optional[int] = None,
        n_components: Optional[int] = 1000,
        mirror: bool = True,
        shape: Optional[tuple[int, int]] = None,
        class_weight: Union[str, dict, None] = None,
        seed: int = 0,
    ):
        self.words = words
        self.grids = grids
        self.size = size
        self.descriptor_components = descriptor_components
        self.place_weight = place_weight
        self.kernel = kernel
        self.C = C
        self.gamma = gamma
        self.landmarks = landmarks
        self.n_components = n_components
        self.mirror = mirror
        self.shape = shape
        self.class_weight = class_weight
        self.seed = seed

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name, low, high in (("words", 1, 4096), ("size", 16, 512),
                                ("descriptor_components", 1, LENGTH)):  # fmt: skip
            value = getattr(self, name)
            if not (isinstance(value, Integral) and low <= value <= high):
                raise ValueError(f"{name} must be a number from {low} to {high}, not {value!r}")
        if not (isinstance(self.place_weight, Real) and 0 <= self.place_weight < 1000):
            raise ValueError(f"place_weight must be a number from 0, not {self.place_weight!r}")
        for cell, stride in self.grids:
            if cell < 1 or stride < 1 or cell * CELLS > self.size:
                raise ValueError(
                    f"a grid of ({cell}, {stride}) does not fit: a descriptor has "
                    f"{CELLS} x {CELLS} cells, and the face {self.size} pixels"
                )
        if not self.grids:
            raise ValueError("grids must hold at least one (cell, stride)")

    def _fit_measuring(self, pictures: np.ndarray) -> None:
        """Learn the descriptors' principal components and their mixture from some of them."""
        rng = np.random.default_rng(self.seed)
        chosen = rng.permutation(len(pictures))[:LEARNT_FROM_FACES]
        descriptors = self._descriptors(pictures[np.sort(chosen)])
        places = np.tile(self._places(), (len(descriptors), 1))
        descriptors = descriptors.reshape(-1, LENGTH)
        some = rng.permutation(len(descriptors))[:LEARNT_FROM_DESCRIPTORS]
        descriptors, places = descriptors[some], places[some]
        self.descriptor_mean_ = descriptors.mean(axis=0)
        centred = descriptors - self.descriptor_mean_
        self.descriptor_directions_, variances = principal_directions(
            centred.__getitem__, np.ones(len(centred)), LENGTH, self.descriptor_components
        )
        self.descriptor_scale_ = math.sqrt(variances[0]) or 1.0
        points = self._reduced(descriptors, places)
        words = min(self.words, len(points))
        self.shares_, self.word_means_, self.word_variances_ = fit_mixture(points, words, self.seed)

    def _measure(self, pictures: np.ndarray) -> np.ndarray:
        """The Fisher vectors of the faces (with their mirror images' if these count), (n, d)."""
        mixture = Mixture(self.shares_, self.word_means_, self.word_variances_)
        places = self._places()
        vectors = []
        for start in range(0, len(pictures), FACES_AT_ONCE):
            faces = pictures[start : start + FACES_AT_ONCE]
            vector = 0
            for side in (faces, faces[:, :, ::-1])[: 1 + self.mirror]:
                descriptors = self._descriptors(side)
                beside = np.broadcast_to(places, (len(side), *places.shape))
                vector = vector + fisher_vectors(self._reduced(descriptors, beside), mixture)
            vectors.append(normalised(vector))
        return np.concatenate(vectors)

    def _descriptors(self, pictures: np.ndarray) -> np.ndarray:
        """Dense SIFT of all grids, float32 (n, points, LENGTH)."""
        import cv2

        shrinks = self.size < min(pictures.shape[1:])
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        size = (self.size, self.size)
        maps = orientation_maps(
            np.stack([cv2.resize(picture, size, interpolation=method) for picture in pictures])
        )
        return np.concatenate([dense_sift(maps, *grid) for grid in self.grids], axis=1)

    def _places(self) -> np.ndarray:
        """Place and size of each descriptor, float32 (points, 3)."""
        shape = (self.size, self.size)
        return np.concatenate([grid_positions(shape, *grid) for grid in self.grids])

    def _reduced(self, descriptors: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Principal components, then the weighted places: float32 (..., c + 3)."""
        points = (descriptors - self.descriptor_mean_) @ self.descriptor_directions_.T
        points /= self.descriptor_scale_
        if not self.place_weight:
            return points
        return np.concatenate([points, np.float32(self.place_weight) * places], axis=-1)
