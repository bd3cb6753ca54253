"""How a picture is searched: the parameters, and what belongs to a shipped cascade."""

import math
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Optional, TypeVar

from cvbaseline.errors import require
from cvbaseline.options import option

# In a line to paste, also at their defaults, which a later version may change.
ALWAYS_NAMED = ("scale_factor", "min_neighbors", "min_size")
AUTO, NONE = "auto", "none"  # of `verify`


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """How a picture is searched; the names and meanings are detectMultiScale's."""

    scale_factor: float = option(
        1.1, "how much larger the window is from one pass to the next", metavar="FACTOR"
    )
    min_neighbors: int = option(
        3, "drop a box that no more than this many windows agree on", metavar="COUNT"
    )
    min_score: float = option(
        0.0, "drop a box with a smaller score: a finer dial than min neighbors", metavar="SCORE"
    )
    min_size: int = option(24, "smallest side of a box in pixels", metavar="PIXELS")
    max_size: Optional[int] = option(
        None, "largest side of a box in pixels; without it the whole picture", metavar="PIXELS"
    )
    equalise_picture: bool = option(False, "even out the picture's histogram before the search")
    tilt: int = option(
        0, "search copies turned by so many degrees to either side as well: 4 times slower",
        metavar="DEGREES",
    )  # fmt: skip
    merge_overlap: Optional[float] = option(
        None, "drop a box that shares so much with a better one, as a part of the smaller of the "
        "two (0.7: mostly nested); without it none, or at 0.5 with --tilt", metavar="PART",
    )  # fmt: skip
    verify: str = option(
        "auto", "look at each box again, and drop those that are no faces: a model of cascade "
        "train-verifier, a shipped one's name, none, or auto: the one that belongs to a shipped "
        "cascade", metavar="MODEL",
    )  # fmt: skip
    verify_above: Optional[float] = option(
        None, "evidence for a face that a box needs to pass the verifier, as the logarithm of "
        "odds: less finds more, true and false; without it what suits the verifier, or it and the "
        "shipped cascade", metavar="EVIDENCE",
    )  # fmt: skip
    stages: Optional[int] = option(
        None, "search with the first so many stages of the cascade, which find more, true and "
        "false; without it with all, or as many as suit the verifier of a shipped cascade",
        metavar="COUNT",
    )  # fmt: skip
    regroup_stages: Optional[int] = option(
        None, "group the windows that pass so many stages by themselves as well: boxes that sit "
        "better, or of faces side by side; 0: do not; without it what suits the verifier of a "
        "shipped cascade", metavar="COUNT",
    )  # fmt: skip

    def __post_init__(self) -> None:
        require(
            1.01 <= self.scale_factor <= 10,
            f"scale factor must be 1.01 to 10, got {self.scale_factor}",
        )
        require(
            0 <= self.min_neighbors < 2**31,  # OpenCV's int
            f"min neighbors must be 0 to {2**31 - 1}, got {self.min_neighbors}",
        )
        require(self.min_score >= 0, f"min score must be 0 or more, got {self.min_score}")
        for name, size in (("min", self.min_size), ("max", self.max_size)):
            require(
                size is None or 1 <= size < 2**31,
                f"{name} size must be 1 to {2**31 - 1} pixels, got {size}",
            )
        require(
            self.max_size is None or self.max_size >= self.min_size,
            f"max size must be min size ({self.min_size}) or more, got {self.max_size}",
        )
        require(0 <= self.tilt <= 90, f"tilt must be 0 to 90 degrees, got {self.tilt}")
        require(
            self.merge_overlap is None or 0 < self.merge_overlap <= 1,
            f"merge overlap must be above 0 and at most 1, got {self.merge_overlap}",
        )
        require(
            self.verify_above is None or math.isfinite(self.verify_above),
            f"verify above must be a number, got {self.verify_above}",
        )
        require(
            self.stages is None or self.stages >= 1, f"stages must be 1 or more, got {self.stages}"
        )
        require(
            self.regroup_stages is None or self.regroup_stages >= 0,
            f"regroup stages must be 0 or more, got {self.regroup_stages}",
        )
        if self.verify not in (AUTO, NONE):
            from cvbaseline.second_look import open_verifier

            open_verifier(self.verify)  # a bad file is an error before the work
        # Verbs inherit from several options classes; each checks its own values.
        getattr(super(), "__post_init__", lambda: None)()


Parameters = TypeVar("Parameters", bound=DetectionParameters)


def with_verifier(parameters: Parameters, cascade: Path) -> Parameters:
    """The parameters with the verifier that belongs to the cascade, where they say "auto".

    And with the number of stages and the evidence that suit both, where they say none. To other
    cascades than shipped ones belongs no verifier, and "auto" stays.
    """
    from cvbaseline.shipped import second_look_of

    belongs = second_look_of(cascade)
    if belongs is None or parameters.verify not in (AUTO, belongs.verifier):
        return parameters
    suiting = {
        "verify_above": belongs.above,
        "stages": belongs.stages,
        "regroup_stages": belongs.regroup_stages,
    }
    missing = {name: value for name, value in suiting.items() if getattr(parameters, name) is None}
    return replace(parameters, verify=belongs.verifier, **missing)


def option_line(parameters: DetectionParameters) -> str:
    """The parameters as options to paste: the usual ones, and what is not the default."""
    words = []
    for field in fields(DetectionParameters):
        value, flag = getattr(parameters, field.name), field.name.replace("_", "-")
        if value == field.default and field.name not in ALWAYS_NAMED:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag} {shlex.quote(str(value))}")
    return " ".join(words)
