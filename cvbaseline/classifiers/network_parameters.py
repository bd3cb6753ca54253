"""What the parameters of a network's training may be."""

from numbers import Integral, Real
from typing import Any


def check_training_parameters(estimator: Any, least: dict[str, int]) -> None:
    """ValueError for parameters that no training can have; `least` holds further whole numbers."""
    least = {"patience": 1, "batch_size": 1, "seed": 0, **least}
    if estimator.epochs is not None:
        least["epochs"] = 1
    for name, lowest in least.items():
        value = getattr(estimator, name)
        if not (isinstance(value, Integral) and value >= lowest):
            raise ValueError(f"{name} must be a number from {lowest}, not {value!r}")
    if estimator.size > 512:
        raise ValueError(f"size must be at most 512, not {estimator.size}")
    if not (isinstance(estimator.learning_rate, Real) and estimator.learning_rate > 0):
        raise ValueError(f"learning_rate must be above 0, not {estimator.learning_rate!r}")
    for name in ("weight_decay", "label_smoothing", "dropout", "validation_share"):
        value = getattr(estimator, name)
        if not (isinstance(value, Real) and 0 <= value < 1):
            raise ValueError(f"{name} must be from 0 to below 1, not {value!r}")
