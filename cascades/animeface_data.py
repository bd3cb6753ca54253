"""Training pictures for the drawn-face cascades, from the development archives.

    python cascades/animeface_data.py ARCHIVES WORK

ARCHIVES is the folder with anime_faces.zip, anime_heads.zip, anime_emotions.zip,
anime_emotions_more.zip, cartoon_scenes_dev.zip and negatives.zip; WORK receives (about 200 MB)

    positives/   grey pictures with one boxed face each, and info.dat: dark faces, which are few,
                 several times, and more of them made of lighter ones
    cartoons/    frames with every face boxed, and info.dat: their off-face parts are negatives
    backgrounds/ pictures without faces

The heads' boxes are in anime_heads_boxes.txt: found by a first cascade that was trained on the
rest, as the best box for a prior of place and size, and looked through on contact sheets (the 60
least likely of 5,943 were left out). Of the 117 without a box those that show one face alone were
boxed by eye: anime_heads_boxes_by_hand.txt, 102 faces that the first cascade missed, mostly tilted,
shouting, with closed eyes or turned away. All boxes are brought to
one framing: square, from the brow to the chin, about as wide as the face.
"""

import csv
import io
import sys
from pathlib import Path
from typing import Iterator
from zipfile import ZipFile

import numpy as np
from PIL import Image

# Framing, measured on contact sheets. The getchu and jonathonyan crops are 64 x 64 with hair and
# neck; sprite boxes go from the hairline to below the chin.
CROP_CENTRE, CROP_SIZE = (0.505, 0.59), 0.67
SPRITE_SCALE = 0.83
FACE_PIXELS = 72  # a sprite is scaled so that its box has this size: thrice the window or more
HEAD_BOXES = Path(__file__).with_name("anime_heads_boxes.txt")
BY_HAND = Path(__file__).with_name("anime_heads_boxes_by_hand.txt")
# Skin darker than DARK (grey, 0 to 255) is rare in these pictures, and was missed half of the time.
DARK, DARK_REPEATS = 120, 10
DARKENED = {"sprite": 0.35, "head": 0.15, "crop": 0.15}  # shares of the faces with skin in LIGHT
LIGHT = (170, 236)  # so that the white of the eye is brighter
SPRITE_ARCHIVES = ("anime_emotions.zip", "anime_emotions_more.zip")


def grey(data: bytes) -> np.ndarray:
    """A picture's bytes as grey uint8 (h, w)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def members(archive: ZipFile, folder: str) -> Iterator[str]:
    """The pictures of an archive whose path holds the folder, in order."""
    for name in sorted(archive.namelist()):
        if f"{folder}/" in f"/{name}" and name.lower().endswith((".webp", ".jpg", ".png")):
            yield name


def crops(archives: Path) -> Iterator[tuple[np.ndarray, tuple[int, int, int, int]]]:
    """The ready-made 64 x 64 crops with the box of our framing."""
    with ZipFile(archives / "anime_faces.zip") as archive:
        for name in members(archive, ""):
            picture = grey(archive.read(name))
            size = round(CROP_SIZE * picture.shape[0])
            x = round(CROP_CENTRE[0] * picture.shape[1] - size / 2)
            y = round(CROP_CENTRE[1] * picture.shape[0] - size / 2)
            yield picture, (x, y, size, size)


def heads(
    archives: Path, listing: Path
) -> Iterator[tuple[np.ndarray, tuple[int, int, int, int]]]:
    """The head thumbnails that have a box in a listing."""
    with ZipFile(archives / "anime_heads.zip") as archive:
        places = {Path(name).name: name for name in archive.namelist()}
        for line in listing.read_text().splitlines():
            name, _, *box = line.split()
            yield grey(archive.read(places[name])), tuple(map(int, box))


def sprites(
    archives: Path, backgrounds: list[np.ndarray], random: np.random.Generator
) -> Iterator[tuple[np.ndarray, tuple[int, int, int, int]]]:
    """Head-and-shoulder sprites over a random part of a drawn background, with the face's box."""
    for archive_name in SPRITE_ARCHIVES:
        with ZipFile(archives / archive_name) as archive:
            labels = next(name for name in archive.namelist() if name.endswith("labels.csv"))
            root = labels.removesuffix("labels.csv")
            seen = set()
            for row in csv.DictReader(io.TextIOWrapper(archive.open(labels), "utf-8")):
                name = row.get("sprite") or row["file"]
                if name in seen:
                    continue
                seen.add(name)
                sprite = Image.open(io.BytesIO(archive.read(root + name))).convert("RGBA")
                yield composed(sprite, [float(row[key]) for key in "xywh"], backgrounds, random)


def composed(
    sprite: Image.Image,
    box: list[float],
    backgrounds: list[np.ndarray],
    random: np.random.Generator,
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """The sprite over a background, scaled so that its face has FACE_PIXELS."""
    x, y, width, height = box
    scale = FACE_PIXELS / (SPRITE_SCALE * max(width, height))
    size = (max(1, round(sprite.width * scale)), max(1, round(sprite.height * scale)))
    sprite = sprite.resize(size, Image.Resampling.LANCZOS)
    backdrop = backgrounds[random.integers(len(backgrounds))]
    background = Image.fromarray(backdrop)
    needed = max(size[0] / background.width, size[1] / background.height) * random.uniform(1, 1.8)
    background = background.resize(
        (round(background.width * needed) + 1, round(background.height * needed) + 1)
    )
    left = int(random.integers(background.width - size[0] + 1))
    top = int(random.integers(background.height - size[1] + 1))
    picture = background.crop((left, top, left + size[0], top + size[1])).convert("L")
    luminance = sprite.convert("RGB").convert("L")
    picture.paste(luminance, (0, 0), sprite.getchannel("A"))
    centre = ((x + width / 2) * scale, (y + height / 2) * scale)
    corner = (round(centre[0] - FACE_PIXELS / 2), round(centre[1] - FACE_PIXELS / 2))
    return np.asarray(picture), (*corner, FACE_PIXELS, FACE_PIXELS)


def clipped(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A square box moved, and if need be shrunk, into the picture."""
    x, y, size, _ = box
    size = min(size, *shape)
    return min(max(x, 0), shape[1] - size), min(max(y, 0), shape[0] - size), size, size


def skin_tone(picture: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """The median grey of a face's middle, below the brow."""
    x, y, width, height = box
    rows = slice(int(y + 0.35 * height), int(y + 0.85 * height))
    return float(np.median(picture[rows, int(x + 0.25 * width) : int(x + 0.75 * width)]))


def darkened(picture: np.ndarray, skin: float, random: np.random.Generator) -> np.ndarray:
    """A picture of a face as if its skin were dark: what is brighter than skin stays bright."""
    line, dark, white = random.uniform(5, 35), random.uniform(50, 115), random.uniform(170, 255)
    greys = np.arange(256)
    below = line + np.clip((greys - (skin - 70)) / 70, 0, 1) * (dark - line)
    above = dark + np.clip(2 * (greys - skin - 16) / (249 - skin), 0, 1) * (white - dark)
    tones = np.where(greys > skin + 16, above, below)
    return np.rint(tones).clip(0, 255).astype(np.uint8)[picture]


def prepare(archives: Path, work: Path, seed: int = 1) -> None:
    """Write WORK/positives, WORK/cartoons and WORK/backgrounds; see the module's docstring."""
    random = np.random.default_rng(seed)
    for folder in ("positives", "cartoons", "backgrounds"):
        (work / folder).mkdir(parents=True)
    drawn = []
    with ZipFile(archives / "negatives.zip") as archive:
        for name in members(archive, ""):
            if not name.lower().endswith((".jpg", ".png", ".webp")):
                continue
            data = archive.read(name)
            (work / "backgrounds" / name.replace("/", "_")).write_bytes(data)
            if "drawn_backgrounds" in name:
                drawn.append(grey(data))
    lines, darkening = [], np.random.default_rng(seed + 2)
    sources = (
        ("crop", crops(archives)),
        ("head", heads(archives, HEAD_BOXES)),
        ("sprite", sprites(archives, drawn, random)),
        ("hand", heads(archives, BY_HAND)),
    )
    for source, pictures in sources:
        for number, (picture, box) in enumerate(pictures):
            name, box = f"{source}_{number:05}.png", clipped(box, picture.shape)
            Image.fromarray(picture).save(work / "positives" / name)
            entry, skin = " 1 " + " ".join(map(str, box)), skin_tone(picture, box)
            lines += [name + entry] * (DARK_REPEATS if skin < DARK else 1)
            share = DARKENED.get(source, 0.0)
            if LIGHT[0] < skin < LIGHT[1] and darkening.random() < share:
                dark = darkened(picture, skin, darkening)
                Image.fromarray(dark).save(work / "positives" / f"dark_{name}")
                lines.append(f"dark_{name}{entry}")
    (work / "positives" / "info.dat").write_text("\n".join(lines) + "\n")
    with ZipFile(archives / "cartoon_scenes_dev.zip") as archive:
        for name in archive.namelist():
            if name.endswith((".jpg", "annotations.txt")):
                target = "info.dat" if name.endswith(".txt") else Path(name).name
                (work / "cartoons" / target).write_bytes(archive.read(name))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
