"""Parameters of a training as the words of a command line."""

from collections.abc import Mapping

# Nearly all windows end in the first stages. These may miss some of the many windows that show a
# face, for the sake of few weak classifiers and few false alarms: rates of the first stages, and of
# all that follow.
RATES = {
    "LBP": {
        "min-hit-rate": (0.99, 0.993, 0.996, 0.998), "max-false-alarm": (0.35, 0.4, 0.45, 0.5),
    },
    "HAAR": {
        "min-hit-rate": (0.995, 0.996, 0.997, 0.998), "max-false-alarm": (0.4, 0.4, 0.45, 0.5),
    },
}  # fmt: skip


def flags(parameters: Mapping[str, object]) -> list[str]:
    """`--name=value` for each; a tuple's values follow its name as words of their own."""
    words = []
    for name, value in parameters.items():
        several = isinstance(value, tuple)
        words += [f"--{name}", *map(str, value)] if several else [f"--{name}={value}"]
    return words
