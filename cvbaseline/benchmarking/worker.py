"""The child process: fits one contender and stores its predictions, job by job.

`python -m cvbaseline.benchmarking.worker FOLDER` reads a job a line (JSON) from standard input and
answers each with a line: {"done": number of records} or {"problem": reason}; lines {"doing": what}
may come before, as for each epoch of a network. FOLDER holds the data as arrays that all children
share. A process of its own makes the peak memory the contender's, and ends with the program that
started it, because then its input ends.
"""

import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Optional

import numpy as np

from cvbaseline.benchmarking.contenders import Contender
from cvbaseline.benchmarking.distortions import Distortion, distort
from cvbaseline.benchmarking.records import Record, code_digests, write_record
from cvbaseline.classifiers import fit_classifier
from cvbaseline.classifiers.checkpoints import Checkpoints, checkpoints_in
from cvbaseline.datasets import LabelledFaces
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions
from cvbaseline.model_file import FaceModel, library_versions, render_model
from cvbaseline.progress import progress_told_to

CHECKED_TRAINING_FACES = 1000  # that the accuracy on what was learnt is measured on
DIRECTIONS = 8  # kept for the report
CLASSIFIERS = "cvbaseline.classifiers."  # modules whose code shapes predictions


def write_data(folder: Path, data: LabelledFaces) -> None:
    """Lay out the data for the children."""
    np.save(folder / "faces.npy", data.faces)
    np.save(folder / "labels.npy", data.labels)
    if data.groups is not None:
        np.save(folder / "groups.npy", np.array(data.groups))
    found = np.ones(len(data.labels), bool) if data.found is None else data.found
    np.save(folder / "found.npy", found)
    (folder / "classes.json").write_text(json.dumps(data.classes), encoding="utf-8")


class Worker:
    """What the jobs of one child share: the data."""

    def __init__(self, folder: Path):
        faces = np.load(folder / "faces.npy", mmap_mode="r")
        self.size = faces.shape[1]
        self.rows = faces.reshape(len(faces), -1)
        self.labels = np.load(folder / "labels.npy")
        self.found = np.load(folder / "found.npy")
        groups = folder / "groups.npy"
        self.groups = np.load(groups) if groups.exists() else None
        self.classes = tuple(json.loads((folder / "classes.json").read_text(encoding="utf-8")))

    def do(self, job: dict[str, Any], checkpoints: Checkpoints) -> int:
        """Fit, predict and store; returns the number of records."""
        contender = Contender(job["title"], job["name"], tuple(job["settings"]), job["parameters"])
        train, test = np.array(job["train"], np.int64), np.array(job["test"], np.int64)
        estimator = contender.make()
        groups = None if self.groups is None else self.groups[train]
        rows = np.array(self.rows[train])
        reset_peak()
        started = time.perf_counter()
        fit_classifier(estimator, rows, self.labels[train], groups, self.classes)
        fit_seconds = time.perf_counter() - started + checkpoints.seconds_before
        facts = {
            "contender": contender.title,
            "parameters": contender.parameters,
            "split": job["split"],
            "trained_on": len(train),
            "tested_on": len(test),
            "fit_seconds": fit_seconds,
            "threads": job["threads"],
            "versions": library_versions(),
            "code": code_digests(name for name in sys.modules if name.startswith(CLASSIFIERS)),
        }
        facts |= self._training_accuracy(estimator, train)
        facts["history"] = history(estimator)
        for number, wanted in enumerate(job["tests"]):
            record = self._test(estimator, test, wanted["distortion"])
            if number == 0:  # the peak before the model is rendered, which takes memory of its own
                facts["peak_bytes"] = peak_bytes()
                facts["model_bytes"] = self._model_bytes(estimator)
            write_record(Path(wanted["path"]), record._replace(facts={**facts, **record.facts}))
        return len(job["tests"])

    def _test(self, estimator: Any, test: np.ndarray, distortion: Optional[list]) -> Record:
        """Probabilities of the test faces; of one that the detector missed all are 0."""
        shown = test[self.found[test]]
        rows = np.array(self.rows[shown])
        if distortion is not None:
            faces = rows.reshape(-1, self.size, self.size)
            rows = distort(faces, Distortion(*distortion)).reshape(len(rows), -1)
        probabilities = np.zeros((len(test), len(self.classes)))
        seconds = 0.0
        if len(shown):
            started = time.perf_counter()
            answers = estimator.predict_proba(rows)
            seconds = time.perf_counter() - started
            places = np.flatnonzero(self.found[test])
            probabilities[np.ix_(places, np.asarray(estimator.classes_))] = answers
        facts = {"predict_seconds": seconds, "predicted": len(shown)}
        directions = None if distortion is not None else learnt_directions(estimator)
        return Record(probabilities, facts, directions)

    def _training_accuracy(self, estimator: Any, train: np.ndarray) -> dict[str, Any]:
        """The share of right answers on (some of) the faces that were learnt."""
        checked = train[:: -(-len(train) // CHECKED_TRAINING_FACES)]
        answers = estimator.predict(np.array(self.rows[checked]))
        right = float((np.asarray(answers) == self.labels[checked]).mean())
        return {"training_accuracy": right, "training_checked": len(checked)}

    def _model_bytes(self, estimator: Any) -> Optional[int]:
        """The size of the model's file; None when it has none."""
        try:
            model = FaceModel(estimator, self.classes, CropOptions(size=self.size))
            return len(render_model(model))
        except (UserError, ValueError, TypeError, AttributeError):
            return None


def history(estimator: Any) -> Optional[dict[str, list[float]]]:
    """Loss and accuracy of every epoch, of an estimator that learns in epochs."""
    curves = getattr(estimator, "history_", None)
    if not isinstance(curves, dict):
        return None
    return {str(name): [float(value) for value in values] for name, values in curves.items()}


def learnt_directions(estimator: Any) -> Optional[np.ndarray]:
    """The first rows of what a subspace classifier projects faces on, float32 (d, pixels)."""
    directions = getattr(estimator, "directions_", None)
    if directions is None or directions.shape[1] != getattr(estimator, "n_features_in_", None):
        return None
    return np.asarray(directions[:DIRECTIONS], np.float32)


def reset_peak() -> None:
    """Let the peak begin anew, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> Optional[int]:
    """The most memory that this process has had since `reset_peak`, or at all; None: not told."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            # Not getrusage: on Linux that begins with the memory of the process that started us.
            line = next(line for line in status if line.startswith("VmHWM:"))
            return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def main(folder: str) -> None:
    """Answer jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    worker = Worker(Path(folder))
    told = ""

    def send(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    def tell_what(what: str, done: int, total: int) -> None:
        nonlocal told
        if what != told:  # once an epoch, not at each of its steps
            told = what
            send({"doing": what})

    for line in sys.stdin:
        told = ""
        try:
            job = json.loads(line)
            # A network's training that is interrupted continues beside its first record.
            place = Path(job["tests"][0]["path"]).with_suffix(".training")
            with checkpoints_in(place) as checkpoints, progress_told_to(tell_what):
                answer: dict[str, Any] = {"done": worker.do(job, checkpoints)}
        except MemoryError:
            answer = {"problem": "needs more memory than there is"}
        except Exception as error:  # whatever a contender stumbles over; the others go on
            traceback.print_exc()
            known = isinstance(error, (UserError, ValueError))
            kind = "" if known else f"{type(error).__name__}: "
            answer = {"problem": kind + " ".join(str(error).split())}
        send(answer)


if __name__ == "__main__":
    main(sys.argv[1])
