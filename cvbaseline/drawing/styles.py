"""Who is drawn and by whose hand: everything about a character that is not its expression.

`random_style` draws a character from one of the manners in `families`. Lengths are in widths of the
face, y runs down from the line of the eyes.
"""

from dataclasses import dataclass

import numpy as np

from cvbaseline.drawing import colours
from cvbaseline.drawing.families import FAMILIES, Family
from cvbaseline.drawing.sketch import Colour, mix


@dataclass(frozen=True, kw_only=True)
class FaceStyle:
    """One character in one manner; `look` says what the manner's name is."""

    look: str
    paint: str  # cel (two tones with an edge), soft (blurred shadows), flat (none)
    feminine: bool
    line: float  # width of the outlines
    line_tint: float  # 0: black lines, 1: lines in the colour of what they bound
    light: float  # side the light comes from, -1 left to 1 right
    shade_depth: float
    # Head
    chin: float
    jaw: float
    chin_width: float
    cheek: float
    ears: str
    skin: Colour
    nose: str
    freckles: bool
    beard: str
    # Eyes and brows
    eye: str
    eye_gap: float  # from the middle of the face to the middle of the eye
    eye_width: float
    eye_height: float
    eye_tilt: float  # > 0: outer corners up
    squareness: float
    iris: float
    iris_tall: float
    iris_colour: Colour
    iris_colour_left: Colour
    pupil: str
    highlights: int
    lash: float
    lash_spikes: int
    lower_lash: float
    crease: bool
    brow: float
    brow_length: float
    brow_gap: float
    brow_taper: float
    brow_over_hair: bool
    lip: float
    # Hair
    hair: Colour
    hair_tips: Colour
    volume: float
    bangs: str
    bang_count: int
    bang_length: float
    bang_sweep: float
    part: float
    sidelocks: str
    sidelock_length: float
    back: str
    back_length: float
    ahoge: int
    strands: int
    gloss: str
    # Things worn
    glasses: str
    glasses_colour: Colour
    hat: str
    ornament: str
    ornament_colour: Colour
    ornament_side: int
    clothes: str
    cloth: Colour
    cloth_trim: Colour
    shoulders: float
    seed: int  # for the small irregularities of locks and folds

    def outline(self, colour: Colour) -> Colour:
        """The colour of the line around an area of the given colour."""
        return mix((28, 22, 30), colours.shade(colour, 0.62), self.line_tint)


def pick(rng: np.random.Generator, **weights: float) -> str:
    """One of the names, by weight."""
    names = list(weights)
    chances = np.array(list(weights.values()), np.float64)
    return names[rng.choice(len(names), p=chances / chances.sum())]


def random_hair_cut(rng: np.random.Generator, feminine: bool, look: str) -> dict[str, object]:
    """Bangs, side locks and the hair behind, in combinations that occur."""
    if feminine:
        bangs = pick(
            rng,
            blunt=0.16,
            swept=0.22,
            parted=0.12,
            crossed=0.22,
            messy=0.16,
            one_eye=0.04,
            none=0.08,
        )
        back = pick(
            rng, long=0.27, bob=0.2, twin_tails=0.14, pony=0.1, short=0.1, wavy=0.08, buns=0.05,
            side_pony=0.06,
        )  # fmt: skip
        sidelocks = pick(rng, thin=0.35, wide=0.4, none=0.12, curl=0.13)
        length = rng.uniform(0.25, 0.95)
    else:
        bangs = pick(
            rng,
            spiky=0.26,
            messy=0.26,
            swept=0.16,
            parted=0.1,
            crossed=0.12,
            one_eye=0.04,
            none=0.06,
        )
        back = pick(rng, short=0.5, spiky=0.3, bob=0.07, pony=0.05, long=0.05, cropped=0.03)
        sidelocks = pick(rng, thin=0.35, wide=0.15, none=0.5)
        length = rng.uniform(0.12, 0.4)
    if look == "western" and rng.random() < 0.4:
        bangs = "none"
    return {
        "bangs": bangs,
        "back": back,
        "sidelocks": sidelocks,
        "sidelock_length": float(length),
        "volume": float(rng.uniform(0.05, 0.13)),
        "bang_count": int(rng.integers(4, 9)),
        "bang_length": float(rng.normal(0, 0.035)),
        "bang_sweep": float(rng.normal(0, 0.07)),
        "part": float(rng.uniform(-0.22, 0.22)),
        "back_length": float(rng.uniform(0.5, 2.2)),
        "ahoge": int(rng.random() < 0.22) * int(rng.integers(1, 3)),
        "strands": int(rng.integers(0, 9)),
        "gloss": pick(rng, ring=0.4, zigzag=0.25, streaks=0.15, none=0.2),
    }


def random_things(rng: np.random.Generator, feminine: bool) -> dict[str, object]:
    """Glasses, hats, ornaments and clothes."""
    if feminine:
        ornament = pick(
            rng, none=0.5, bow=0.12, band=0.1, pin=0.12, flower=0.05, cat_ears=0.05, side_bows=0.06
        )
        clothes = pick(
            rng,
            sailor=0.24,
            blazer=0.18,
            shirt=0.14,
            hoodie=0.1,
            dress=0.14,
            turtleneck=0.1,
            kimono=0.1,
        )
    else:
        ornament = pick(rng, none=0.88, band=0.04, headphones=0.05, cat_ears=0.03)
        clothes = pick(
            rng,
            blazer=0.25,
            shirt=0.2,
            hoodie=0.17,
            gakuran=0.15,
            turtleneck=0.1,
            kimono=0.06,
            tee=0.07,
        )
    return {
        "glasses": pick(rng, none=0.84, round=0.06, square=0.06, half=0.04),
        "glasses_colour": colours.mix(
            (30, 26, 36), colours.random_vivid(rng), float(rng.random() < 0.4)
        ),
        "hat": pick(rng, none=0.91, cap=0.03, beret=0.03, witch=0.015, hood=0.015),
        "ornament": ornament,
        "ornament_colour": colours.random_vivid(rng),
        "ornament_side": int(rng.choice([-1, 1])),
        "clothes": clothes,
        "cloth": colours.random_cloth(rng),
        "cloth_trim": colours.random_cloth(rng)
        if rng.random() < 0.5
        else colours.random_vivid(rng),
        "shoulders": float(rng.uniform(0.62, 0.78) if feminine else rng.uniform(0.74, 0.98)),
    }


def random_eyes(rng: np.random.Generator, family: Family, feminine: bool) -> dict[str, object]:
    """Shape and finish of eyes and brows."""
    width, height = rng.uniform(*family.eye_width), rng.uniform(*family.eye_height)
    if not feminine:
        width, height = width * 0.94, height * rng.uniform(0.7, 0.95)
    iris_colour = colours.random_vivid(rng)
    if rng.random() < 0.35:  # browns and near-blacks
        iris_colour = colours.from_hsv(
            rng.uniform(10, 40), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6)
        )
    odd = rng.random() < 0.02
    return {
        "eye": str(rng.choice(family.eyes)),
        "eye_gap": float(min(rng.uniform(0.232, 0.275), 0.455 - width / 2)),
        "eye_width": float(width),
        "eye_height": float(height),
        "eye_tilt": float(np.clip(rng.normal(0.012, 0.022), -0.03, 0.06)),
        "squareness": float(rng.uniform(0.1, 0.42)),
        "iris": float(rng.uniform(*family.iris)),
        "iris_tall": float(rng.uniform(1.05, 1.4)),
        "iris_colour": iris_colour,
        "iris_colour_left": colours.random_vivid(rng) if odd else iris_colour,
        "pupil": pick(rng, round=0.7, none=0.14, large=0.1, slit=0.04, ring=0.02),
        "highlights": int(rng.choice([0, 1, 2, 3], p=[0.05, 0.35, 0.4, 0.2])),
        "lash": float(rng.uniform(0.03, 0.055) if feminine else rng.uniform(0.022, 0.04)),
        "lash_spikes": int(rng.integers(0, 4)) if feminine else 0,
        "lower_lash": float(rng.uniform(0, 0.9)),
        "crease": bool(rng.random() < 0.65),
        "brow": float(rng.uniform(*family.brow) * (0.85 if feminine else 1.3)),
        "brow_length": float(rng.uniform(0.72, 1.05)),
        "brow_gap": float(rng.uniform(0.06, 0.11)),
        "brow_taper": float(rng.uniform(0.2, 0.8)),
        "brow_over_hair": bool(rng.random() < 0.72),
        "lip": float(rng.random() * (0.6 if feminine else 0.1) * (family.chin[1] > 0.55)),
    }


def random_style(rng: np.random.Generator) -> FaceStyle:
    """A character drawn in one of the `FAMILIES`."""
    names = list(FAMILIES)
    weights = np.array([FAMILIES[name].weight for name in names])
    look = names[rng.choice(len(names), p=weights / weights.sum())]
    family = FAMILIES[look]
    feminine = bool(rng.random() < (0.4 if look in ("shounen", "western") else 0.68))
    chin, jaw = rng.uniform(*family.chin), rng.uniform(*family.jaw)
    if not feminine:
        chin, jaw = chin + 0.025, jaw + 0.012
    hair = colours.random_hair(rng)
    if look == "western" and rng.random() < 0.6:
        hair = colours.from_hsv(rng.uniform(15, 40), rng.uniform(0.3, 0.6), rng.uniform(0.15, 0.6))
    beard = pick(rng, none=0.85, stubble=0.06, goatee=0.05, full=0.04)
    return FaceStyle(
        look=look,
        paint=str(rng.choice(family.paints)),
        feminine=feminine,
        line=float(rng.uniform(*family.line)),
        line_tint=float(rng.choice([0.0, 0.55, 0.85, 1.0], p=[0.25, 0.2, 0.3, 0.25])),
        light=float(rng.uniform(-1, 1)),
        shade_depth=float(rng.uniform(0.16, 0.36)),
        chin=float(chin),
        jaw=float(jaw),
        chin_width=float(rng.uniform(0.07, 0.12) * (1 if feminine else 1.25)),
        cheek=float(rng.uniform(0.41, 0.468)),
        ears=pick(rng, normal=0.93, elf=0.07),
        skin=colours.random_skin(rng),
        nose=str(rng.choice(family.noses)),
        freckles=bool(rng.random() < 0.03),
        beard=beard if not feminine and look in ("mature", "western", "cartoon") else "none",
        hair=hair,
        hair_tips=colours.random_hair(rng) if rng.random() < 0.06 else hair,
        seed=int(rng.integers(1 << 31)),
        **random_eyes(rng, family, feminine),
        **random_hair_cut(rng, feminine, look),
        **random_things(rng, feminine),
    )
