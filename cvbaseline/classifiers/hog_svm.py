"""HOG and a support vector machine with calibrated probabilities (Dalal & Triggs, CVPR 2005)."""

from typing import Optional, Union

import numpy as np

from cvbaseline.classifiers.hog import Scales, check_scales, hog_features, mirror_order
from cvbaseline.classifiers.kernel_machine import KernelMachine


class HogSvm(KernelMachine):
    """Histograms of oriented gradients, then a least-squares support vector machine.

    Parameters
    ----------
    kernel : "rbf", or "linear" (no landmarks: the smallest and fastest model)
    C : how much an error costs beside the smoothness of the decision
    gamma : the Gaussian kernel is exp(-gamma * squared distance / mean squared distance)
    landmarks : training faces that the kernel compares with; None, or more than there are faces,
        compares with all of them: the exact kernel machine
    scales : ((size, cell), ...) in pixels: the HOGs of a face, see `hog.hog_features`
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
    spread_ : mean squared distance of two training faces
    landmarks_ : (m, c), not with the linear kernel; coefficients_ : (m, k), of the kernel's
        values or of the rotated HOG; bias_ : (k,)
    scale_ : of the softmax
    symmetric_ : whether HOGs are made symmetric before they are averaged over the mirror images
    """

    def __init__(
        self,
        kernel: str = "rbf",
        C: float = 5.0,
        gamma: float = 2.0,
        landmarks: Optional[int] = 1000,
        scales: Scales = ((64, 8),),
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

    def _fit_measuring(self, pictures: np.ndarray) -> None:
        """There is nothing to learn about HOG."""
        self.symmetric_ = bool(self.mirror)

    def _measure(self, pictures: np.ndarray) -> list[np.ndarray]:
        """HOGs of the faces, and of their mirror images if they count, float32 (n, d) each.

        Each is the mean of what the face and what its mirror image say about it, so that the two
        are one another's reflection to the last bit: else the exact machine's kernel matrix is
        none. Models from before this (without symmetric_) keep what they have learnt with.
        """
        scales = check_scales(self.scales)
        face = hog_features(pictures, scales)
        if not self.mirror:
            return [face]
        mirrored = hog_features(np.ascontiguousarray(pictures[:, :, ::-1]), scales)
        if not getattr(self, "symmetric_", False):
            return [face, mirrored]
        order = mirror_order(scales)
        mean = (face + mirrored[:, order]) / 2
        return [mean, mean[:, order]]
