"""HOG and a support vector machine with calibrated probabilities (Dalal & Triggs, CVPR 2005)."""

from typing import Optional, Union

import numpy as np

from cvbaseline.classifiers.face_rows import as_pictures, holds_pictures
from cvbaseline.classifiers.hog import Scales, check_scales, hog_features, mirror_order
from cvbaseline.classifiers.kernel_machine import KernelMachine


class HogSvm(KernelMachine):
    """Histograms of oriented gradients, then a least-squares support vector machine.

    Parameters
    ----------
    kernel : "rbf", or "linear" (no landmarks: the smallest and fastest model)
    C : how much an error costs beside the smoothness of the decision
    gamma : the Gaussian kernel is exp(-gamma * squared distance / mean squared distance)
    landmarks : training faces that the kernel compares with; as many as there are faces, or more,
        make the exact kernel machine; None: all of up to 30,000 faces, 10,000 of more
    scales : ((size, cell, directions, block), ...): the HOGs of a face, see `hog`
    n_components : principal directions kept of the HOG; None keeps the HOG itself
    mirror : average a face with its mirror image
    shape : (height, width) of the faces in the rows of X; None means that they are square
    class_weight : None, "balanced" (every class counts the same), or {class: factor}
    seed : chooses the landmarks

    Rows of fewer than 64 numbers hold no picture: they are classified by their numbers as they
    are, without HOG, mirror image and principal directions.

    Attributes
    ----------
    classes_ : (k,)
    mean_ : (d,) of the HOGs; directions_ : (c, d) or None
    signs_ : (c,), what a mirror image multiplies the directions' shares by; None when HOGs are
        not rotated or mirror images do not count
    spread_ : mean squared distance of two training faces
    landmarks_ : (m, c), not with the linear kernel; coefficients_ : (m, k), of the kernel's
        values or of the rotated HOG; bias_ : (k,)
    scale_ : of the softmax
    """

    def __init__(
        self,
        kernel: str = "rbf",
        C: float = 5.0,
        gamma: float = 2.5,
        landmarks: Optional[int] = None,
        scales: Scales = ((64, 8, 18, 4),),
        n_components: Optional[int] = 300,
        mirror: bool = True,
        shape: Optional[tuple[int, int]] = None,
        class_weight: Union[str, dict, None] = None,
        seed: int = 0,
    ):
        self.kernel = kernel
        self.C = C
        self.gamma = gamma
        self.landmarks = landmarks
        self.scales = scales
        self.n_components = n_components
        self.mirror = mirror
        self.shape = shape
        self.class_weight = class_weight
        self.seed = seed

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_scales(self.scales)

    def _measure(self, pictures: np.ndarray) -> np.ndarray:
        """HOGs of the faces, float32 (n, d).

        With mirror images the mean of what a face and its mirror image say about the face, so
        that the two are one another's reflection to the last bit: else the averaged kernel is
        none, and the exact machine cannot be solved.
        """
        scales = check_scales(self.scales)
        hogs = hog_features(pictures, scales)
        if self.mirror:
            mirrored = hog_features(np.ascontiguousarray(pictures[:, :, ::-1]), scales)
            hogs = (hogs + mirrored[:, mirror_order(scales)]) / 2
        return hogs

    def _mirror_order(self) -> Optional[np.ndarray]:
        return mirror_order(check_scales(self.scales)) if self.mirror else None

    def _points(self, X: np.ndarray, kind: type) -> list[np.ndarray]:
        if hasattr(self, "signs_") or not (self.mirror and holds_pictures(X)):
            return super()._points(X, kind)
        # A model from before the reflections: it has learnt from both HOGs as they are.
        scales = check_scales(self.scales)
        pictures = as_pictures(X, self.shape)
        sides = (pictures, np.ascontiguousarray(pictures[:, :, ::-1]))
        return [self._rotate(hog_features(side, scales), kind) for side in sides]
