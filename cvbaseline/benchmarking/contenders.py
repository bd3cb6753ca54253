"""The classifiers that are compared, each with its settings."""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from cvbaseline.classification.estimator_maker import estimator_maker
from cvbaseline.classifiers import CLASSIFIERS, classifier_name
from cvbaseline.classifiers.starting_model import starting_path
from cvbaseline.errors import UserError, require

# Hours of training, or libraries, weights and models that the user must ask for.
ONLY_ON_REQUEST = ("cnn", "onnx", "transfer")


class Contender(NamedTuple):
    """A classifier with its settings."""

    title: str  # as `title_of` makes it: "hog_svm", "hog_svm C=10", "ensemble of lbph, hog_svm C=10"
    name: str  # in `CLASSIFIERS`
    settings: tuple[str, ...]  # NAME=VALUE
    parameters: dict[str, Any]  # all of them, as JSON holds them

    def make(self) -> Any:
        """A new estimator, not fitted."""
        return estimator_maker(self.name, list(self.settings))()


def default_names(nested: bool) -> list[str]:
    """The classifiers that are compared when none are named; of flat classes no hierarchy."""
    left_out = ONLY_ON_REQUEST if nested else (*ONLY_ON_REQUEST, "hierarchical")
    return [name for name in CLASSIFIERS if name not in left_out]


def parse_contender(text: str) -> Contender:
    """A contender from NAME or NAME:PARAMETER=VALUE,PARAMETER=VALUE.

    Raises UserError for an unknown name or parameter, and for a library that is not installed.
    """
    name, colon, rest = text.partition(":")
    # Values may hold commas, as lists do: only one before the next NAME= separates.
    settings = tuple(re.split(r",(?=\w+=)", rest)) if colon else ()
    require(
        name in CLASSIFIERS, f"{text!r}: no such classifier; known are {', '.join(CLASSIFIERS)}"
    )
    try:
        estimator = estimator_maker(name, list(settings))()
        if name == "ensemble":
            estimator.member_settings()
    except ImportError as error:
        raise UserError(f"{name} needs a library that is not installed: {error}") from None
    except ValueError as error:
        raise UserError(f"{text}: {error}") from None
    parameters = all_parameters(estimator)
    return Contender(title_of(name, settings, parameters), name, settings, parameters)


def title_of(name: str, settings: Sequence[str], parameters: dict[str, Any]) -> str:
    """What a contender is called: its name and settings; of an ensemble those of its members."""
    if name != "ensemble" or not settings:
        return " ".join([name, *settings])
    members = []
    for member in str(parameters["estimators"]).split("+"):
        own = (parameters["settings"] or {}).get(member, {})
        members.append(" ".join([member, *(f"{key}={json.dumps(own[key])}" for key in own)]))
    return f"ensemble of {', '.join(members)}"


def all_parameters(estimator: Any) -> dict[str, Any]:
    """An estimator's parameters as JSON holds them, with digests of the files that they name."""
    parameters = json.loads(json.dumps(estimator.get_params(deep=False), default=repr))
    # Predictions depend on what a file holds, not on its name.
    if parameters.get("init"):
        parameters["init_sha256"] = content_digest(starting_path(parameters["init"]))
    if parameters.get("weights") and Path(str(parameters["weights"])).is_file():
        parameters["weights_sha256"] = content_digest(Path(parameters["weights"]))
    return parameters


def content_digest(path: Path) -> str:
    """What a file holds, 64 hexadecimal digits."""
    return sha256(path.read_bytes()).hexdigest()


def parse_contenders(texts: Sequence[str]) -> list[Contender]:
    """All contenders; UserError when two are the same."""
    contenders = [parse_contender(text) for text in texts]
    seen: dict[str, str] = {}
    for contender in contenders:
        key = identity(contender.name, contender.parameters)
        require(
            key not in seen,
            f"{contender.title} and {seen.get(key)} are the same: leave one out",
        )
        seen[key] = contender.title
    return contenders


def identity(name: str, parameters: dict[str, Any]) -> str:
    """A text that is equal for equal classifiers."""
    return json.dumps([name, parameters], sort_keys=True)


def members_among(contender: Contender, contenders: Sequence[Contender]) -> tuple[Contender, ...]:
    """Which contenders are the members of an ensemble, in its order.

    Empty when one of them is none of the contenders, with equal parameters; and for what is no
    ensemble.
    """
    if contender.name != "ensemble":
        return ()
    try:
        wanted = [
            identity(classifier_name(member), all_parameters(member))
            for member in contender.make().new_members()
        ]
    except (ImportError, UserError, ValueError):
        return ()  # fitting it will say what is wrong
    known = {identity(one.name, one.parameters): one for one in contenders}
    return tuple(known[one] for one in wanted) if all(one in known for one in wanted) else ()
