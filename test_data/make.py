"""Makes the pictures of this folder, such as a collector of screenshots would have, and labels.csv.

Run it as `python test_data/make.py` from anywhere; existing pictures are replaced by the same ones.
"""

import csv
from pathlib import Path

from cvbaseline.drawing import draw_scene
from cvbaseline.images import write_picture

HERE = Path(__file__).resolve().parent

# name, seed, width, height, emotions from left to right
SCENES = (
    ("episode_01_0412.jpg", 30054, 960, 540, ("surprised", "angry")),
    ("episode_01_1033.jpg", 30042, 500, 500, ("angry",)),
    ("episode_02_0007.jpg", 30015, 854, 480, ("angry", "happy", "worried")),
    ("episode_02_0150.jpg", 30043, 640, 400, ("happy",)),
    ("festival/snap 1.png", 30050, 720, 480, ("happy", "happy")),
    ("festival/snap 2.webp", 30008, 640, 480, ("happy", "scared")),
    ("festival/夏祭り.png", 30044, 720, 480, ("neutral",)),
    ("festival/🎆 fireworks.webp", 30002, 640, 480, ("neutral",)),
    ("IMG_2031.jpg", 30003, 854, 480, ("sad",)),
    ("IMG_2032.JPG", 30045, 640, 480, ("sad",)),
    ("IMG_2033.jpeg", 30031, 640, 400, ("sad", "worried")),
    ("wallpapers/corner.png", 30004, 480, 640, ("scared",)),
    ("wallpapers/lesson.jpg", 30011, 960, 540, ("surprised", "scared")),
    ("wallpapers/board.webp", 30005, 960, 540, ("surprised",)),
    ("wallpapers/stripes.jpg", 30034, 854, 480, ("worried", "surprised")),
    ("Screenshot (12).png", 30027, 640, 480, ("worried",)),
    ("Screenshot (13).jpg", 30013, 640, 400, ("worried", "neutral")),
    ("scenery/street.jpg", 30109, 720, 480, ()),
    ("scenery/room.webp", 30110, 720, 480, ()),
    ("scenery/from behind.jpg", 30121, 720, 480, ()),
)
TRUNCATED = ("episode_03_0001.jpg", 30040, 854, 480, ("surprised", "angry", "neutral"))


def make_truncated() -> None:
    """A download that stopped: the first half of a JPEG file."""
    name, seed, width, height, emotions = TRUNCATED
    path = HERE / name
    write_picture(path, draw_scene(seed, width, height, emotions).image, quality=90)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def main() -> None:
    """Draw the pictures and write what is in them."""
    rows = []
    for name, seed, width, height, emotions in SCENES:
        scene = draw_scene(seed, width, height, emotions)
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        write_picture(path, scene.image, quality=88)
        rows += [(name, *row) for row in zip(scene.emotions, *scene.boxes.T.tolist())]
        if not emotions:
            rows.append((name, "no_face", "", "", "", ""))
    make_truncated()
    rows.append((TRUNCATED[0], "unreadable", "", "", "", ""))
    with (HERE / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("picture", "emotion", "x", "y", "width", "height"))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
