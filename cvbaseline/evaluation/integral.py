"""Integral images as OpenCV's cascade detector keeps them (Viola & Jones 2001, section 2.1).

One array holds up to three planes, so that one offset names any corner of any feature:
0 sums, 1 sums of squares, 2 sums over 45-degree triangles (Lienhart & Maydt 2002). Values are
int32 and wrap round in large pictures, as OpenCV's do; differences over a window stay right.
"""

import numpy as np

SUM, SQUARES, TILTED = range(3)


def integral_image(grey: np.ndarray, planes: int = 1) -> np.ndarray:
    """Integral images of a grey picture.

    Parameters
    ----------
    grey : uint8 (h, w)
    planes : 1 sums, 2 also squares, 3 also tilted sums

    Returns
    -------
    int32 (planes, h + 1, w + 1); plane 0 at [y, x] is the sum of the pixels above y and left of x.
    """
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8 or not grey.size:
        raise ValueError(f"a grey picture is uint8 (h, w), got {grey.dtype} {grey.shape}")
    grey = np.ascontiguousarray(grey)
    if planes == 1:
        return cv2.integral(grey, sdepth=cv2.CV_32S)[None]
    if planes == 2:
        return np.stack(cv2.integral2(grey, sdepth=cv2.CV_32S, sqdepth=cv2.CV_32S))
    if planes == 3:
        return np.stack(cv2.integral3(grey, sdepth=cv2.CV_32S, sqdepth=cv2.CV_32S))
    raise ValueError(f"planes must be 1, 2 or 3, got {planes}")
