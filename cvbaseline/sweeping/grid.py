"""The grid of a sweep: values for every field of the detection's parameters, and their product.

Options, values and settings follow from the fields of `DetectionParameters`: a new field is swept
without a line here. Values are written as

    1.05,1.1,1.2     a list
    3-10  20-60:10   a range of whole numbers, with a step
    1.1-1.5:0.1      a range of other numbers, always with a step
    yes  no  both    for a switch
    none             for a value that may be absent
    all              for a choice between names
"""

import math
import re
from collections.abc import Sequence
from dataclasses import Field, fields, make_dataclass, replace
from itertools import product
from typing import Any, Literal, Optional, Union, get_args, get_origin, get_type_hints

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError, require
from cvbaseline.options import option

# Other fields stand still at their default unless they are asked for.
DEFAULT_VALUES = {
    "scale_factor": "1.05,1.1,1.15,1.2,1.3,1.4",
    "min_neighbors": "1-20",
    "equalise_picture": "both",
}
SWITCH = {"yes": (True,), "no": (False,), "both": (False, True)}
MOST_VALUES = 1000  # of one field
MOST_SETTINGS = 5000

NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"
RANGE = re.compile(rf"({NUMBER})-({NUMBER})(?::({NUMBER}))?")


def _option_of(field: "Field[Any]") -> tuple[str, type, Any]:
    """The field that holds a list of values for `field`, as text."""
    help = re.sub(r" \(default: .*\)$", "", field.metadata["help"].replace("%%", "%"))
    default = DEFAULT_VALUES.get(field.name, _as_text(field.default))
    return field.name, str, option(default, f"values for: {help}", metavar="VALUES")


def _as_text(value: Any) -> str:
    """A value as it is written in a list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


GridOptions = make_dataclass(
    "GridOptions", map(_option_of, fields(DetectionParameters)), frozen=True, kw_only=True
)
GridOptions.__doc__ = "Values for each field of DetectionParameters, as text."


def grid_settings(options: Any) -> list[DetectionParameters]:
    """All combinations of the values that are parameters; the last field changes first.

    Parameters
    ----------
    options : a GridOptions

    Raises UserError for values that cannot be read, or that make no setting with any others.
    """
    kinds = get_type_hints(DetectionParameters)
    names = [field.name for field in fields(DetectionParameters)]
    values = {name: parse_values(getattr(options, name), kinds[name], name) for name in names}
    count = math.prod(map(len, values.values()))
    require(count <= MOST_SETTINGS, f"{count:,} settings; at most {MOST_SETTINGS:,}: fewer values")
    settings, refused = [], []
    for combination in product(*values.values()):
        chosen = dict(zip(names, combination))
        try:
            settings.append(DetectionParameters(**chosen))
        except UserError as error:
            refused.append((chosen, error))
    for name in names:
        usable = {getattr(setting, name) for setting in settings}
        for chosen, error in refused:
            if chosen[name] not in usable:
                raise error
    return settings


def search_of(setting: DetectionParameters) -> DetectionParameters:
    """The search whose boxes serve the setting: one serves every min_neighbors from 1 on."""
    return replace(setting, min_neighbors=min(setting.min_neighbors, 1))


def parse_values(text: str, kind: Any, name: str) -> tuple[Any, ...]:
    """The different values of a field of type `kind`, in the order they are written in."""
    values: list[Any] = []
    for word in text.split(","):
        values += _values_of(word.strip(), kind, f"--{name.replace('_', '-')}")
    unique = tuple(dict.fromkeys(values))
    require(len(unique) <= MOST_VALUES, f"--{name.replace('_', '-')} has {len(unique):,} values")
    return unique


def _values_of(word: str, kind: Any, flag: str) -> Sequence[Any]:
    if get_origin(kind) is Union:  # Optional
        if word.lower() == "none":
            return (None,)
        kind = next(one for one in get_args(kind) if one is not type(None))
    if kind is bool:
        require(word.lower() in SWITCH, f"{flag}: {word!r} is none of {', '.join(SWITCH)}")
        return SWITCH[word.lower()]
    if get_origin(kind) is Literal:
        names = get_args(kind)
        require(word in (*names, "all"), f"{flag}: {word!r} is none of {', '.join(names)}, all")
        return names if word == "all" else (word,)
    span = RANGE.fullmatch(word) if kind in (int, float) else None
    if span:
        return _range(*span.groups(), kind, flag)
    try:
        return (kind(word),)
    except ValueError:
        what = {int: "a whole number", float: "a number"}.get(kind, f"a {kind.__name__}")
        raise UserError(
            f"{flag}: {word!r} is not {what}; write a list (1,2,5) or a range (1-5, 1-5:0.5)"
        ) from None


def _range(first: str, last: str, step: Optional[str], kind: Any, flag: str) -> list[Any]:
    """first, first + step, ... up to and with last."""
    written = f"{first}-{last}" + (f":{step}" if step else "")
    require(bool(step) or kind is int, f"{flag}: {written} needs a step, as in {first}-{last}:0.1")
    try:
        start, end, stride = kind(first), kind(last), kind(step or 1)
    except ValueError:
        raise UserError(f"{flag}: {written} must be whole numbers") from None
    require(stride > 0 and start <= end, f"{flag}: {written} is an empty range")
    steps = int((end - start) / stride + 1e-6)
    require(steps < MOST_VALUES, f"{flag}: {written} is more than {MOST_VALUES:,} values")
    values = [start + i * stride for i in range(steps + 1)]
    return values if kind is int else [round(value, 9) for value in values]
