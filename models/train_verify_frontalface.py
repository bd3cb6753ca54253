"""Train the verifier of faces in photographs that ships: `--verify frontalface`.

    python models/train_verify_frontalface.py ARCHIVES WORK

ARCHIVES is the folder with lfw_faces_dev.zip and negatives.zip; WORK receives the pictures, or has
them from cascades/train_frontalface.py. The faces of the people that the cascades were trained on
are pasted into the photographs that they were trained on, and `cvbaseline cascade train-verifier`
learns what the first stages of both cascades find there. Two minutes. Writes
models/verify_frontalface.npz and a JSON with what it is worth on people and photographs that
neither has seen. The limit of evidence (SECOND_LOOKS of cvbaseline/shipped.py) was chosen on other,
whole photographs (docs/cascades.md).
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cascades"))
from train_frontalface import NEIGHBOURS, PASTE, measure, prepare

from cvbaseline import __version__
from cvbaseline.model_file import load_model
from cvbaseline.shipped import SECOND_LOOKS

SEED = 0
CASCADES = ("lbp_frontalface", "haar_frontalface")
TRAIN = [
    "cascade", "train-verifier", "trained/info.dat", "--cascade", *CASCADES, "--stages=10",
    "--limit=1800", f"--seed={SEED}", "--out=verify_frontalface.npz",
]  # fmt: skip


def paste_trained(work: Path) -> None:
    """trained/: the faces that the cascades have learnt, in the photographs that they have."""
    faces = sorted((work / "faces").iterdir())
    random.Random(SEED + 1).shuffle(faces)
    (work / "trained_crops.txt").write_text("".join(f"{path.resolve()}\n" for path in faces))
    words = ["trained_crops.txt", "bg.txt", "trained"]
    subprocess.run([sys.executable, str(PASTE.resolve()), *words], cwd=work, check=True)


def main(archives: Path, work: Path) -> None:
    """Prepare, train, measure behind both cascades, and save beside this script."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "tested" / "info.dat").exists():
        prepare(archives.resolve(), work.resolve())
    if not (work / "trained" / "info.dat").exists():
        paste_trained(work)
    if not (work / "verify_frontalface.npz").exists():
        subprocess.run([sys.executable, "-m", "cvbaseline", *TRAIN], cwd=work, check=True)
    target = Path(__file__).with_name("verify_frontalface.npz")
    shutil.copyfile(work / target.name, target)
    measured = {}
    for name in CASCADES:
        cascade, look = target.parents[1] / "cascades" / f"{name}.xml", SECOND_LOOKS[f"{name}.xml"]
        settings = {
            "verify": str(target), "verify-above": look.above, "stages": look.stages,
            "regroup-stages": look.regroup_stages,
        }  # fmt: skip
        measured[f"{name}.xml, first {look.stages} stages"] = measure(cascade, work, settings)
        measured[f"{name}.xml without it"] = measure(cascade, work, {"verify": "none"})
    record = {
        "model": target.name,
        "what": "tells faces in photographs from a cascade's false boxes",
        "trained_with": f"cvbaseline {__version__}",
        "script": "models/train_verify_frontalface.py",
        "command": " ".join(["cvbaseline", *TRAIN]),
        **load_model(target).provenance,
        "bytes": target.stat().st_size,
        "measured": {
            "how": "faces of people and photographs that neither it nor the cascades have seen, "
            "the faces pasted (benchmarks/paste_faces.py): real pictures of crowds are harder; "
            f"min_neighbors {' and '.join(map(str, NEIGHBOURS))}",
            **measured,
        },
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
