"""What classifiers learn of labelled faces, how fast, and how large they are on disk.

    python benchmarks/classifiers.py learn TRAIN TEST NAME[:PARAMETER=VALUE,...] ...
    python benchmarks/classifiers.py opencv FACES [--components 30 100]

`learn` trains each named classifier on the folders of TRAIN and asks it about those of TEST: the
seconds of training, faces a second on one core, the model's megabytes, peak memory, accuracy and
macro F1; then accuracy on the test faces that have no copy among the training faces (exact, near
or mirrored). Each classifier has a process of its own.

`opencv` trains Eigenfaces and Fisherfaces beside those of cv2.face with equal components on a
folder per class: processor seconds (the least of --rounds, one thread), their ratio, and in how
many held-out faces (every fifth) both answer the same.

The faces are read at --size; FER2013's are 48 pixels, and --equalise histogram suits pixels.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import numpy as np
from threadpoolctl import threadpool_limits

from cvbaseline.benchmarking.contenders import parse_contender
from cvbaseline.classification.metrics import confusion_matrix, macro_f1
from cvbaseline.classifiers import fit_classifier
from cvbaseline.classifiers.subspace import Eigenfaces, Fisherfaces
from cvbaseline.datasets import LabelledFaces, read_labelled
from cvbaseline.duplicates import copy_clusters
from cvbaseline.faces import CropOptions
from cvbaseline.model_file import FaceModel, render_model
from cvbaseline.parallel import threads

SPEED_FACES = 2000


def read(options: argparse.Namespace, folder: Path) -> LabelledFaces:
    """The faces of a folder per class."""
    return read_labelled(folder, CropOptions(size=options.size, equalise=options.equalise))


def rows_of(data: LabelledFaces) -> np.ndarray:
    """Faces as the rows that classifiers take."""
    return data.faces.reshape(len(data.faces), -1)


def without_copies(train: LabelledFaces, test: LabelledFaces) -> np.ndarray:
    """A mask of the test faces that have no copy among the training faces."""
    clusters = copy_clusters(np.concatenate([train.faces, test.faces]))
    return ~np.isin(clusters[len(train.faces) :], clusters[: len(train.faces)])


def measure(options: argparse.Namespace, name: str, alone: np.ndarray) -> dict[str, Any]:
    """Train and test one classifier in this process."""
    train, test = read(options, options.train), read(options, options.test)
    if options.faces:
        chosen = np.random.default_rng(0).permutation(len(train.faces))[: options.faces]
        train = train._replace(faces=train.faces[chosen], labels=train.labels[chosen])
    estimator = parse_contender(name).make()
    with threadpool_limits(options.threads), threads(options.threads):
        wall, processor = time.perf_counter(), time.process_time()
        fit_classifier(estimator, rows_of(train), train.labels, None, train.classes)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        answers = estimator.predict_proba(rows_of(test))
    with threadpool_limits(1), threads(1):
        some = rows_of(test)[:SPEED_FACES]
        speed = time.process_time()
        estimator.predict_proba(some)
        speed = time.process_time() - speed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    predicted = answers.argmax(axis=1)
    right = predicted == test.labels
    confusion = confusion_matrix(test.labels, predicted, len(test.classes))
    model = FaceModel(estimator, train.classes, CropOptions(size=options.size))
    return {
        "wall": wall,
        "processor": processor,
        "speed": len(some) / speed,
        "model": len(render_model(model)) / 1e6,
        "peak": peak,
        "accuracy": right.mean(),
        "f1": macro_f1(confusion),
        "alone": right[alone].mean(),
    }


def learn(options: argparse.Namespace) -> None:
    """A row for every classifier."""
    train, test = read(options, options.train), read(options, options.test)
    alone = without_copies(train, test)
    print(
        f"{len(train.faces)} faces to learn, {len(test.faces)} to test, {alone.sum()} of them "
        f"without a copy in training; {options.threads} threads"
    )
    print("fit s  processor s  faces/s  model MB  peak MB  accuracy  macro F1  without copies")
    copies = json.dumps(np.flatnonzero(~alone).tolist())
    for name in options.classifiers:
        done = subprocess.run(
            [sys.executable, *sys.argv, "--child", name],
            input=copies, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        row = json.loads(done.stdout)
        print(
            "{wall:5.0f}{processor:13.0f}{speed:9.0f}{model:10.1f}{peak:9.0f}{accuracy:10.4f}"
            "{f1:10.4f}{alone:16.4f}  ".format(**row) + name,
            flush=True,
        )


def child(options: argparse.Namespace) -> None:
    """One classifier's row as JSON; the test faces with copies come on standard input."""
    test = read(options, options.test)
    alone = np.ones(len(test.faces), bool)
    alone[json.loads(sys.stdin.read())] = False
    print(json.dumps(measure(options, options.child, alone), default=float))


def fastest(task: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The least processor seconds of a few rounds, and the task's result."""
    least, result = np.inf, None
    for _ in range(rounds):
        start = time.process_time()
        result = task()
        least = min(least, time.process_time() - start)
    return least, result


def opencv(options: argparse.Namespace) -> None:
    """Eigenfaces and Fisherfaces beside cv2.face's."""
    import cv2

    cv2.setNumThreads(1)
    data = read(options, options.faces_folder)
    test = np.arange(len(data.faces)) % 5 == 4
    faces, labels = list(data.faces[~test]), data.labels[~test].astype(np.int32)
    rows = rows_of(data)
    print(f"{len(faces)} faces of {len(data.classes)} classes, {options.size} pixels a side")
    print("            components  ours s  cv2.face s  ratio  same answers")
    cases: list[tuple[str, Optional[int]]] = [("eigenfaces", count) for count in options.components]
    for name, count in [*cases, ("fisherfaces", None)]:
        if name == "eigenfaces":
            make = cv2.face.EigenFaceRecognizer_create
            ours = Eigenfaces(count)
        else:
            make, ours = cv2.face.FisherFaceRecognizer_create, Fisherfaces()

        def theirs() -> Any:
            recogniser = make(*([count] if count else []))
            recogniser.train(faces, labels)
            return recogniser

        with threadpool_limits(1):
            our_seconds, _ = fastest(lambda: ours.fit(rows[~test], labels), options.rounds)
            their_seconds, recogniser = fastest(theirs, options.rounds)
        answers = np.array([recogniser.predict(face)[0] for face in data.faces[test]])
        same = (ours.predict(rows[test]) == answers).mean()
        print(
            f"{name:12s}{count or len(data.classes) - 1:10d}{our_seconds:8.2f}{their_seconds:12.2f}"
            f"{their_seconds / our_seconds:7.1f}{same:14.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("learn")
    verb.add_argument("train", type=Path, metavar="TRAIN")
    verb.add_argument("test", type=Path, metavar="TEST")
    verb.add_argument("classifiers", nargs="+", metavar="NAME")
    verb.add_argument("--faces", type=int, default=0, help="learn from so many, drawn by chance")
    verb.add_argument("--threads", type=int, default=1)
    verb.add_argument("--child", help=argparse.SUPPRESS)
    beside = verbs.add_parser("opencv")
    beside.add_argument("faces_folder", type=Path, metavar="FACES")
    beside.add_argument("--components", type=int, nargs="+", default=[30, 100])
    beside.add_argument("--rounds", type=int, default=3)
    for each in (verb, beside):
        each.add_argument("--size", type=int, default=48)
        each.add_argument("--equalise", default="none", choices=["none", "histogram", "clahe"])
    options = parser.parse_args()
    if options.verb == "opencv":
        opencv(options)
    elif options.child:
        child(options)
    else:
        learn(options)


if __name__ == "__main__":
    main()
