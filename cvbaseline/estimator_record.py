"""A fitted classifier as JSON and arrays, and back, trusting nothing.

The record of an estimator holds its name, parameters, learnt numbers and the names of its learnt
arrays. An estimator made of others keeps them in `members_`: its record holds theirs, and the
names of their arrays begin with the member's number, like `0/mean_`.
"""

import re
from typing import Any, NoReturn

import numpy as np

from cvbaseline.classifiers import CLASSIFIERS, as_tuples, classifier_class, classifier_name
from cvbaseline.errors import FormatError

ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]*[A-Za-z0-9]_")
NUMBER = (bool, int, float, str, type(None))
MEMBERS = "members_"
DEEPEST = 3  # ensembles within ensembles

Record = dict[str, Any]
Arrays = dict[str, np.ndarray]


def describe_estimator(estimator: Any) -> tuple[Record, Arrays]:
    """What `rebuild_estimator` needs: the record, and all arrays by name."""
    numbers: dict[str, Any] = {}
    own: Arrays = {}
    for name, value in sorted(vars(estimator).items()):
        if not name.endswith("_") or name.startswith("_") or name == MEMBERS:
            continue
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, NUMBER):
            numbers[name] = value
        else:
            own[name] = np.ascontiguousarray(value)
            if own[name].dtype.kind not in "biufU":
                raise ValueError(
                    f"{name} holds {own[name].dtype}: a model file holds numbers and text"
                )
    record = {
        "estimator": classifier_name(estimator),
        "parameters": estimator.get_params(deep=False),
        "numbers": numbers,
        "arrays": sorted(own),
    }
    arrays = dict(own)
    if hasattr(estimator, MEMBERS):
        record["members"] = []
        for number, member in enumerate(getattr(estimator, MEMBERS)):
            member_record, member_arrays = describe_estimator(member)
            record["members"].append(member_record)
            arrays |= {f"{number}/{name}": array for name, array in member_arrays.items()}
    return record, arrays


def rebuild_estimator(record: Record, arrays: Arrays, source: str, place: str) -> Any:
    """The estimator of a record; `source` and `place` name the file in errors.

    Parameters of today that the record lacks keep their defaults: the file is older than they.
    FormatError unless the arrays are exactly those of the record.
    """
    expected = sorted(_array_names(record, source, place))
    if expected != sorted(arrays):
        raise FormatError(source, f"expected the arrays {expected}, found {sorted(arrays)}", place)
    return _rebuild(record, arrays, source, place)


def _array_names(record: Record, source: str, place: str, prefix: str = "") -> list[str]:
    """The names of the arrays of a record and of its members, all of whose parts are checked."""

    def refuse(problem: str) -> NoReturn:
        raise FormatError(source, problem, place)

    name = record.get("estimator")
    if not isinstance(name, str) or name not in CLASSIFIERS:
        refuse(f"unknown estimator {name!r}; known are {', '.join(CLASSIFIERS)}")
    for key, kind in {"parameters": dict, "numbers": dict, "arrays": list}.items():
        if not isinstance(record.get(key), kind):
            refuse(f"{key} must be a {kind.__name__}, not {type(record.get(key)).__name__}")
    if not all(isinstance(array, str) for array in record["arrays"]):
        refuse("arrays must be names")
    members = record.get("members", [])
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        refuse("members must be a list of records")
    if members and prefix.count("/") >= DEEPEST:
        refuse(f"members within members are more than {DEEPEST} deep")
    names = [f"{prefix}{array}" for array in record["arrays"]]
    for number, member in enumerate(members):
        names += _array_names(member, source, place, f"{prefix}{number}/")
    return names


def _rebuild(record: Record, arrays: Arrays, source: str, place: str, prefix: str = "") -> Any:
    """The estimator of a checked record, with the arrays whose names begin with `prefix`."""
    name = record["estimator"]
    estimator_class = classifier_class(name)
    parameters = {key: as_tuples(value) for key, value in record["parameters"].items()}
    known = estimator_class().get_params(deep=False)
    if not known.keys() >= parameters.keys():
        problem = f"parameters of {name} expected, found {sorted(parameters)}"
        raise FormatError(source, problem, place)
    estimator = estimator_class(**parameters)
    for attribute, value in record["numbers"].items():
        if not isinstance(value, NUMBER):
            raise FormatError(source, f"numbers/{attribute} is not a number or text", place)
    state = {**record["numbers"], **{key: arrays[f"{prefix}{key}"] for key in record["arrays"]}}
    if "members" in record:
        state[MEMBERS] = [
            _rebuild(member, arrays, source, place, f"{prefix}{number}/")
            for number, member in enumerate(record["members"])
        ]
    for attribute, value in state.items():
        if not ATTRIBUTE.fullmatch(attribute) or hasattr(estimator_class, attribute):
            raise FormatError(source, f"{attribute!r} is not a learnt attribute", place)
        setattr(estimator, attribute, value)
    return estimator
