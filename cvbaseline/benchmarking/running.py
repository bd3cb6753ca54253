"""Jobs given to child processes: one contender a process, several processes at once if asked.

What is stored is kept when the run is interrupted, by Ctrl-C or otherwise.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import cvbaseline
from cvbaseline.benchmarking.contenders import Contender
from cvbaseline.benchmarking.plan import Job
from cvbaseline.benchmarking.splits import Split
from cvbaseline.benchmarking.worker import write_data
from cvbaseline.datasets import LabelledFaces
from cvbaseline.progress import Progress

# Every library that computes in threads has its own word for how many.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "CVBASELINE_THREADS",
)  # fmt: skip


class Failure(NamedTuple):
    """A contender that could not be measured on some split."""

    contender: str
    split: str
    problem: str


def run_jobs(
    jobs: list[Job],
    data: LabelledFaces,
    splits: list[Split],
    logs: Path,
    processes: int = 1,
    threads: int = 1,
    progress: Progress = lambda what, done, total: None,
) -> list[Failure]:
    """Do the jobs; returns what failed, which does not keep the others from being done.

    Parameters
    ----------
    logs : folder for what the contenders' libraries print
    processes : at once; threads : in each, for linear algebra
    """
    from joblib import Parallel, delayed

    batches = deal(jobs, processes)
    running: set[subprocess.Popen] = set()
    lock, done = Lock(), [0]

    def advance(contender: Contender, jobs_done: int, doing: str = "") -> None:
        with lock:
            done[0] += jobs_done
            about = f"{contender.title}, {doing}" if doing else contender.title
            progress(about, done[0], len(jobs))

    if not jobs:
        return []
    with tempfile.TemporaryDirectory(prefix="cvbaseline-") as folder:
        write_data(Path(folder), data)
        work = [
            delayed(run_batch)(batch, splits, Path(folder), logs, threads, running, advance)
            for batch in batches
        ]
        try:
            failures = Parallel(n_jobs=processes, backend="threading")(work)
        finally:
            for process in list(running):
                process.kill()
                process.wait()
            with suppress(OSError):  # it holds what libraries printed, if anything
                logs.rmdir()
    return [failure for batch in failures for failure in batch]


def deal(jobs: list[Job], processes: int) -> list[list[Job]]:
    """The jobs of each contender, in as many lists as processes; no list is empty."""
    contenders = list(dict.fromkeys(job.contender.title for job in jobs))
    batches = []
    for title in contenders:
        own = [job for job in jobs if job.contender.title == title]
        batches += [own[start::processes] for start in range(min(processes, len(own)))]
    return batches


def run_batch(
    jobs: list[Job],
    splits: list[Split],
    folder: Path,
    logs: Path,
    threads: int,
    running: set[subprocess.Popen],
    advance: Callable[..., None],
) -> list[Failure]:
    """Do the jobs of one contender in a process of its own.

    advance : told of the contender, jobs done since, and what is being done, as a network's epoch
    """
    failures = []
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{jobs[0].contender.name}.txt"
    with open(log, "ab") as errors:
        process = start_worker(folder, errors, threads)
        running.add(process)
        for job in jobs:
            split = splits[job.split]
            advance(job.contender, 0)
            heard = partial(advance, job.contender, 0)
            problem = ask(process, message(job, split, threads), heard)
            if problem:
                failures.append(Failure(job.contender.title, split.name, problem))
            advance(job.contender, 1)
        with suppress(OSError):
            process.stdin.close()
        process.wait()
        running.discard(process)
    with suppress(OSError):
        if not log.stat().st_size:
            log.unlink()
    return failures


def start_worker(folder: Path, errors: Any, threads: int) -> subprocess.Popen:
    """A child process with that many threads."""
    package = str(Path(cvbaseline.__file__).parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {name: str(threads) for name in THREAD_VARIABLES}
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "cvbaseline.benchmarking.worker", str(folder)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
    )


def message(job: Job, split: Split, threads: int) -> dict[str, Any]:
    """A job as the worker reads it."""
    contender = job.contender
    return {
        "title": contender.title,
        "name": contender.name,
        "settings": contender.settings,
        "parameters": contender.parameters,
        "split": split.name,
        "train": job.train.tolist(),
        "test": job.test.tolist(),
        "threads": threads,
        "tests": [
            {"distortion": test.distortion, "path": str(test.path.absolute())} for test in job.tests
        ],
    }


def ask(process: subprocess.Popen, job: dict[str, Any], heard: Callable[[str], None]) -> str:
    """Have a job done; returns the problem, or nothing. What is being done meanwhile is heard."""
    with suppress(OSError):  # it has ended, and so have its answers
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
    for line in process.stdout:
        answer = json.loads(line)
        if "doing" not in answer:
            return answer.get("problem", "")
        heard(answer["doing"])
    code = process.wait()
    killed = code in (-9, 137)
    reason = ": probably more memory was needed than there is" if killed else ""
    return f"its process ended with code {code}{reason}"
