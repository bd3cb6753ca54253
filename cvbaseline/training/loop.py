"""The cascade's loop (Viola & Jones 2001, section 4): a stage at a time, each on what is left.

Positives that the cascade so far accepts, negatives that it wrongly accepts, a boosted stage that
tells them apart, and again, until the stages are done or the negatives run out.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import numpy as np

from cvbaseline import parallel
from cvbaseline.boosting.stage import Progress as BoostingProgress
from cvbaseline.boosting.stage import StageGoals, train_stage
from cvbaseline.cascade import Cascade, Stage
from cvbaseline.evaluation.evaluator import passes
from cvbaseline.progress import Progress
from cvbaseline.training import INTERRUPTED_BY_USER
from cvbaseline.training.compile_ahead import compile_kernels
from cvbaseline.training.negatives import MinedNegatives, MiningPlan
from cvbaseline.training.options import CascadeTrainingOptions
from cvbaseline.training.output import TrainingFolder
from cvbaseline.training.pictures import PictureCache, list_sources
from cvbaseline.training.positives import Sampled, load_positives
from cvbaseline.training.stage_report import StageReport, describe_stage
from cvbaseline.training.validation import HIGHEST_FALSE_ALARM, ValidationPictures

Tell = Callable[[str], None]

# With fewer than this share of the negatives wanted, a stage would learn them by heart.
FEWEST_NEGATIVES = 0.5
FEWEST_POSITIVES = 10

VARIED_POSITIVES = 2000  # windows of a stage at least when few faces are varied


class TrainingResult(NamedTuple):
    """What a training reached."""

    cascade: Cascade
    path: Path  # of cascade.xml
    reports: tuple[StageReport, ...]
    stopped: str  # why it ended, in plain words


class _BudgetSpent(Exception):
    """The time is up."""


class _Stopped(Exception):
    """The training ends before the last stage; the text says why."""


@dataclass
class _Clock:
    """Seconds of the run against its budget."""

    budget: Optional[float]
    started: float

    def check(self) -> None:
        """Raise _BudgetSpent when the time is up."""
        if self.budget is not None and time.monotonic() - self.started >= self.budget:
            raise _BudgetSpent


class _Lap:
    """Seconds since the lap before."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self) -> float:
        before, self.last = self.last, time.monotonic()
        return self.last - before


def train(options: CascadeTrainingOptions, tell: Tell, progress: Progress) -> TrainingResult:
    """See `cvbaseline.training.train_cascade`."""
    clock = _Clock(options.budget, time.monotonic())
    with parallel.threads(options.jobs), ThreadPoolExecutor(parallel.worker_count()) as threads:
        return _Training(options, threads, clock, tell, progress).run()


class _Training:
    """One training under way."""

    def __init__(
        self,
        options: CascadeTrainingOptions,
        threads: ThreadPoolExecutor,
        clock: _Clock,
        tell: Tell,
        progress: Progress,
    ):
        self.options = options
        self.clock = clock
        self.tell = tell
        self.progress = progress
        self.folder = TrainingFolder(options)
        self.stages, self.reports, former = self.folder.open()
        threads.submit(
            compile_kernels, options.feature_type, self.folder.pool, self._goals(), options.search,
            options.width, options.height,
        )  # fmt: skip
        self.positives = load_positives(options, threads, tell)
        cache = PictureCache(list_sources(options), options.cache_mb * 2**20, tell)
        plan = MiningPlan(
            width=options.width,
            height=options.height,
            max_false_alarm=options.parameters.max_false_alarm,
            seed=options.seed,
            windows_per_picture=options.windows_per_picture,
            most_scanned=options.scan_limit * 1_000_000,
        )
        self.negatives = MinedNegatives(cache, plan, threads, clock.check, progress)
        self.negatives.former = former
        self.validation = ValidationPictures(options.validate, tell)
        # Windows never trained on that pass the stages so far.
        self.check = self.positives.check
        if len(self.check):
            self.check = self.check[passes(self.folder.cascade(self.stages), self.check)]
        self.positive_count, self.negative_count = self._counts()

    def _counts(self) -> tuple[int, int]:
        """Positives and negatives of a stage."""
        available = self.positives.available
        positives = self.options.num_positives
        if positives is None:
            varied = self.options.augment != "none"
            positives = max(available, VARIED_POSITIVES) if varied else available
        return positives, self.options.num_negatives or positives

    def run(self) -> TrainingResult:
        """Train the stages that are not there yet."""
        if self.stages:
            self.tell(f"going on after {len(self.stages)} stages in {self.options.output}")
        stopped = f"all {self.options.num_stages} stages are trained"
        try:
            while len(self.stages) < self.options.num_stages:
                self.clock.check()
                self._train_next()
        except _Stopped as reason:
            stopped = str(reason)
        except _BudgetSpent:
            stopped = f"the budget of {self.options.budget:g} s is spent"
        except KeyboardInterrupt:
            stopped = INTERRUPTED_BY_USER
        return self._finish(f"{len(self.stages)} stages: {stopped}")

    def _finish(self, stopped: str) -> TrainingResult:
        """Leave a whole folder behind, whatever came before."""
        if self.stages:
            self.folder.save_cascade(self.stages)
        self.folder.save_report(self.reports, self.positives.held_out, stopped)
        self.tell(stopped)
        path = self.options.output / "cascade.xml"
        return TrainingResult(
            self.folder.cascade(self.stages), path, tuple(self.reports), stopped
        )

    def _train_next(self) -> None:
        """Train one stage, write it, report it."""
        number, lap = len(self.stages), _Lap()
        cascade = self.folder.cascade(self.stages)
        positives = self.positives.reader.read(number, cascade, self.positive_count)
        self._check_positives(positives)
        seconds_positives = lap()
        wanted = round(self.negative_count * len(positives.windows) / self.positive_count)
        negatives = self.negatives.read(number, cascade, wanted)
        self._check_negatives(negatives, wanted)
        seconds_negatives = lap()
        stage = self._boost(positives.windows, negatives.windows)
        report = self._measure(stage, positives, negatives)
        report = replace(
            report,
            seconds_positives=seconds_positives,
            seconds_negatives=seconds_negatives,
            seconds_boosting=lap(),
        )
        self._keep(stage, report, negatives.windows)

    def _check_positives(self, positives: Sampled) -> None:
        """Raises _Stopped when too few positives are left."""
        found = len(positives.windows)
        if found < FEWEST_POSITIVES:
            raise _Stopped(
                f"only {found} positives pass the stages so far: give more positives, or raise "
                "--min-hit-rate"
            )
        if found < self.positive_count:
            self.tell(
                f"stage {len(self.stages)}: {found} of {self.positive_count} positives are left: "
                "going on with them"
            )

    def _check_negatives(self, negatives: Sampled, wanted: int) -> None:
        """Raises _Stopped when the pictures hold too few negatives."""
        found = len(negatives.windows)
        if found >= max(FEWEST_POSITIVES, FEWEST_NEGATIVES * wanted):
            if found < wanted:
                self.tell(
                    f"stage {len(self.stages)}: {found} of {wanted} negatives found: going on "
                    "with them"
                )
            return
        raise _Stopped(
            f"the negatives ran out: {found} of {wanted} found in {negatives.examined:,} windows, "
            "and another stage would learn those by heart; add pictures without the object to "
            "train further"
        )

    def _goals(self) -> StageGoals:
        """Those of the next stage."""
        return StageGoals.of(self.options.stage_parameters(len(self.stages)))

    def _boost(self, positives: np.ndarray, negatives: np.ndarray) -> Stage:
        """The stage that tells them apart."""

        def under_way(made: BoostingProgress) -> None:
            self.clock.check()
            self.progress("weak classifiers", made.count, self.options.max_weak_count)

        options, pool = self.options, self.folder.pool
        stage = train_stage(
            positives, negatives, options.feature_type, pool, self._goals(), options.search,
            seed=options.seed + len(self.stages), report=under_way,
        )  # fmt: skip
        if stage is None:
            raise _Stopped("no feature tells the positives from the negatives that are left")
        return stage

    def _measure(self, stage: Stage, positives: Sampled, negatives: Sampled) -> StageReport:
        """The stage's rates as a detector decides, on the samples and on those never seen."""
        alone = self.folder.cascade([stage])
        reaching = self.check
        staying = reaching[passes(alone, reaching)]
        self.check = staying
        total = len(self.positives.check)
        return StageReport(
            stage=len(self.stages),
            weak_count=stage.trees.count,
            positives=len(positives.windows),
            positives_examined=positives.examined,
            negatives=len(negatives.windows),
            negatives_survived=negatives.kept,
            windows_scanned=negatives.examined,
            windows_passed=negatives.passed,
            hit_rate=float(passes(alone, positives.windows).mean()),
            false_alarm=float(passes(alone, negatives.windows).mean()),
            check_hit_rate=len(staying) / len(reaching) if len(reaching) else None,
            check_hit_rate_total=len(staying) / total if total else None,
        )

    def _keep(self, stage: Stage, report: StageReport, negatives: np.ndarray) -> None:
        """Write the stage and tell of it; interrupted before it is written, it is forgotten."""
        self.folder.save_stage([*self.stages, stage], negatives)
        self.stages.append(stage)
        self.reports.append(report)
        self.folder.save_cascade(self.stages)
        held_out = self.positives.held_out
        # Interrupted in the validation, which may take long, the stage has its report without it.
        self.folder.save_report(self.reports, held_out, None)
        self.reports[-1] = self._validate(report)
        self.tell(describe_stage(self.reports[-1], held_out))
        self.folder.save_report(self.reports, held_out, None)

    def _validate(self, report: StageReport) -> StageReport:
        """The report with found and false boxes, once there are not too many of them."""
        rate = report.windows_passed / max(1, report.windows_scanned) * report.false_alarm
        if not len(self.validation) or rate > HIGHEST_FALSE_ALARM:
            return report
        measured = self.validation.measure(
            self.folder.path / "cascade.xml", self.options.width, self.options.min_neighbors
        )
        return replace(
            report,
            faces=measured.faces,
            faces_found=measured.found,
            false_boxes=measured.false_boxes,
        )
