"""Training of cascades: a stage's positives and hard negatives, boosting, the folder, the report.

`train_cascade` is the verb `cascade train`. The heavy libraries load when it is called.
"""

from typing import TYPE_CHECKING, Callable

from cvbaseline.training.options import CascadeTrainingOptions

if TYPE_CHECKING:
    from cvbaseline.training.loop import TrainingResult

__all__ = ["INTERRUPTED_BY_USER", "CascadeTrainingOptions", "train_cascade"]

# How a result's `stopped` ends after Ctrl-C.
INTERRUPTED_BY_USER = "interrupted"


def train_cascade(
    options: CascadeTrainingOptions,
    tell: Callable[[str], None] = lambda line: None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> "TrainingResult":
    """Train as the options say; the cascade is in `options.output` after every stage.

    Parameters
    ----------
    options : what to train from, and how
    tell : called with lines for the user
    progress : called with what is under way, how much of it is done, and how much there is

    Raises UserError when the positives, negatives or the output folder cannot be used. Ctrl-C and
    the end of the budget are no errors: the stages that are finished stay.
    """
    from cvbaseline.training.loop import train

    return train(options, tell, progress)
