"""What `cvbaseline benchmark` can be asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from cvbaseline.classifiers import CLASSIFIERS
from cvbaseline.data_sources import DataOptions
from cvbaseline.errors import require
from cvbaseline.options import option

DEFAULT_CV = "5x2"


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(DataOptions):
    """Compare face classifiers on the same crops and splits, with intervals, as a report."""

    out: Path = option(
        Path("benchmark"), "folder for the report and the predictions", metavar="FOLDER"
    )
    classifiers: tuple[str, ...] = option(
        (),
        f"contenders, some of: {' '.join(CLASSIFIERS)}; with settings as in hog_svm:C=1,gamma=3 "
        "(default: all that need neither further libraries nor hours)",
        type=str,
        nargs="+",
        metavar="NAME",
    )
    cv: Optional[str] = option(
        None,
        "cross-validation with so many folds and repeats, like 10x1; of data that come split only "
        f"the training part is used (default: the split they come with, else {DEFAULT_CV})",
        metavar="FOLDSxREPEATS",
    )
    test: Optional[str] = option(
        None,
        "data to test on, in any of the forms of DATA; or the name of a part of DATA, like "
        "PublicTest",
        metavar="DATA_OR_PART",
    )
    allow_leaks: bool = option(
        False, "measure although test pictures are in training; the report tells both results"
    )
    drop_leaks: bool = option(False, "leave copies of test pictures out of training")
    learning_curve: bool = option(False, "also learn from parts of the training pictures")
    robustness: bool = option(
        False, "also test on faces with blur, noise, shift and lower resolution"
    )
    pictures: bool = option(True, "--no-pictures: a report without any picture of a face")
    jobs: int = option(1, "processes at once; times are only comparable with 1")
    threads: int = option(1, "threads of each process; other numbers may round differently")
    seed: int = option(0, "seed of folds, parts and bootstrap draws")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "classifiers", tuple(self.classifiers))
        require(self.cv is None or self.test is None, "--cv and --test exclude each other")
        require(
            not (self.allow_leaks and self.drop_leaks),
            "--allow-leaks and --drop-leaks exclude each other",
        )
        for name in ("jobs", "threads"):
            value = getattr(self, name)
            require(1 <= value <= 1024, f"--{name} must be 1 to 1024, got {value}")
        require(self.seed >= 0, f"--seed must not be negative, got {self.seed}")
