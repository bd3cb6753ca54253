"""The boxes that the verifier of drawn faces learns from: what both cascades find in many pictures.

The pictures are those of cascades/train_animeface.py; few stages are permissive, so there is much
to learn from.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.faces import CropOptions
from cvbaseline.formats.cascade_xml import load_cascade, save_cascade
from cvbaseline.verifier_boxes import JudgedBoxes, collect_boxes, pictures_of

SEED = 0
STAGES = {"lbp_animeface": 10, "haar_animeface": 10}
SEARCH = DetectionParameters(scale_factor=1.2, min_neighbors=2, verify="none")
# Cut out larger than they are shown, so that they can be turned and moved.
LARGE = CropOptions(size=72, margin=0.4)


class Source(NamedTuple):
    """Pictures of a kind, and how many of their boxes an epoch shows."""

    name: str
    faces: int
    others: int
    limit: int  # pictures
    repeat: bool = False  # show boxes again until there are so many


SOURCES = (
    Source("sprite", 3500, 6000, 10_000),
    Source("head", 7000, 5000, 10_000),
    Source("crop", 800, 300, 3000),
    Source("drawn", 1500, 3000, 300),
    Source("cartoons", 0, 3000, 10_000),
    Source("drawn_backgrounds", 0, 4000, 10_000),
    Source("photos", 0, 3500, 1000),
    Source("hand", 1200, 0, 10_000, repeat=True),  # few, but such as the cascades miss
)


def source_boxes(work: Path, source: Source, cascades: list[Path]) -> JudgedBoxes:
    """What the cascades find in a source's pictures."""
    if source.name in ("sprite", "head", "crop", "hand"):
        lines = (work / "positives" / "info.dat").read_text().splitlines()
        listing = work / "positives" / f"{source.name}.dat"
        # Each once: those of dark faces stand there several times.
        own = dict.fromkeys(line for line in lines if line.startswith(f"{source.name}_"))
        listing.write_text("\n".join(own) + "\n")
        pictures = pictures_of([listing], limit=source.limit, seed=SEED)
    elif source.name == "drawn":
        pictures = pictures_of([work / "drawn" / "info.dat"], limit=source.limit, seed=SEED)
    elif source.name == "cartoons":
        pictures = pictures_of([], off_face=[work / "cartoons" / "info.dat"], seed=SEED)
    else:
        every = pictures_of([], faceless=[work / "backgrounds"], seed=SEED)
        own = [one for one in every if one.picture.path.name.startswith(f"{source.name}_")]
        chosen = np.random.default_rng(SEED).permutation(len(own))[: source.limit]
        pictures = [own[place] for place in sorted(chosen)]
    return collect_boxes(pictures, cascades, SEARCH, LARGE, SEED, tell=print)


def all_boxes(work: Path) -> tuple[JudgedBoxes, np.ndarray]:
    """The boxes of all sources, and the number of the source of each; kept in a file of WORK."""
    known = work / "verifier_boxes.npz"
    if not known.exists():
        cascades, parts = [], []
        for name, stages in STAGES.items():
            whole = load_cascade(Path(__file__).parents[1] / "cascades" / f"{name}.xml")
            cascades.append(work / f"{name}_{stages}_stages.xml")
            save_cascade(cascades[-1], replace(whole, stages=whole.stages[:stages]))
        for source in SOURCES:
            parts.append(source_boxes(work, source, cascades))
            counts = parts[-1].is_face.sum(), (~parts[-1].is_face).sum()
            print(f"{source.name}: {counts[0]} faces, {counts[1]} others", flush=True)
        number = np.repeat(np.arange(len(parts)), [len(part.crops) for part in parts])
        joined = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in JudgedBoxes._fields
        }
        np.savez(known, source=number, **joined)
    with np.load(known) as file:
        return JudgedBoxes(*(file[name] for name in JudgedBoxes._fields)), file["source"]
