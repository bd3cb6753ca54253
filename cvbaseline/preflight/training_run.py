"""Quick checks of a run of `cascade train`."""

from pathlib import Path

import numpy as np

from cvbaseline.formats.annotations import Annotation
from cvbaseline.images import find_pictures
from cvbaseline.preflight import background
from cvbaseline.preflight.findings import Finding
from cvbaseline.preflight.lists import placed_annotations
from cvbaseline.preflight.pictures import Look, look_at
from cvbaseline.training.options import CascadeTrainingOptions
from cvbaseline.training.pictures import list_sources


def check_training(options: CascadeTrainingOptions) -> list[Finding]:
    """What can be wrong with the pictures of `cascade train`, at a quick look.

    What its readers tell themselves, unreadable pictures above all, is left to them.
    """
    size = (options.width, options.height)
    sources = list_sources(options)
    where = ", ".join(map(str, [*options.negatives, *options.boxed_negatives]))
    looks = look_at([source.path for source in sources])
    findings: list[Finding] = []
    if not any(look.size for look in looks):
        findings.append(background.no_readable(where))
    findings += background.check_sizes(looks, *size, where)
    findings += background.check_duplicates(looks, where)
    unboxed = [look for look, source in zip(looks, sources) if not len(source.boxes)]
    for path in options.positives:
        findings += _check_positive_source(path, unboxed, where)
    return findings


def _check_positive_source(path: Path, negatives: list[Look], where: str) -> list[Finding]:
    """Whether pictures of the positives are among the negatives."""
    if path.is_dir():
        whole = np.array([[0, 0, 1, 1]], np.int32)  # a crop is a box as a whole
        boxed = [Annotation(str(picture), whole) for picture in find_pictures(path)]
    elif path.is_file() and path.suffix.lower() != ".vec":
        boxed = placed_annotations(path)
    else:
        boxed = []
    return background.check_positives_among(negatives, boxed, where)
