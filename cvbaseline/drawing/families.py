"""Manners of drawing: proportions of head and eyes, line and painting, as ranges.

Lengths are in widths of the face.
"""

from typing import NamedTuple


class Family(NamedTuple):
    """Ranges of one manner of drawing, and how often it is drawn."""

    weight: float
    chin: tuple[float, float]
    jaw: tuple[float, float]
    eye_width: tuple[float, float]
    eye_height: tuple[float, float]
    iris: tuple[float, float]  # width of the iris in widths of the eye
    line: tuple[float, float]
    brow: tuple[float, float]
    noses: tuple[str, ...]
    paints: tuple[str, ...]
    eyes: tuple[str, ...] = ("full",)


FAMILIES = {
    "moe": Family(
        0.38, (0.41, 0.5), (0.26, 0.35), (0.28, 0.35), (0.25, 0.37), (0.64, 0.82), (0.009, 0.017),
        (0.012, 0.024), ("dot", "line", "none", "shadow", "line"), ("cel", "cel", "soft", "flat"),
    ),
    "shounen": Family(
        0.15, (0.48, 0.58), (0.25, 0.34), (0.24, 0.29), (0.14, 0.21), (0.5, 0.64), (0.012, 0.022),
        (0.022, 0.045), ("wedge", "line", "shadow"), ("cel", "cel", "flat"),
    ),
    "chibi": Family(
        0.11, (0.36, 0.43), (0.4, 0.46), (0.27, 0.34), (0.3, 0.4), (0.66, 0.85), (0.014, 0.03),
        (0.014, 0.03), ("none", "dot", "none"), ("cel", "flat", "soft"), ("full", "full", "button"),
    ),
    "mature": Family(
        0.12, (0.53, 0.62), (0.25, 0.32), (0.25, 0.29), (0.11, 0.17), (0.48, 0.6), (0.009, 0.015),
        (0.014, 0.032), ("bridge", "wedge", "line"), ("cel", "soft", "cel"),
    ),
    "retro": Family(
        0.11, (0.52, 0.6), (0.27, 0.33), (0.28, 0.33), (0.25, 0.34), (0.56, 0.7), (0.01, 0.018),
        (0.012, 0.028), ("wedge", "line", "bridge"), ("cel",),
    ),
    "cartoon": Family(
        0.08, (0.42, 0.54), (0.36, 0.45), (0.2, 0.28), (0.2, 0.3), (0.4, 0.6), (0.022, 0.038),
        (0.03, 0.05), ("round", "line", "none"), ("flat", "flat", "cel"),
        ("full", "disc", "button"),
    ),
    "western": Family(
        0.07, (0.54, 0.62), (0.33, 0.4), (0.2, 0.25), (0.09, 0.14), (0.46, 0.58), (0.008, 0.016),
        (0.025, 0.045), ("full", "bridge"), ("soft", "cel"),
    ),
}  # fmt: skip
