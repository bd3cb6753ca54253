"""Where the cascades and models that come with the package lie."""

from pathlib import Path

from cvbaseline.errors import UserError

DEFAULT_CASCADE = "lbp_animeface.xml"
DEFAULT_EMOTION_MODEL = "anime_emotions.npz"


def shipped_path(kind: str, name: str) -> Path:
    """The shipped file `name` of `kind` ("cascades" or "models").

    An installed package holds the folder inside itself; in a checkout it is the top-level one.
    """
    package = Path(__file__).parent
    for folder in (package / kind, package.parent / kind):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{name} is not among the shipped {kind}: reinstall cvbaseline")


def default_cascade() -> Path:
    """The cascade that finds drawn faces unless another is named."""
    return shipped_path("cascades", DEFAULT_CASCADE)


def default_emotion_model() -> Path:
    """The model that names emotions unless another is named."""
    return shipped_path("models", DEFAULT_EMOTION_MODEL)
