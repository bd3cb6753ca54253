"""Classifiers by their name and by parameters that a user writes as NAME=VALUE."""

import json
from collections.abc import Callable
from typing import Any, Optional

from cvbaseline.classifiers import as_tuples, classifier_class
from cvbaseline.errors import require


def estimator_maker(
    name: str, settings: list[str], start: Optional[dict[str, Any]] = None
) -> Callable[[], Any]:
    """A function that makes estimators of that name with parameters from NAME=VALUE words.

    Those of `start` stay where the words name no others.
    Values are JSON where they can be read so (numbers, null, true, lists), else text.
    Raises UserError for a parameter that the classifier does not have or that it lacks, and
    MissingLibrary when it needs one.
    """
    kind = classifier_class(name)
    known = kind().get_params(deep=False)
    parameters = dict(start or {})
    for setting in settings:
        key, equals, text = setting.partition("=")
        require(
            bool(equals) and key in known,
            f"{setting!r} is no parameter of {name}: give NAME=VALUE, NAME being one of "
            + ", ".join(known),
        )
        try:
            parameters[key] = as_tuples(json.loads(text))
        except ValueError:
            parameters[key] = text
    require(
        name != "onnx" or bool(parameters.get("init")),
        "onnx needs a trained network to start from: init=default, or init=FILE",
    )
    if name in ("cnn", "transfer"):
        from cvbaseline.classifiers.keras_network import keras_backend

        keras_backend()
    if name == "transfer":
        kind(**parameters).check_source()
    return lambda: kind(**parameters)
