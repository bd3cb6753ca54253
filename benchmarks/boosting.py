"""Time and memory of boosting one stage, and of opencv_traincascade on the same samples.

    python benchmarks/boosting.py --features BASIC --samples 2000 --trees 20
    python benchmarks/boosting.py --features LBP --old path/to/opencv_traincascade

Samples are drawn: blurred noise, with two dark blobs and a bright bar on the positives. Every
measurement runs in a process of its own, with everything compiled before the clock starts unless
--cold is given; the old tool's time includes its start and the reading of its files (well under a
second). Processor seconds are what a loaded machine leaves comparable.
"""

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

SIDE = 24


def draw_positives(count: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 (count, 24, 24)."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    windows = draw_strip(count, rng)[:, : count * SIDE // 2]
    windows = windows.reshape(SIDE, -1, SIDE // 2).transpose(1, 0, 2)
    windows = np.concatenate([windows, np.roll(windows, 7, axis=0)], axis=2)[:count].astype(float)
    for window in windows:
        shift, depth = rng.normal(0, 1.5, 2), rng.uniform(10, 90, 3)
        for side, dark in ((-1, depth[0]), (1, depth[1])):
            away = (x - 11.5 - side * 5.5 - shift[0]) ** 2 / 9 + (y - 9 - shift[1]) ** 2 / 5
            window -= dark * np.exp(-away)
        bar = (x - 11.5 - shift[0]) ** 2 / 20 + (y - 18 - shift[1]) ** 2 / 3
        window += depth[2] * np.exp(-bar)
    return windows.clip(0, 255).astype(np.uint8)


def draw_strip(count: int, rng: np.random.Generator) -> np.ndarray:
    """A strip from which the old tool cuts `count` windows, every 12 pixels."""
    shape = (SIDE, SIDE // 2 * count + SIDE)
    clouds = cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), 3)
    noise = 128 + 50 * clouds / clouds.std() + rng.normal(0, 10, shape)
    return noise.clip(0, 255).astype(np.uint8)


def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positives (count, 24, 24) and the strip of negatives."""
    rng = np.random.default_rng(0)
    return draw_positives(count, rng), draw_strip(count, rng)


def measure_ours(options: argparse.Namespace) -> dict[str, float]:
    """Seconds per tree of this process."""
    from cvbaseline.boosting.stage import StageGoals, train_stage
    from cvbaseline.features.haar import enumerate_haar
    from cvbaseline.features.lbp import enumerate_lbp

    faces, strip = draw(options.samples)
    starts = range(0, SIDE // 2 * options.samples, SIDE // 2)
    others = np.stack([strip[:, x : x + SIDE] for x in starts])
    lbp = options.features == "LBP"

    def train(count: int, trees: int) -> int:
        pool = enumerate_lbp(SIDE, SIDE) if lbp else enumerate_haar(SIDE, SIDE, options.features)
        goals = StageGoals(
            min_hit_rate=0.9999, max_false_alarm=1e-6, max_depth=options.depth,
            max_weak_count=trees,
        )  # fmt: skip
        feature_type = "LBP" if lbp else "HAAR"
        stage = train_stage(
            faces[:count], others[:count], feature_type, pool, goals, options.search
        )
        return stage.trees.count

    if not options.cold:
        train(100, 1)
    wall, processor = time.perf_counter(), time.process_time()
    trees = train(options.samples, options.trees)
    return {
        "trees": trees,
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure_old(options: argparse.Namespace) -> dict[str, float]:
    """The old tool on the same samples, with large buffers."""
    faces, strip = draw(options.samples)
    lbp = options.features == "LBP"
    kind = ["-featureType", "LBP"] if lbp else ["-featureType", "HAAR", "-mode", options.features]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = [b"\0" + face.astype("<i2").tobytes() for face in faces]
        header = struct.pack("<iihh", len(faces), SIDE * SIDE, 0, 0)
        (folder / "faces.vec").write_bytes(header + b"".join(records))
        (folder / "strip.png").write_bytes(cv2.imencode(".png", strip)[1].tobytes())
        (folder / "bg.txt").write_text("strip.png\n")
        (folder / "data").mkdir()
        words = [
            options.old, "-data", "data", "-vec", "faces.vec", "-bg", "bg.txt", *kind,
            "-numPos", options.samples, "-numNeg", options.samples, "-numStages", 1,
            "-w", SIDE, "-h", SIDE, "-minHitRate", 0.9999, "-maxFalseAlarmRate", 1e-6,
            "-maxDepth", options.depth, "-maxWeakCount", options.trees,
            "-precalcValBufSize", 3072, "-precalcIdxBufSize", 2048,
        ]  # fmt: skip
        wall = time.perf_counter()
        done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True)
        wall = time.perf_counter() - wall
        trees = done.stdout.count(b"\n|") - 1  # less the table's head
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "trees": trees,
        "wall": wall,
        "processor": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", default="BASIC", choices=["BASIC", "CORE", "ALL", "LBP"])
    parser.add_argument("--samples", type=int, default=2000, help="positives, and negatives")
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--search", default="fast", choices=["fast", "exhaustive"])
    parser.add_argument("--cold", action="store_true", help="count the compilation of kernels")
    parser.add_argument("--old", type=os.path.abspath, help="opencv_traincascade to measure too")
    parser.add_argument("--child", choices=["ours", "old"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure = measure_ours if options.child == "ours" else measure_old
        print(json.dumps(measure(options)))
        return
    print(f"{options.features}, {options.samples} + {options.samples}, depth {options.depth}")
    print("        trees  s/tree  processor s/tree      MB")
    for child in ["ours"] + ["old"] * bool(options.old):
        words = [sys.executable, *sys.argv, "--child", child]
        cache = tempfile.TemporaryDirectory()
        environment = dict(os.environ)
        if options.cold:
            environment["NUMBA_CACHE_DIR"] = cache.name
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
        got = json.loads(done.stdout)
        trees = got["trees"]
        print(
            f"{child:6s}{trees:7d}{got['wall'] / trees:8.3f}{got['processor'] / trees:18.3f}"
            f"{got['megabytes']:8.0f}"
        )


if __name__ == "__main__":
    main()
