"""The part of the faces that a network does not learn from, by which its epochs are judged."""

from typing import Optional

import numpy as np

# So many tell the epochs apart; all others had better be learnt from.
MOST_FACES = 1000


def validation_rows(
    labels: np.ndarray, groups: Optional[np.ndarray], share: float, seed: int
) -> np.ndarray:
    """A mask of about that share of each class, or of groups that make it up.

    Of large sets the share is smaller: about MOST_FACES are held out at most. Of a class of 3 faces
    or more the mask holds at least one; every class keeps a face outside.
    """
    mask = np.zeros(len(labels), bool)
    share = min(share, MOST_FACES / len(labels))
    if share == 0:
        return mask
    if groups is not None:
        from sklearn.model_selection import StratifiedGroupKFold

        parts = min(max(2, round(1 / share)), len(np.unique(groups)))
        if parts >= 2:
            split = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
            mask[next(split.split(labels, labels, groups))[1]] = True
    else:
        generator = np.random.default_rng(seed)
        for label in np.unique(labels):
            rows = generator.permutation(np.flatnonzero(labels == label))
            count = max(round(share * len(rows)), int(len(rows) >= 3))
            mask[rows[: min(count, len(rows) - 1)]] = True
    return mask & np.isin(labels, labels[~mask])
