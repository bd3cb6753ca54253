"""Drawn faces with known truth: anime-like characters in many styles showing seven emotions.

Everything is drawn by this package, so its pictures may be used and shared freely. They serve
tests, examples and training. Heavy libraries are imported when something is drawn.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Literal,
    NamedTuple,
    Optional,
    Sequence,
    Union,
)

import numpy as np

from cvbaseline.drawing.terms import EMOTIONS, most_faces
from cvbaseline.errors import require
from cvbaseline.formats.files import make_folder, new_text_file
from cvbaseline.options import option

if TYPE_CHECKING:
    from cvbaseline.drawing.pictures import DrawnFace, DrawnScene
    from cvbaseline.drawing.styles import FaceStyle

__all__ = ["EMOTIONS", "DrawOptions", "Drawn", "draw", "draw_face", "draw_scene"]

PROGRESS_EVERY = 100


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """Draw faces (crops) or scenes with known boxes and emotions into a new folder."""

    out: Path = option(Path("drawn"), "folder to fill; it must be new or empty", metavar="FOLDER")
    kind: Literal["crops", "scenes"] = option(
        "crops", "crops: one face a picture, a folder for each emotion; scenes: several faces"
    )
    count: int = option(70, "number of pictures")
    size: int = option(128, "side of a crop in pixels")
    width: int = option(640, "width of a scene in pixels")
    height: int = option(480, "height of a scene in pixels")
    faces: int = option(3, "most faces in a scene; each scene has 0 to this many")
    emotions: tuple[str, ...] = option(
        (), f"emotions to draw, some of: {' '.join(EMOTIONS)} (default: all)", type=str, nargs="+"
    )
    format: Literal["png", "jpg", "webp"] = option("png", "format of the pictures")
    seed: int = option(0, "same seed, same pictures")

    def __post_init__(self) -> None:
        object.__setattr__(self, "emotions", tuple(self.emotions) or EMOTIONS)
        require(self.count >= 1, f"--count {self.count}: at least 1 picture")
        require(self.seed >= 0, f"--seed {self.seed}: not negative")
        require(16 <= self.size <= 4096, f"--size {self.size}: 16 to 4096 pixels")
        require(
            96 <= min(self.width, self.height) and max(self.width, self.height) <= 8192,
            f"--width {self.width} --height {self.height}: each 96 to 8192 pixels",
        )
        most = most_faces(self.width)
        require(
            0 <= self.faces <= most,
            f"--faces {self.faces}: 0 to {most} fit in scenes of {self.width} pixels",
        )
        for emotion in self.emotions:
            require(
                emotion in EMOTIONS, f"--emotions {emotion}: unknown; one of {', '.join(EMOTIONS)}"
            )


class Drawn(NamedTuple):
    """What `draw` did."""

    out: Path
    pictures: int
    faces: int


def draw_face(
    seed: int, emotion: str, size: int = 128, style: "Optional[FaceStyle]" = None
) -> "DrawnFace":
    """One face as a square RGB crop: see `cvbaseline.drawing.pictures.draw_face`."""
    from cvbaseline.drawing import pictures

    return pictures.draw_face(seed, emotion, size, style)


def draw_scene(
    seed: int, width: int = 640, height: int = 480, faces: Union[int, Sequence[str]] = 2
) -> "DrawnScene":
    """A scene with any number of faces: see `cvbaseline.drawing.pictures.draw_scene`."""
    from cvbaseline.drawing import pictures

    return pictures.draw_scene(seed, width, height, faces)


def draw(options: DrawOptions, tell: Optional[Callable[[str], None]] = None) -> Drawn:
    """Fill a folder with pictures.

    Crops go to `<out>/<emotion>/NNNN.png`, the emotions in turn; scenes to `<out>/NNNN.png`, with
    `info.dat` (those with faces, OpenCV's annotation format) and `bg.txt` (those without).
    `labels.csv` has a row for each face: picture, emotion, x, y, width, height, seed.

    Raises UserError when the folder is not empty.
    """
    if options.out.exists():
        require(
            options.out.is_dir() and not any(options.out.iterdir()),
            f"{options.out} is not an empty folder: give a new one with --out",
        )
    make_folder(options.out)
    with new_text_file(options.out / "labels.csv") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "emotion", "x", "y", "width", "height", "seed"])
        draw_kind = draw_crops if options.kind == "crops" else draw_scenes
        faces = draw_kind(options, writer, tell or (lambda line: None))
    if tell is not None:
        tell(f"{options.count} pictures with {faces} faces are in {options.out}")
    return Drawn(options.out, options.count, faces)


def picture_seed(options: DrawOptions, number: int) -> int:
    """An own seed for each picture: different runs and pictures share none."""
    return int(np.random.SeedSequence([options.seed, number]).generate_state(1, np.uint64)[0])


def draw_crops(options: DrawOptions, writer: Any, tell: Callable[[str], None]) -> int:
    """Write the crops and their labels; returns the number of faces."""
    from cvbaseline.images import write_picture

    for number in range(options.count):
        emotion = options.emotions[number % len(options.emotions)]
        seed = picture_seed(options, number)
        face = draw_face(seed, emotion, options.size)
        name = f"{emotion}/{number // len(options.emotions):04d}.{options.format}"
        (options.out / emotion).mkdir(exist_ok=True)
        write_picture(options.out / name, face.image)
        writer.writerow([name, emotion, *face.box, seed])
        report(number, options.count, tell)
    return options.count


def draw_scenes(options: DrawOptions, writer: Any, tell: Callable[[str], None]) -> int:
    """Write the scenes, their labels, info.dat and bg.txt; returns the number of faces."""
    from cvbaseline.formats.annotations import Annotation, save_info
    from cvbaseline.images import write_picture

    annotations, empty, total = [], [], 0
    for number in range(options.count):
        seed = picture_seed(options, number)
        rng = np.random.default_rng(seed)
        count = int(rng.integers(0, options.faces + 1))
        emotions = [str(emotion) for emotion in rng.choice(options.emotions, count)]
        scene = draw_scene(seed, options.width, options.height, emotions)
        name = f"{number:04d}.{options.format}"
        write_picture(options.out / name, scene.image)
        for emotion, box in zip(scene.emotions, scene.boxes.tolist()):
            writer.writerow([name, emotion, *box, seed])
        if count:
            annotations.append(Annotation(name, scene.boxes))
        else:
            empty.append(name)
        total += count
        report(number, options.count, tell)
    save_info(options.out / "info.dat", annotations)
    (options.out / "bg.txt").write_text("".join(f"{name}\n" for name in empty), encoding="utf-8")
    return total


def report(number: int, count: int, tell: Callable[[str], None]) -> None:
    """Say how far it is, now and then."""
    if (number + 1) % PROGRESS_EVERY == 0:
        tell(f"{number + 1} of {count} pictures")
