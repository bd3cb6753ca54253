"""Train and measure the drawn-face cascades that ship.

    python cascades/train_animeface.py ARCHIVES WORK [LBP|HAAR]

Prepares the pictures (animeface_data.py) and trains with `cvbaseline cascade train`: a first LBP
cascade, then, from boxes that `cvbaseline cascade align` has moved to where that one sees the
faces, the one that ships. Measures on anime_screens_dev.zip, which training never sees, and on
anime_scenes_dev.zip, and writes cascades/<lbp|haar>_animeface.xml with a JSON of data, parameters,
seed and measured quality.
"""

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from animeface_data import grey, prepare
from training_flags import RATES, flags

from cvbaseline import __version__
from cvbaseline.detection import detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detection_metrics import average_precision, curve, join, match
from cvbaseline.formats.annotations import parse_info
from cvbaseline.formats.cascade_xml import load_cascade

SEED = 0
MIN_IOU = 0.3
NEIGHBOURS = (3, 6, 10, 15)
DRAWN_SCENES = ["draw", "--kind=scenes", "--count=500", "--format=jpg", "--seed=77", "--out=drawn"]
FIRST = {
    "features": "LBP", "num-positives": 17500, "num-negatives": 10000, "stages": 15,
    "width": 20, "height": 20, "min-hit-rate": 0.998, "max-false-alarm": 0.5,
}  # fmt: skip
# The new boxes a little larger than the first cascade's: the sprites' had shrunk by as much.
ALIGNMENT = {"scale": 1.04}
SHIPPED = {
    "LBP": {
        "num-positives": 17500, "num-negatives": 10000, "stages": 14, "width": 20, "height": 20,
        **RATES["LBP"],
    },
    "HAAR": {"num-positives": 16000, "num-negatives": 10000, "stages": 17, **RATES["HAAR"]},
}  # fmt: skip
SHARED = {"max-weak-count": 160, "scan-limit": 120}


def run(work: Path, words: list[str]) -> None:
    """Run a command of cvbaseline in the work folder."""
    subprocess.run([sys.executable, "-m", "cvbaseline", *words], cwd=work, check=True)


def train(work: Path, features: str) -> tuple[Path, dict[str, list[str]]]:
    """Train a cascade, unless it is there; its file, and the command lines that made it."""
    folder = f"{features.lower()}_aligned"
    first = train_from(work, "positives/info.dat", "lbp", FIRST)
    boxes = align(work, "lbp/cascade.xml")
    shipped = {"features": features, **SHIPPED[features], "augment": "medium"}
    again = train_from(work, boxes[-1], folder, shipped)
    lines = {"command": again, "first_cascade": first, "aligned_with": boxes}
    return work / folder / "cascade.xml", lines


def train_from(work: Path, positives: str, folder: str, parameters: dict) -> list[str]:
    """Run `cvbaseline cascade train`, unless it has run; returns its command line."""
    command = [
        "cascade", "train",
        "--positives", positives, "drawn/info.dat",
        "--negatives", "backgrounds", "drawn/bg.txt",
        "--boxed-negatives", "cartoons/info.dat", "positives/info.dat", "drawn/info.dat",
        "--output", folder, f"--seed={SEED}", *flags({**parameters, **SHARED}),
    ]  # fmt: skip
    return run_once(work, command, work / folder / "cascade.xml")


def align(work: Path, cascade: str) -> list[str]:
    """Run `cvbaseline cascade align`, unless it has run; returns its command line."""
    command = [
        "cascade", "align", cascade, "positives/info.dat",
        *flags(ALIGNMENT),
        "--out", "positives/aligned.dat",
    ]  # fmt: skip
    return run_once(work, command, work / "positives" / "aligned.dat")


def run_once(work: Path, command: list[str], result: Path) -> list[str]:
    """Run a command of cvbaseline unless its result is there; returns its command line."""
    if not result.exists():
        run(work, command)
    return ["cvbaseline", *command]


def pictures(archives: Path, name: str) -> list[tuple[np.ndarray, np.ndarray, list]]:
    """A development archive: grey pictures, their boxes, and regions to ignore."""
    found = []
    with ZipFile(archives / f"{name}.zip") as archive:
        places = {Path(place).name: place for place in archive.namelist()}
        truth = json.loads(archive.read(places["truth.json"])) if "truth.json" in places else {}
        listing = archive.read(places["annotations.txt"]).decode()
        for annotation in parse_info(listing, "annotations.txt"):
            picture = grey(archive.read(places[Path(annotation.path).name]))
            ignore = truth.get(annotation.path, {}).get("ignore", [])
            found.append((picture, annotation.boxes, ignore))
    return found


def measure(
    cascade: Path,
    archives: Path,
    name: str,
    search: DetectionParameters = DetectionParameters(verify="none"),
) -> list[dict]:
    """Recall, precision and F1 for every min_neighbors on one archive."""
    classifier, rows = open_cascade(cascade, many_pictures=True), []
    parameters = replace(search, min_neighbors=min(NEIGHBOURS))
    scenes = [
        (detect_counted(picture, classifier, parameters), boxes, ignore)
        for picture, boxes, ignore in pictures(archives, name)
    ]
    for min_neighbors in NEIGHBOURS:
        joined = join([
            match(*found.above(min_neighbors), boxes, ignore, MIN_IOU)
            for found, boxes, ignore in scenes
        ])  # fmt: skip
        points = curve(joined)
        rows.append({
            "min_neighbors": min_neighbors,
            "recall": round(float(points.recall[-1]), 4),
            "precision": round(float(points.precision[-1]), 4),
            "f1": round(float(points.f1[-1]), 4),
            "false_per_picture": round(float(points.false_per_picture[-1]), 4),
            "average_precision": round(average_precision(joined), 4),
        })  # fmt: skip
    return rows


def main(archives: Path, work: Path, features: str) -> None:
    """Prepare, train, measure, and put the results beside this script."""
    if not (work / "positives" / "info.dat").exists():
        prepare(archives, work)
    if not (work / "drawn").exists():
        run(work, DRAWN_SCENES)
    trained, lines = train(work, features)
    name = f"{features.lower()}_animeface"
    target = Path(__file__).with_name(f"{name}.xml")
    shutil.copyfile(trained, target)
    cascade = load_cascade(target)
    positives = (work / "positives" / "info.dat").read_text().splitlines()
    record = {
        "cascade": target.name,
        "what": "drawn (anime) faces, square from the brow to the chin",
        "trained_with": f"cvbaseline {__version__}",
        "script": "cascades/train_animeface.py",
        **{what: " ".join(line) for what, line in lines.items()},
        "seed": SEED,
        "stages": len(cascade.stages),
        "weak_classifiers": cascade.weak_count,
        "data": {
            "positives": len(positives),
            "positive_sources": [
                "anime_faces",
                "anime_heads",
                "anime_emotions",
                "anime_emotions_more",
            ],
            "negative_sources": ["negatives", "outside the boxes: cartoon_scenes_dev, sprites"],
            "both": "cvbaseline " + " ".join(DRAWN_SCENES),
        },
        "measured": {
            "how": f"boxes at IoU >= {MIN_IOU}, scale_factor 1.1, min_size 24, not equalised; "
            "training never saw the screens, but settings were chosen on them; the scenes are "
            "composed of sprites and backgrounds that are in the training data, too",
            "anime_screens_dev": measure(target, archives, "anime_screens_dev"),
            "anime_scenes_dev": measure(target, archives, "anime_scenes_dev"),
        },
    }  # fmt: skip
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")
    with io.StringIO() as table:
        for row in record["measured"]["anime_screens_dev"]:
            print(*(f"{key} {value:g}" for key, value in row.items()), file=table)
        print(table.getvalue())


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["LBP"], ["HAAR"]):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3:] or ["LBP"])[0])
