"""Train and measure the frontal-face cascades (photographs) that ship.

    python cascades/train_frontalface.py ARCHIVES WORK [LBP|HAAR]

Positives are the faces of lfw_faces_dev.zip, split by person: five in seven people are trained on,
the others pasted into photographs that training does not see either (benchmarks/paste_faces.py),
which is what the measured quality in the JSON is of. Negatives are the photographs of
negatives.zip. Writes cascades/<lbp|haar>_frontalface.xml with a JSON.
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from training_flags import RATES, flags

from cvbaseline import __version__
from cvbaseline.formats.cascade_xml import load_cascade

SEED = 0
NEIGHBOURS = (3, 6)
TRAINED_SHARE = 5 / 7  # of the people, and of the photographs
MEASURES = ("recall", "precision", "f1", "false_per_picture", "ap_30", "recall_at_0.1")
PASTE = Path(__file__).parents[1] / "benchmarks" / "paste_faces.py"
PARAMETERS = {
    "LBP": {"num-positives": 10000, "num-negatives": 8000, **RATES["LBP"]},
    "HAAR": {"num-positives": 8000, "num-negatives": 6000, **RATES["HAAR"]},
}
SHARED = {"stages": 17, "max-weak-count": 160, "scan-limit": 200}


def unpack(archive: Path, part: str, folder: Path) -> list[Path]:
    """The pictures of an archive whose path holds the part, in the folder and in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with ZipFile(archive) as held:
        for name in sorted(held.namelist()):
            if part in name and not name.endswith("/"):
                path = folder / Path(name).name
                path.write_bytes(held.read(name))
                paths.append(path)
    return paths


def person(path: Path) -> str:
    """Tony_Blair_0012.jpg shows Tony_Blair."""
    return path.stem.rsplit("_", 1)[0]


def prepare(archives: Path, work: Path) -> None:
    """faces/ and photos/ for training, and tested/ with the pictures to measure on."""
    faces = unpack(archives / "lfw_faces_dev.zip", ".jpg", work / "all_faces")
    photos = unpack(archives / "negatives.zip", "photos/", work / "all_photos")
    people = sorted({person(path) for path in faces})
    generator = random.Random(SEED)
    generator.shuffle(people)
    generator.shuffle(photos)
    trained = set(people[: round(TRAINED_SHARE * len(people))])
    used = round(TRAINED_SHARE * len(photos))
    (work / "faces").mkdir()
    for path in faces:
        if person(path) in trained:
            shutil.copy(path, work / "faces" / path.name)
    (work / "bg.txt").write_text("".join(f"{path.resolve()}\n" for path in photos[:used]))
    others = [path for path in faces if person(path) not in trained]
    generator.shuffle(others)
    (work / "crops.txt").write_text("".join(f"{path}\n" for path in others))
    (work / "unseen.txt").write_text("".join(f"{path}\n" for path in photos[used:]))
    words = ["crops.txt", "unseen.txt", "tested"]
    subprocess.run([sys.executable, str(PASTE.resolve()), *words], cwd=work, check=True)


def train(work: Path, features: str) -> list[str]:
    """Run `cvbaseline cascade train`, unless it has run; returns its command line."""
    command = [
        "cascade", "train", "--positives", "faces", "--negatives", "bg.txt",
        "--output", features.lower(), "--features", features, f"--seed={SEED}",
        *flags({**PARAMETERS[features], **SHARED}),
    ]  # fmt: skip
    if not (work / features.lower() / "cascade.xml").exists():
        subprocess.run([sys.executable, "-m", "cvbaseline", *command], cwd=work, check=True)
    return ["cvbaseline", *command]


def measure(cascade: Path, work: Path, settings: dict[str, object]) -> list[dict]:
    """What `cvbaseline evaluate` says of the cascade, for every min_neighbors."""
    rows = []
    for min_neighbors in NEIGHBOURS:
        output = work / f"{cascade.stem}.json"
        subprocess.run(
            [
                sys.executable, "-m", "cvbaseline", "evaluate", str(work / "tested" / "info.dat"),
                "--cascade", str(cascade), f"--min-neighbors={min_neighbors}", "--rounds=1",
                "--json", str(output), "--searches", str(work / "searches.jsonl"),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            check=True,
        )  # fmt: skip
        measures = json.loads(output.read_text())["measures"]
        output.unlink()
        kept = {name: round(measures[name]["value"], 4) for name in MEASURES}
        rows.append({"min_neighbors": min_neighbors, **kept})
    return rows


def main(archives: Path, work: Path, features: str) -> None:
    """Prepare, train, measure, and put the results beside this script."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "tested" / "info.dat").exists():
        prepare(archives.resolve(), work.resolve())
    command = train(work, features)
    target = Path(__file__).with_name(f"{features.lower()}_frontalface.xml")
    shutil.copyfile(work / features.lower() / "cascade.xml", target)
    cascade = load_cascade(target)
    record = {
        "cascade": target.name,
        "what": "frontal faces in photographs, framed as OpenCV's frontal cascades frame them",
        "trained_with": f"cvbaseline {__version__}",
        "script": "cascades/train_frontalface.py",
        "command": " ".join(command),
        "seed": SEED,
        "stages": len(cascade.stages),
        "weak_classifiers": cascade.weak_count,
        "data": {
            "positives": len(list((work / "faces").iterdir())),
            "positive_sources": ["lfw_faces_dev, five in seven people"],
            "negative_sources": ["negatives, five in seven photographs"],
        },
        "measured": {
            "how": "faces of people and photographs that training did not see, the faces pasted "
            "(benchmarks/paste_faces.py): real pictures of crowds are harder",
            "pasted_faces": measure(target, work, {"verify": "none"}),
        },
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["LBP"], ["HAAR"]):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3:] or ["LBP"])[0])
