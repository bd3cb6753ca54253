"""The goals for classifiers, one command for each row; what it prints stands beside the goal.

    python benchmarks/rows.py DATA OUT [ROW ...] [--test private_test] [--threads 2]

DATA holds the unpacked data sets fer2013_dev, orl_faces, anime_emotions and anime_emotions_more;
rows whose data are not there are left out. ROW is one of ROWS below, or `drawn`; all without.
Interrupted, the same command goes on where it was; what OUT holds is not measured again.

Most rows are a run of `cvbaseline benchmark`, whose command line and report (OUT/DATA SET) they
show. Rows of one data set are one run. FER2013's figures are given with and without the test faces
that have a copy in training; time and speed are those of --threads threads (1).

`drawn` measures the network that ships: trained as models/train_anime_emotions.py does, on games
and artists that it does not see; seven emotions, then five (scared joined to surprised, worried to
sad). It needs anime_faces and anime_heads in DATA as well, and the folder of
models/pretrain_emotions.py, --work (OUT/emotions), which is made if it is not there. The networks
need Keras (the extra `cnn`) and hours.
"""

import argparse
import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.contenders import parse_contender
from cvbaseline.drawing import EMOTIONS

MODELS = Path(__file__).parent.parent / "models"
sys.path.insert(0, str(MODELS))


class Row(NamedTuple):
    """A goal."""

    data: str  # in DATA_SETS
    contender: str
    goal: float
    measure: str = "accuracy"
    minutes: Optional[float] = None  # for training
    beside: tuple[str, ...] = ()  # other contenders to be shown, or that an ensemble is made of


class DataSet(NamedTuple):
    """Where a data set is, and how it is measured."""

    folders: tuple[str, ...]  # that must be in DATA
    options: tuple[str, ...]  # of `cvbaseline benchmark`


DATA_SETS = {
    "fer2013": DataSet(("fer2013_dev",), ("--size=48", "--allow-leaks")),
    "orl": DataSet(("orl_faces",), ("--cv=10x1", "--no-square")),
    "drawn": DataSet(
        ("anime_emotions", "anime_emotions_more"), ("--cv=5x1", "--margin=-0.12", "--allow-leaks")
    ),
}
STRONGEST = ("bag_of_words", "cnn")
ENSEMBLE = f"ensemble:estimators={'+'.join(STRONGEST)}"
ROWS = {
    "eigenfaces": Row("fer2013", "eigenfaces:n_components=200,metric=mahalanobis_cosine", 0.43),
    "fisherfaces": Row(
        "fer2013", "fisherfaces:n_components=100,metric=mahalanobis_cosine,subclasses=20", 0.40
    ),
    # The exact kernel; then landmarks and the linear kernel, which are smaller and faster.
    "hog_svm": Row(
        "fer2013", "hog_svm", 0.63, minutes=20,
        beside=("hog_svm:landmarks=5000", "hog_svm:kernel=linear"),
    ),
    "best_classical": Row("fer2013", "bag_of_words", 0.69, minutes=90),
    "cnn": Row("fer2013", "cnn", 0.68, minutes=120),
    "cnn_quick": Row("fer2013", "cnn:quick=true", 0.62, minutes=20),
    "ensemble": Row("fer2013", ENSEMBLE, 0.72, beside=STRONGEST),
    "orl": Row("orl", "fisherfaces", 0.955),
    "drawn_hog_svm": Row("drawn", "hog_svm", 0.30, "macro_f1"),
}  # fmt: skip
DRAWN_GOALS = {7: 0.55, 5: 0.68}
READ_BY_EYE = ("anime_faces", "anime_heads")  # what the network that ships learns besides
JOINED = {"scared": "surprised", "worried": "sad"}


def data_place(options: argparse.Namespace, name: str) -> Path:
    """What `cvbaseline benchmark` is given for a data set."""
    if name != "drawn":
        return options.data / DATA_SETS[name].folders[0]
    from emotion_faces import all_sprites

    sprites = all_sprites(options.data)
    path = options.out / "drawn_emotions.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "group", "x", "y", "w", "h"))
        for one in sprites:
            writer.writerow((one.path.absolute(), one.emotion, one.group, *one.box.astype(int)))
    return path


def run_benchmark(options: argparse.Namespace, name: str, rows: list[Row]) -> dict[str, Any]:
    """Measure the contenders of some rows of a data set; the results by the contender's title."""
    contenders = list(dict.fromkeys(one for row in rows for one in (*row.beside, row.contender)))
    more = [*DATA_SETS[name].options, f"--threads={options.threads}", "--no-pictures"]
    more += [f"--test={options.test}"] if name == "fer2013" else []
    place, out = data_place(options, name), options.out / name
    words = ["cvbaseline", "benchmark", str(place), f"--out={out}", *more, "--classifiers"]
    print(shlex.join([*words, *contenders]), flush=True)
    code = subprocess.run([sys.executable, "-m", *words, *contenders], check=False).returncode
    if code:
        sys.exit(code)  # it has said why
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return {one["title"]: one for one in results["contenders"]}


def tell_row(name: str, row: Row, results: dict[str, Any]) -> None:
    """The figure of a row beside its goal, then what is shown beside it."""
    for contender in (row.contender, *row.beside):
        title = parse_contender(contender).title
        if title not in results:
            print(f"{name}: {title} could not be measured; OUT/{row.data} says why")
            continue
        one = results[title]
        text = f"{name}: {title}: {row.measure} {interval(one['scores'][row.measure])}"
        if contender == row.contender:
            text += f", {verdict(one['scores'][row.measure][0], row.goal)}"
        if one["scores_without_copies"]:
            text += f"; without copies {interval(one['scores_without_copies'][row.measure])}"
        text += f"; training {one['fit_seconds'] / 60:.1f} min"
        if row.minutes and contender == row.contender:
            text += f" (limit {row.minutes:g})"
        size = "?" if one["model_bytes"] is None else f"{one['model_bytes'] / 1e6:.1f}"
        print(f"{text}; {one['faces_per_second']:,.0f} faces/s, {size} MB")


def tell_drawn(options: argparse.Namespace) -> None:
    """The network that ships, on the games and artists that each fold's has not seen."""
    from emotion_faces import all_sprites, boxer, read_faces
    from train_anime_emotions import SEED, SURE_AT, fold_networks, held_out, read_others

    from cvbaseline.classification.metrics import measure
    from cvbaseline.shipped import default_cascade

    work = options.work or options.out / "emotions"
    if not work.exists():
        unfinished = work.with_name(f"{work.name}.unfinished")
        program = MODELS / "pretrain_emotions.py"
        subprocess.run([sys.executable, program, options.data, unfinished], check=True)
        unfinished.rename(work)
    faces = read_faces(all_sprites(options.data), boxer(default_cascade()))
    others = read_others(options.data, work)
    start = np.load(work / "pretrained.npy")
    folds, groups = fold_networks(faces, others, start, work), list(faces.groups)
    probabilities = held_out(faces, folds, 1.0, SURE_AT)
    kept = [emotion for emotion in EMOTIONS if emotion not in JOINED]
    place = np.array([kept.index(JOINED.get(emotion, emotion)) for emotion in EMOTIONS])
    joined = probabilities @ np.eye(len(kept))[place]
    for labels, asked in ((faces.labels, probabilities), (place[faces.labels], joined)):
        classes = asked.shape[1]
        quality = measure(labels, asked, groups, SEED)
        print(
            f"drawn: the network that ships, {classes} classes: macro_f1 {quality.macro_f1}, "
            f"{verdict(quality.macro_f1.value, DRAWN_GOALS[classes])}; accuracy {quality.accuracy}"
        )


def interval(estimate: list[float]) -> str:
    """0.649 (0.633 to 0.664)"""
    return "{:.3f} ({:.3f} to {:.3f})".format(*estimate)


def verdict(value: float, goal: float) -> str:
    """How the figure stands to the goal."""
    return f"goal {goal:g} {'reached' if value >= goal else f'missed by {goal - value:.3f}'}"


def main() -> None:
    """Measure the rows that were asked for, data set by data set."""
    names = [*ROWS, "drawn"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(names))
    parser.add_argument("--test", default="public_test", help="FER2013's part to test on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, help="folder of pretrain_emotions.py")
    options = parser.parse_args()
    wanted = options.rows or names
    for name in wanted:
        if name not in names:
            parser.error(f"no row {name}; rows are {', '.join(names)}")
    for name, data in DATA_SETS.items():
        rows = {one: row for one, row in ROWS.items() if one in wanted and row.data == name}
        network = name == "drawn" and "drawn" in wanted
        needed = [*data.folders, *(READ_BY_EYE if network else ())]
        missing = [folder for folder in needed if not (options.data / folder).is_dir()]
        if missing and (rows or network):
            names = ", ".join([*rows, *["drawn"] * network])
            print(f"{names}: {options.data} has no {' and '.join(missing)}")
            continue
        results = run_benchmark(options, name, list(rows.values())) if rows else {}
        for one, row in rows.items():
            tell_row(one, row, results)
        if network:
            tell_drawn(options)


if __name__ == "__main__":
    main()
