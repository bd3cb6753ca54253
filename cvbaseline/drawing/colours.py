"""Palettes and the shades that cel painting derives from one colour."""

import colorsys

import numpy as np

from cvbaseline.drawing.sketch import Colour, mix

SKINS = (
    (255, 237, 224), (255, 230, 212), (254, 224, 202), (250, 214, 190), (245, 205, 178),
    (236, 190, 158), (222, 170, 134), (196, 140, 104), (160, 108, 78), (122, 80, 58),
)  # fmt: skip
SKIN_WEIGHTS = (0.18, 0.22, 0.19, 0.14, 0.09, 0.06, 0.05, 0.03, 0.02, 0.02)
HAIR_HUES = (  # hue range in degrees, saturation, value, weight
    ((20, 35), (0.35, 0.65), (0.25, 0.55), 0.2),  # brown
    ((215, 260), (0.1, 0.35), (0.14, 0.28), 0.17),  # black
    ((38, 50), (0.3, 0.6), (0.86, 1.0), 0.14),  # blond
    ((8, 24), (0.6, 0.85), (0.6, 0.92), 0.09),  # red, orange
    ((325, 350), (0.25, 0.6), (0.82, 1.0), 0.1),  # pink
    ((200, 235), (0.3, 0.7), (0.45, 0.95), 0.11),  # blue
    ((255, 290), (0.25, 0.55), (0.4, 0.85), 0.07),  # purple
    ((90, 175), (0.25, 0.6), (0.45, 0.85), 0.05),  # green
    ((200, 260), (0.02, 0.1), (0.75, 0.97), 0.07),  # silver
)


def from_hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue in degrees, saturation and value in [0, 1] (clipped)."""
    saturation, value = min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    return tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value))


def to_hsv(colour: Colour) -> tuple[float, float, float]:
    """Hue in degrees, saturation and value in [0, 1]."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in colour))
    return hue * 360, saturation, value


def shade(colour: Colour, depth: float = 0.25) -> Colour:
    """The colour in shadow: darker, fuller and a little towards violet, as cel painters mix it."""
    hue, saturation, value = to_hsv(colour)
    dark = from_hsv(
        hue, min(1.0, saturation * (1 + 0.5 * depth) + 0.08 * depth), value * (1 - depth)
    )
    return mix(dark, (70, 50, 130), 0.22 * depth)


def skin_shade(colour: Colour, depth: float = 0.25) -> Colour:
    """Skin in shadow: redder and darker, never grey."""
    hue, saturation, value = to_hsv(colour)
    return from_hsv(hue - 12 * depth, saturation + 0.55 * depth, value * (1 - 0.55 * depth))


def light(colour: Colour, lift: float = 0.3) -> Colour:
    """The colour in full light."""
    return mix(colour, (255, 252, 244), lift)


def random_skin(rng: np.random.Generator) -> Colour:
    """A skin tone, pale ones more often, as in the real thing."""
    base = SKINS[rng.choice(len(SKINS), p=SKIN_WEIGHTS)]
    return tuple(int(np.clip(c + d, 40, 255)) for c, d in zip(base, rng.normal(0, 3, 3)))


def random_hair(rng: np.random.Generator) -> Colour:
    """A hair colour, natural or not."""
    hues, saturations, values, _ = HAIR_HUES[
        rng.choice(len(HAIR_HUES), p=[row[3] for row in HAIR_HUES])
    ]
    return from_hsv(rng.uniform(*hues), rng.uniform(*saturations), rng.uniform(*values))


def random_cloth(rng: np.random.Generator) -> Colour:
    """A colour for clothes: whites, darks, and anything between."""
    kind = rng.random()
    if kind < 0.22:
        return from_hsv(rng.uniform(0, 360), rng.uniform(0, 0.08), rng.uniform(0.88, 1.0))
    if kind < 0.5:
        return from_hsv(rng.uniform(200, 260), rng.uniform(0.1, 0.5), rng.uniform(0.15, 0.4))
    return from_hsv(rng.uniform(0, 360), rng.uniform(0.2, 0.75), rng.uniform(0.4, 0.95))


def random_vivid(rng: np.random.Generator) -> Colour:
    """A strong colour for ribbons, eyes and signs."""
    return from_hsv(rng.uniform(0, 360), rng.uniform(0.55, 0.95), rng.uniform(0.6, 0.98))
