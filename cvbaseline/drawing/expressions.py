"""What a face does: brows, eyes, mouth and marks of the seven emotions, as artists draw them.

Lengths are in widths of the face; numbers without a unit are factors of the style's own measure.
Each emotion has several conventions (`VARIANTS`); one is drawn by weight and then varied.
"""

from dataclasses import dataclass, replace
from typing import Callable, Literal

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One expression of one face."""

    emotion: str
    # Brows: up is positive. slope > 0 lifts the inner end above the outer one (sad), < 0 is anger.
    brow_raise: float = 0.0
    brow_slope: float = 0.0
    brow_arch: float = 1.0
    frown_lines: bool = False
    # Eyes. "smiling" is the arch of a laughing eye, "closed" the hanging curve, "squeezed" > <.
    eyes: Literal["open", "smiling", "closed", "squeezed", "blank", "wink"] = "open"
    openness: float = 1.0
    lid_slope: float = 0.0  # > 0: the upper lid falls towards the nose, < 0: away from it
    lower_lid: float = 0.0  # 1 lifts the lower lid to the middle of the eye
    iris: float = 1.0
    gaze: tuple[float, float] = (0.0, 0.0)  # in half widths and heights of the eye
    shine: float = 1.0  # size of the highlights; 0 is an empty stare
    # Mouth. curve > 0 lifts the corners; opening is its height; top and bottom round its lips.
    mouth: Literal["line", "open", "teeth", "cat", "wave"] = "line"
    mouth_width: float = 0.2
    curve: float = 0.0
    opening: float = 0.0
    bottom_width: float = 0.6  # of the opening: below 0.5 a V, above 0.9 a box
    mouth_tilt: float = 0.0
    tongue: bool = False
    upper_teeth: bool = False
    # Marks, each 0 (none) to 1 (strong).
    blush: float = 0.0
    tears: Literal["none", "rim", "drops", "streams"] = "none"
    sweat: int = 0
    anger_mark: bool = False
    gloom: float = 0.0
    tremble: float = 0.0


def happy(rng: np.random.Generator, strength: float) -> Expression:
    """Brows up and round, lids pushed up by the cheeks, corners of the mouth up."""
    base = Expression(
        emotion="happy", brow_raise=0.02 + 0.03 * strength, brow_slope=rng.uniform(-0.03, 0.04),
        brow_arch=1.3, lower_lid=rng.uniform(0, 0.35), blush=rng.uniform(0, 0.8),
        mouth_width=rng.uniform(0.18, 0.26) + 0.06 * strength,
        curve=rng.uniform(0.025, 0.05) + 0.025 * strength, shine=rng.uniform(1, 1.2),
    )  # fmt: skip
    laugh = replace(
        base, mouth="open", opening=rng.uniform(0.08, 0.13) + 0.08 * strength,
        bottom_width=rng.uniform(0.4, 0.75), tongue=bool(rng.random() < 0.6),
        upper_teeth=bool(rng.random() < 0.5),
    )  # fmt: skip
    kind = rng.choice(7, p=[0.2, 0.24, 0.22, 0.1, 0.08, 0.09, 0.07])
    if kind == 0:
        return base
    if kind == 1:
        return laugh
    if kind == 2:
        return replace(laugh if rng.random() < 0.65 else base, eyes="smiling")
    if kind == 3:
        return replace(base, mouth="teeth", opening=rng.uniform(0.05, 0.09), bottom_width=0.7)
    if kind == 4:
        return replace(base, mouth="cat", eyes=str(rng.choice(["open", "smiling", "closed"])))
    if kind == 5:
        return replace(laugh, eyes="squeezed", opening=laugh.opening + 0.03)
    return replace(laugh if rng.random() < 0.5 else base, eyes="wink")


def sad(rng: np.random.Generator, strength: float) -> Expression:
    """Inner brows up, lids hanging outwards, eyes down, corners of the mouth down, tears."""
    base = Expression(
        emotion="sad", brow_raise=rng.uniform(-0.02, 0.02), brow_slope=0.032 + 0.07 * strength,
        brow_arch=rng.uniform(-0.3, 0.5), openness=rng.uniform(0.5, 0.82),
        lid_slope=-rng.uniform(0.3, 0.8), gaze=(rng.uniform(-0.3, 0.3), rng.uniform(0.15, 0.4)),
        mouth_width=rng.uniform(0.1, 0.18), curve=-rng.uniform(0.018, 0.035) - 0.02 * strength,
        blush=float(rng.random() < 0.4) * rng.uniform(0.2, 0.7), shine=rng.uniform(0.7, 1.2),
        tears=str(rng.choice(["none", "rim", "drops"], p=[0.45, 0.25, 0.3])),
    )  # fmt: skip
    kind = rng.choice(4, p=[0.46, 0.2, 0.2, 0.14])
    if kind == 0:
        return base
    if kind == 1:
        return replace(
            base,
            eyes="closed",
            tears=str(rng.choice(["none", "drops", "streams"], p=[0.3, 0.4, 0.3])),
        )
    if kind == 2:  # crying aloud
        return replace(
            base, eyes=str(rng.choice(["closed", "open", "squeezed"], p=[0.45, 0.35, 0.2])),
            mouth="open", opening=rng.uniform(0.07, 0.18), bottom_width=rng.uniform(0.9, 1.2),
            mouth_width=rng.uniform(0.14, 0.24), tears=str(rng.choice(["drops", "streams"])),
            tongue=bool(rng.random() < 0.4), tremble=rng.uniform(0, 0.5),
        )  # fmt: skip
    return replace(base, mouth="wave", tremble=0.6, tears=str(rng.choice(["rim", "drops"])))


def angry(rng: np.random.Generator, strength: float) -> Expression:
    """Brows down to the nose, lids cut straight, small irises, teeth or a shout."""
    base = Expression(
        emotion="angry", brow_raise=-0.02 - 0.02 * strength, brow_slope=-0.065 - 0.08 * strength,
        brow_arch=rng.uniform(-0.2, 0.6), frown_lines=bool(rng.random() < 0.3),
        openness=rng.uniform(0.62, 0.95), lid_slope=rng.uniform(0.45, 1.0),
        lower_lid=rng.uniform(0, 0.3), iris=rng.uniform(0.72, 1.0), shine=rng.uniform(0.5, 1),
        mouth_width=rng.uniform(0.13, 0.22), curve=-rng.uniform(0.015, 0.045),
        blush=float(rng.random() < 0.35) * rng.uniform(0.3, 1),
        anger_mark=bool(rng.random() < 0.3), mouth_tilt=rng.normal(0, 0.06),
    )  # fmt: skip
    kind = rng.choice(5, p=[0.38, 0.24, 0.26, 0.06, 0.06])
    if kind == 0:
        return base
    if kind == 1:
        return replace(
            base, mouth="teeth", opening=rng.uniform(0.05, 0.1),
            mouth_width=rng.uniform(0.18, 0.28),
            bottom_width=rng.uniform(0.8, 1.1),
        )  # fmt: skip
    if kind == 2:  # shouting
        return replace(
            base, mouth="open", opening=rng.uniform(0.1, 0.22), mouth_width=rng.uniform(0.16, 0.26),
            bottom_width=rng.uniform(0.8, 1.15), tongue=bool(rng.random() < 0.5),
            upper_teeth=bool(rng.random() < 0.5), openness=rng.uniform(0.75, 1.05),
        )  # fmt: skip
    if kind == 3:
        return replace(base, eyes="closed", brow_slope=base.brow_slope - 0.02)
    return replace(base, mouth="wave", blush=0.8)


def surprised(rng: np.random.Generator, strength: float) -> Expression:
    """Brows high and round, eyes wide with white all around the iris, a round open mouth."""
    base = Expression(
        emotion="surprised", brow_raise=0.05 + 0.05 * strength,
        brow_slope=rng.uniform(-0.025, 0.04),
        brow_arch=rng.uniform(1.2, 1.9), openness=rng.uniform(1.02, 1.2) + 0.15 * strength,
        iris=rng.uniform(0.65, 1.0) - 0.15 * strength, shine=rng.uniform(0.6, 1.1),
        mouth="open", mouth_width=rng.uniform(0.07, 0.14), opening=rng.uniform(0.06, 0.13),
        bottom_width=rng.uniform(0.55, 0.8), curve=rng.uniform(-0.006, 0.004),
        blush=float(rng.random() < 0.3) * rng.uniform(0.2, 0.8), sweat=int(rng.random() < 0.12),
    )  # fmt: skip
    kind = rng.choice(4, p=[0.5, 0.27, 0.13, 0.1])
    if kind == 1:  # a big gasp
        return replace(
            base, mouth_width=rng.uniform(0.14, 0.2), opening=rng.uniform(0.14, 0.24),
            bottom_width=rng.uniform(0.65, 0.9), tongue=bool(rng.random() < 0.3),
        )  # fmt: skip
    if kind == 2:
        return replace(base, mouth="line", opening=0.0, mouth_width=rng.uniform(0.05, 0.09))
    if kind == 3:
        return replace(base, eyes="blank", mouth_width=0.16, opening=rng.uniform(0.1, 0.2))
    return base


def scared(rng: np.random.Generator, strength: float) -> Expression:
    """Wide eyes with shrunken irises below lifted inner brows, a trembling mouth, cold sweat."""
    base = Expression(
        emotion="scared", brow_raise=0.01 + 0.03 * strength, brow_slope=0.06 + 0.06 * strength,
        brow_arch=rng.uniform(-0.4, 0.5), openness=rng.uniform(1.0, 1.25),
        iris=rng.uniform(0.35, 0.65), shine=rng.uniform(0, 0.7), lid_slope=-rng.uniform(0, 0.3),
        mouth="wave", mouth_width=rng.uniform(0.14, 0.22), curve=-rng.uniform(0.01, 0.03),
        gloom=float(rng.random() < 0.55) * rng.uniform(0.4, 1), sweat=int(rng.integers(0, 4)),
        tears=str(rng.choice(["none", "rim", "drops"], p=[0.5, 0.3, 0.2])),
        tremble=rng.uniform(0.4, 1),
    )  # fmt: skip
    kind = rng.choice(5, p=[0.24, 0.36, 0.2, 0.08, 0.12])
    if kind == 1:  # a scream
        return replace(
            base, mouth="open", opening=rng.uniform(0.1, 0.22), mouth_width=rng.uniform(0.14, 0.24),
            bottom_width=rng.uniform(0.85, 1.2), tongue=bool(rng.random() < 0.4),
        )  # fmt: skip
    if kind == 2:
        return replace(
            base, mouth="teeth", opening=rng.uniform(0.05, 0.09),
            bottom_width=rng.uniform(0.9, 1.15),
            mouth_width=rng.uniform(0.16, 0.26),
        )  # fmt: skip
    if kind == 3:
        return replace(base, eyes="blank", mouth="open", opening=0.14, bottom_width=1.0)
    if kind == 4:
        return replace(
            base, eyes="squeezed", mouth=str(rng.choice(["wave", "teeth", "open"])), opening=0.08,
            bottom_width=1.0, tears=str(rng.choice(["rim", "drops"])),
        )  # fmt: skip
    return base


def worried(rng: np.random.Generator, strength: float) -> Expression:
    """Inner brows up a little, eyes aside, a small uneven mouth, a drop of sweat."""
    side = float(rng.choice([-1.0, 1.0]))
    base = Expression(
        emotion="worried", brow_raise=rng.uniform(0, 0.03), brow_slope=0.04 + 0.04 * strength,
        brow_arch=rng.uniform(0, 0.8), openness=rng.uniform(0.72, 1.0),
        lid_slope=-rng.uniform(0, 0.35), iris=rng.uniform(0.75, 0.95), shine=rng.uniform(0.6, 1),
        gaze=(side * rng.uniform(0.1, 0.5), rng.uniform(-0.1, 0.2)),
        mouth_width=rng.uniform(0.08, 0.16), curve=-rng.uniform(0.006, 0.022),
        mouth_tilt=rng.normal(0, 0.12), sweat=int(rng.random() < 0.6),
        blush=float(rng.random() < 0.5) * rng.uniform(0.2, 0.8),
    )  # fmt: skip
    kind = rng.choice(4, p=[0.34, 0.32, 0.2, 0.14])
    if kind == 1:
        return replace(
            base, mouth="open", opening=rng.uniform(0.03, 0.07), bottom_width=rng.uniform(0.7, 1.1)
        )
    if kind == 2:
        return replace(base, mouth="wave", tremble=rng.uniform(0.2, 0.6))
    if kind == 3:  # a troubled smile keeps the brows of worry
        return replace(base, curve=0.012, mouth_width=rng.uniform(0.12, 0.18), sweat=1)
    return base


def neutral(rng: np.random.Generator, strength: float) -> Expression:
    """Brows level, eyes at rest, a short straight mouth."""
    base = Expression(
        emotion="neutral", brow_raise=rng.uniform(-0.01, 0.015),
        brow_slope=rng.uniform(-0.03, 0.025),
        brow_arch=rng.uniform(0.5, 1.1), openness=rng.uniform(0.75, 1.05),
        mouth_width=rng.uniform(0.06, 0.17), curve=rng.uniform(-0.007, 0.007),
        gaze=(rng.normal(0, 0.12), rng.normal(0, 0.06)),
        blush=float(rng.random() < 0.3) * rng.uniform(0.1, 0.5),
    )  # fmt: skip
    kind = rng.choice(4, p=[0.66, 0.14, 0.12, 0.08])
    if kind == 1:
        return replace(base, openness=rng.uniform(0.42, 0.6), shine=rng.uniform(0, 0.8))
    if kind == 2:
        return replace(base, mouth="open", opening=rng.uniform(0.02, 0.04), mouth_width=0.08)
    if kind == 3:
        return replace(base, eyes="closed")
    return base


VARIANTS: dict[str, Callable[[np.random.Generator, float], Expression]] = {
    "angry": angry,
    "happy": happy,
    "neutral": neutral,
    "sad": sad,
    "scared": scared,
    "surprised": surprised,
    "worried": worried,
}


def random_expression(emotion: str, rng: np.random.Generator) -> Expression:
    """One way of showing an emotion (a key of `VARIANTS`), of random strength."""
    return VARIANTS[emotion](rng, float(rng.beta(1.6, 1.6)))
