"""Where the cascades and models that come with the package lie."""

from pathlib import Path
from typing import NamedTuple, Optional

from cvbaseline.errors import UserError

DEFAULT_CASCADE = "lbp_animeface.xml"
DEFAULT_EMOTION_MODEL = "anime_emotions.npz"


class SecondLook(NamedTuple):
    """How the boxes of a shipped cascade are looked at again."""

    verifier: str  # models/verify_NAME.npz
    # Of the cascade. The verifier drops false boxes better than the last stages, which drop faces.
    stages: int
    # But of windows that pass some more, boxes are made as well: these sit better.
    regroup_stages: int
    # The evidence for a face that a box of this cascade needs (--verify-above): the cascade's score
    # counts, and cascades score differently. Chosen on pictures that neither learnt from
    # (docs/cascades.md).
    above: float


SECOND_LOOKS = {
    "lbp_animeface.xml": SecondLook("animeface", 8, 11, 2.25),
    "haar_animeface.xml": SecondLook("animeface", 9, 12, 1.0),
    "lbp_frontalface.xml": SecondLook("frontalface", 11, 13, -0.5),
    "haar_frontalface.xml": SecondLook("frontalface", 11, 13, -0.5),
}


def shipped_path(kind: str, name: str) -> Path:
    """The shipped file `name` of `kind` ("cascades" or "models")."""
    for folder in _folders(kind):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{name} is not among the shipped {kind}: reinstall cvbaseline")


def _folders(kind: str) -> tuple[Path, Path]:
    """Inside an installed package; at the top of a checkout."""
    package = Path(__file__).resolve().parent
    return package / kind, package.parent / kind


def cascade_path(named: Optional[Path]) -> Path:
    """The cascade file that a user names: a file, a training's folder, or a shipped one's name.

    Without a name the default; raises UserError when there is none of these.
    """
    if named is None:
        return default_cascade()
    if (named / "cascade.xml").is_file():
        return named / "cascade.xml"
    if named.exists() or named.name != str(named):
        return named
    for name in (named.name, f"{named.name}.xml"):
        for folder in _folders("cascades"):
            if name.endswith(".xml") and (folder / name).is_file():
                return folder / name
    shipped = sorted({path.stem for place in _folders("cascades") for path in place.glob("*.xml")})
    raise UserError(f"{named} is no file, and no shipped cascade ({', '.join(shipped)})")


def second_look_of(cascade: Path) -> Optional[SecondLook]:
    """What belongs to a cascade; nothing to a cascade that is not shipped."""
    places = [folder / cascade.name for folder in _folders("cascades")]
    return SECOND_LOOKS.get(cascade.name) if cascade.resolve() in places else None


def verifier_path(named: str) -> Path:
    """The model for a second look that a user names: a file, or a shipped one (verify_NAME.npz).

    Raises UserError when there is none of these.
    """
    if Path(named).is_file():
        return Path(named)
    for folder in _folders("models"):
        if Path(named).name == named and (folder / f"verify_{named}.npz").is_file():
            return folder / f"verify_{named}.npz"
    models = {path.stem for place in _folders("models") for path in place.glob("verify_*.npz")}
    shipped = ", ".join(sorted(name.removeprefix("verify_") for name in models)) or "there is none"
    raise UserError(
        f"{named} is no file, and no shipped verifier ({shipped}): cvbaseline cascade "
        "train-verifier makes one"
    )


def default_cascade() -> Path:
    """The cascade that finds drawn faces unless another is named."""
    return shipped_path("cascades", DEFAULT_CASCADE)


def default_emotion_model() -> Path:
    """The model that names emotions unless another is named."""
    return shipped_path("models", DEFAULT_EMOTION_MODEL)
