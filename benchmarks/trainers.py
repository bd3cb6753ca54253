"""Whole trainings by opencv_traincascade 3.4 and by ours, side by side: wall clock, memory, stages.

    python benchmarks/trainers.py OLD VEC BG [LBP|BASIC|ALL] [STAGES]

OLD is the program opencv_traincascade of OpenCV 3.4.18, VEC and BG the samples for both, given as
2,000 positives and 2,000 negatives at minHitRate .995 and maxFalseAlarmRate .5. One run each, one
after the other, both from cold: ours with an empty cache, so that compilation counts. BG must name
its pictures from the working directory, as the old program reads it.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from cvbaseline.formats.cascade_xml import load_stage

SAMPLES = "-numPos 2000 -numNeg 2000 -w 24 -h 24 -minHitRate 0.995 -maxFalseAlarmRate 0.5".split()
OLD_BUFFERS = "-precalcValBufSize 2048 -precalcIdxBufSize 2048".split()
JOBS = {
    "LBP": ["-featureType", "LBP"],
    "BASIC": ["-featureType", "HAAR", "-mode", "BASIC"],
    "ALL": ["-featureType", "HAAR", "-mode", "ALL"],
}
DEFAULT_STAGES = {"LBP": 16, "BASIC": 11, "ALL": 8}


class Run(NamedTuple):
    """What a training took and made."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    stages: int
    weak_classifiers: int


def run(words: list[str], output: Path, cache: Path) -> Run:
    """Run a trainer to its end; its peak memory is the operating system's account."""
    output.mkdir()
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    start = time.perf_counter()
    with open(output.parent / f"{output.name}.log", "wb") as log:
        outputs = [(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
        pid = os.posix_spawnp(words[0], words, environment, file_actions=outputs)
        _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{words[0]} failed: see {log.name}")
    stages = [load_stage(path) for path in output.glob("stage*.xml")]
    return Run(
        seconds,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        len(stages),
        sum(stage.trees.count for stage in stages),
    )


def main(old: str, vec: str, background: str, job: str, stages: int) -> None:
    """Both trainings, then the table."""
    common = [*JOBS[job], *SAMPLES, "-vec", vec, "-bg", background, "-numStages", str(stages)]
    folder = Path(tempfile.mkdtemp(prefix="trainers-"))
    ours = [sys.executable, "-m", "cvbaseline", "traincascade"]
    runs = {
        "ours": run([*ours, "-data", str(folder / "ours"), *common], folder / "ours", folder),
        "3.4.18": run(
            [old, "-data", str(folder / "old"), *common, *OLD_BUFFERS], folder / "old", folder
        ),
    }
    print(f"{job}, at most {stages} stages; logs and cascades in {folder}")
    print(f"{'':8}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'stages':>8}{'weak':>6}")
    for name, done in runs.items():
        print(
            f"{name:8}{done.seconds:>9.1f}{done.cpu_seconds:>9.1f}{done.megabytes:>9.0f}"
            f"{done.stages:>8}{done.weak_classifiers:>6}"
        )
    new, old_run = runs["ours"], runs["3.4.18"]
    print(f"{old_run.seconds / new.seconds:.1f} times as fast", end="; ")
    print(f"{old_run.megabytes / new.megabytes:.1f} times less memory")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5, 6) or (sys.argv[4:] and sys.argv[4] not in JOBS):
        sys.exit(__doc__)
    chosen = (sys.argv[4:] or ["LBP"])[0]
    count = int(sys.argv[5]) if len(sys.argv) == 6 else DEFAULT_STAGES[chosen]
    main(*sys.argv[1:4], chosen, count)
