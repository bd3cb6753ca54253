"""`opencv_traincascade`, as OpenCV 3.4.18 had it: the same flags, files, tables and rules.

A folder that the old tool began goes on here, and the reverse. What it said in riddles is said in
plain words as well, and where it died for lack of samples this goes on with those it has.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np

from cvbaseline.cascade import Stage
from cvbaseline.commands import INTERRUPTED
from cvbaseline.errors import require
from cvbaseline.old_tools.single_dash import run_tool
from cvbaseline.old_tools.traincascade_options import OBSOLETE, TraincascadeOptions, header
from cvbaseline.progress import Progress

Tell = Callable[[str], None]

CACHE_BYTES = 300 * 2**20
PROGRAM = "opencv_traincascade"
INTERRUPTED_BY_USER = "interrupted: finished stages are kept; the same command goes on with them"


class TraincascadeResult(NamedTuple):
    """What a run reached."""

    stages: list[Stage]
    stopped: str


def traincascade(
    options: TraincascadeOptions,
    tell: Tell = print,
    progress: Progress = lambda what, done, total: None,
) -> TraincascadeResult:
    """Train as opencv_traincascade does; `tell` gets what it printed, a line at a time.

    Ctrl-C keeps the finished stages and leaves a valid cascade.xml.

    Raises UserError when the samples or the folder cannot be used.
    """
    from cvbaseline import parallel

    options = _with_count_of_positives(_with_parameters_of_folder(options, tell))
    for line in header(options):
        tell(line)
    count = options.num_threads
    with parallel.threads(count), ThreadPoolExecutor(parallel.worker_count()) as threads:
        return _Run(options, threads, tell, progress).run()


def _with_count_of_positives(options: TraincascadeOptions) -> TraincascadeOptions:
    """The options with a number in place of -numPos auto."""
    from cvbaseline.formats.vec import load_vec
    from cvbaseline.preflight.samples import lasting_positives

    if options.num_pos != "auto":
        return options
    held = len(load_vec(options.vec, options.width, options.height).samples)
    rate = options.min_hit_rate
    return replace(options, num_pos=lasting_positives(held, options.num_stages, rate))


def _with_parameters_of_folder(options: TraincascadeOptions, tell: Tell) -> TraincascadeOptions:
    """The options, overridden by the folder's params.xml; each difference is told."""
    from cvbaseline.formats.cascade_xml import Parameters, load_parameters
    from cvbaseline.training.stage_files import differences

    path = options.data / "params.xml"
    if not path.exists():
        return options
    held = load_parameters(path)
    rule = "-" * 81
    tell(rule)
    tell("Training parameters are pre-loaded from the parameter file in data folder!")
    tell("Please empty this folder if you want to use a NEW set of training parameters.")
    tell(rule)
    kind, width, height = options.feature_type, options.width, options.height
    given = Parameters(kind, width, height, options.parameters)
    for name, there, here in differences(held, given):
        tell(f"{path} says {name} {there}, the command line {here}: going on with {there}")
    training = held.training
    return replace(
        options,
        feature_type=held.feature_type,
        width=held.width,
        height=held.height,
        boost_type=training.boost_type,
        min_hit_rate=training.min_hit_rate,
        max_false_alarm=training.max_false_alarm,
        weight_trim_rate=training.weight_trim_rate,
        max_depth=training.max_depth,
        max_weak_count=training.max_weak_count,
        mode=training.mode or options.mode,
    )


class _Run:
    """One run: its readers, its stages so far, and the folder."""

    def __init__(
        self,
        options: TraincascadeOptions,
        threads: ThreadPoolExecutor,
        tell: Tell,
        progress: Progress,
    ):
        from cvbaseline.boosting.stage import StageGoals
        from cvbaseline.formats.annotations import load_background
        from cvbaseline.formats.cascade_xml import Parameters
        from cvbaseline.training.compile_ahead import compile_kernels
        from cvbaseline.training.negatives import (
            MinedNegatives,
            MiningPlan,
            NegativeReader,
        )
        from cvbaseline.training.old_rules import OldNegatives, OldPositives
        from cvbaseline.training.pictures import PictureCache, Source
        from cvbaseline.training.stage_files import StageFiles

        self.options = options
        self.tell = tell
        self.started = time.monotonic()
        size = (options.width, options.height)
        samples = self._samples()
        pictures = [Source(path, np.zeros((0, 4))) for path in load_background(options.bg)]
        require(bool(pictures), f"{options.bg} lists no picture: write a path on each line")
        self.leaf_rate = float(np.float32(options.max_false_alarm)) ** options.num_stages
        self.leaf_rate /= options.max_depth
        kind = options.feature_type
        self.files = StageFiles(options.data, Parameters(kind, *size, options.parameters))
        self.goals = StageGoals.of(options.parameters)
        threads.submit(compile_kernels, kind, self.files.pool, self.goals, options.search, *size)
        self.stages = self.files.load_stages(options.num_stages)
        require(
            bool(self.stages) or not self.files.has("cascade.xml"),
            f"{options.data} holds a cascade.xml and no stage0.xml: name another folder",
        )
        self.positives = OldPositives(samples)
        self.negatives: NegativeReader
        if options.search == "exhaustive":
            cache = PictureCache(pictures, CACHE_BYTES, tell, longest_side=2**31)
            self.negatives = OldNegatives(cache, *size, self.leaf_rate, threads)
        else:
            cache = PictureCache(pictures, CACHE_BYTES, tell)
            plan = MiningPlan(*size, options.max_false_alarm, least_rate=self.leaf_rate)
            mined = MinedNegatives(cache, plan, threads, progress=progress)
            mined.former = self.files.load_negatives(self.stages)
            self.negatives = mined

    def _samples(self) -> np.ndarray:
        """The samples of the .vec, uint8 (n, height, width)."""
        from cvbaseline.formats.vec import load_vec

        vec = load_vec(self.options.vec, self.options.width, self.options.height)
        if vec.claimed > len(vec.samples):
            self.tell(
                f"{self.options.vec} says {vec.claimed} samples and holds {len(vec.samples)}: "
                "going on with those"
            )
        return vec.samples

    def run(self) -> TraincascadeResult:
        """Train the stages that are not there yet, then write cascade.xml."""
        width, height = self.options.width, self.options.height
        count = len(self.files.pool[0])
        self.tell(f"Number of unique features given windowSize [{width},{height}] : {count}")
        if self.stages:
            last = len(self.stages) - 1
            self.tell(f"\nStages 0-{last} are loaded" if last else "\nStage 0 is loaded")
        stopped = ""
        try:
            while not stopped and len(self.stages) < self.options.num_stages:
                stopped = self._train_next()
        except KeyboardInterrupt:
            stopped = INTERRUPTED_BY_USER
            self.tell(stopped)
        if self.stages:
            self._save_cascade()
        elif stopped != INTERRUPTED_BY_USER:
            self.tell("Cascade classifier can't be trained. Check the used training parameters.")
        return TraincascadeResult(self.stages, stopped)

    def _save_cascade(self) -> None:
        from cvbaseline.formats.cascade_xml import render_cascade_old_layout
        from cvbaseline.formats.files import write_bytes

        if self.options.base_format_save:
            data = render_cascade_old_layout(self.files.cascade(self.stages))
            write_bytes(self.files.path / "cascade.xml", data)
        else:
            self.files.save_cascade(self.stages)

    def _train_next(self) -> str:
        """Train and write one stage; the reason when there is none to train."""
        self.tell(f"\n===== TRAINING {len(self.stages)}-stage =====")
        self.tell("<BEGIN")
        samples = self._collect()
        if isinstance(samples, str):
            return samples
        stage = self._boost(*samples)
        if stage is None:
            return self._end(
                "", "no feature tells the positives from the negatives that are left"
            )
        self.files.save_stage([*self.stages, stage], samples[1])
        self.stages.append(stage)
        self._save_cascade()
        self.tell("END>")
        self.tell(f"Training until now has taken {_duration(time.monotonic() - self.started)}.")
        return ""

    def _end(self, line: str, words: str) -> str:
        """Tell why the training ends: the old tool's line, then plain words."""
        if line:
            self.tell(line)
        self.tell(f"({words})")
        return words

    def _collect(self) -> "tuple[np.ndarray, np.ndarray] | str":
        """Positives and negatives of the next stage, or why there are none."""
        number, options = len(self.stages), self.options
        cascade = self.files.cascade(self.stages)
        full = "Train dataset for temp stage can not be filled. Branch training terminated."
        positives = self.positives.read(number, cascade, options.num_pos)
        found = len(positives.windows)
        if not found:
            words = f"none of the {positives.examined} samples of {options.vec} passes the stages"
            return self._end(full, words)
        self.tell(f"POS count : consumed   {found} : {positives.examined}")
        if found < options.num_pos:
            self.tell(self._shortage(found))
        wanted = max(1, round(options.num_neg * found / options.num_pos))
        negatives = self.negatives.read(number, cascade, wanted)
        # Where the former stage's negatives were enough, all that was looked at has passed.
        rate = negatives.passed / negatives.examined if negatives.examined else 1.0
        if not len(negatives.windows) and not negatives.examined:
            return self._end(
                full,
                f"no picture that {options.bg} lists could be read and holds a window of "
                f"{options.width}x{options.height} pixels with any contrast",
            )
        self.tell(f"NEG count : acceptanceRatio    {len(negatives.windows)} : {rate:g}")
        stopped = self._goal_reached(rate, negatives.passed, negatives.examined)
        too_few = options.search == "fast" and len(negatives.windows) < wanted / 2
        if too_few and not stopped:
            return self._end(
                full,
                f"only {len(negatives.windows)} of {wanted} negatives found in "
                f"{negatives.examined} windows: a stage would learn those by heart; add pictures "
                f"to {options.bg}",
            )
        return stopped or (positives.windows, negatives.windows)

    def _shortage(self, found: int) -> str:
        """What the old tool died of ("Can not get new positive sample"), and the mend."""
        from cvbaseline.preflight.samples import lasting_positives

        options, held = self.options, len(self.positives.samples)
        lasting = lasting_positives(held, options.num_stages, options.min_hit_rate)
        return (
            f"({options.vec} holds {held} samples, {found} of them pass the stages so far: going "
            f"on with {found} instead of {options.num_pos} positives; -numPos "
            f"{lasting} should last for {options.num_stages} stages)"
        )

    def _goal_reached(self, rate: float, passed: int, examined: int) -> str:
        """Why the negatives' rate ends the training, if it does."""
        options = self.options
        of = f"{passed} of {examined} windows without the object passed"
        if rate <= self.leaf_rate:
            return self._end(
                "Required leaf false alarm rate achieved. Branch training terminated.",
                f"{of}, not more than maxFalseAlarmRate^numStages = {self.leaf_rate:.3g}: the goal "
                "of all stages together; a larger -numStages trains further",
            )
        if 0 <= options.acceptance_ratio_break_value >= rate:
            return self._end(
                "The required acceptanceRatio for the model has been reached to avoid overfitting "
                "of trainingdata. Branch training terminated.",
                f"{of}, not more than -acceptanceRatioBreakValue asks for",
            )
        return ""

    def _boost(self, positives: np.ndarray, negatives: np.ndarray) -> Optional[Stage]:
        """The stage, its table told row by row."""
        from cvbaseline.boosting.stage import Progress, train_stage

        options = self.options
        rule = "+----+---------+---------+"
        self.tell("Precalculation time: 0")
        self.tell(f"{rule}\n|  N |    HR   |    FA   |\n{rule}")

        def row(made: Progress) -> None:
            self.tell(f"|{made.count:4d}|{made.hit_rate:9.6g}|{made.false_alarm:9.6g}|\n{rule}")

        return train_stage(
            positives, negatives, options.feature_type, self.files.pool, self.goals,
            options.search, report=row,
        )  # fmt: skip


def _duration(seconds: float) -> str:
    """Seconds as the old tool writes them."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} hours {minutes} minutes {seconds} seconds"


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The console script `opencv_traincascade`; the exit code is 2 for a user's mistake."""

    def run(options: TraincascadeOptions, tell: Tell) -> int:
        from cvbaseline.preflight.findings import report_before_run
        from cvbaseline.preflight.traincascade_run import check_traincascade
        from cvbaseline.progress import ProgressLine

        report_before_run(check_traincascade(options).findings, _warn)
        progress = ProgressLine()
        result = traincascade(options, progress.tell, progress)
        if result.stopped == INTERRUPTED_BY_USER:
            return INTERRUPTED
        return 0 if result.stages else 1

    return run_tool(PROGRAM, TraincascadeOptions, run, argv, OBSOLETE)


def _warn(line: str) -> None:
    import sys

    print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)
