"""Checks of positives in a .vec file: are they enough, are they what the flags say."""

import math
from pathlib import Path
from typing import Literal, NamedTuple, Optional, Union

import numpy as np

from cvbaseline.errors import UserError
from cvbaseline.formats.files import read_bytes
from cvbaseline.formats.vec import HEADER, MAX_BYTES, MAX_PIXELS, Vec, fitting_sizes, parse_vec
from cvbaseline.preflight.findings import Finding

# Samples of a .vec for each of -numPos, beyond those that the hit rate loses: samples that a stage
# has not seen pass it less often than those it was trained on.
SLACK = 1.05

FLATTEST = 10  # OpenCV's detector never passes a Haar window of no more standard deviation
ROUGHER = 0.5  # share of the vertical roughness below which another size is surely the right one
SAMPLES_LOOKED_AT = 300


def needed_samples(num_pos: int, num_stages: int, min_hit_rate: float) -> int:
    """How many samples a training of all stages reads: each stage may lose 1 - min_hit_rate.

    opencv_traincascade takes for each stage the first num_pos samples that pass the stages
    before, so the last one reads num_pos and what num_stages - 1 stages rejected.
    """
    return math.ceil(round(num_pos * (1 + (num_stages - 1) * (1 - min_hit_rate)), 6))


def lasting_positives(held: int, num_stages: int, min_hit_rate: float) -> int:
    """The -numPos for which so many samples should last, with some slack; at least 1."""
    return max(1, int(held / (SLACK + (num_stages - 1) * (1 - min_hit_rate))))


class Asked(NamedTuple):
    """What the flags say of the positives."""

    width: int
    height: int
    num_pos: Union[int, Literal["auto"]]
    num_stages: int
    min_hit_rate: float
    feature_type: str


def asked_positives(held: int, asked: Asked) -> int:
    """The positives of a stage as a number, also for -numPos auto."""
    if asked.num_pos == "auto":
        return lasting_positives(held, asked.num_stages, asked.min_hit_rate)
    return asked.num_pos


def check_vec_file(path: Path, asked: Asked) -> tuple[list[Finding], dict[str, str], Optional[Vec]]:
    """The findings on a .vec file, the flags that mend them, and what the file holds."""
    try:
        data = read_bytes(path, MAX_BYTES)
    except UserError as error:
        mend = "make it with opencv_createsamples, or name the right file"
        return [Finding("error", f"-vec {path}", _reason(error, path), mend)], {}, None
    size_findings, mended = check_vec_size(data, path, asked.width, asked.height)
    width = int(mended.get("-w", asked.width))
    height = int(mended.get("-h", asked.height))
    try:
        vec = parse_vec(data, width, height, path)
    except UserError as error:
        if size_findings:
            return size_findings, {}, None
        mend = "make it again with opencv_createsamples"
        return [Finding("error", str(path), _reason(error, path), mend)], {}, None
    findings = size_findings + check_claim(vec, path)
    findings += check_shape(vec.samples, path) + check_flat(vec.samples, path, asked.feature_type)
    shortage, number = check_count(len(vec.samples), path, asked)
    if number is not None:
        mended["-numPos"] = str(number)
    return findings + shortage, mended, vec


def check_vec_alone(path: Path) -> list[Finding]:
    """The findings on a .vec file of which no flag says anything."""
    try:
        data = read_bytes(path, MAX_BYTES)
        pixels = HEADER.unpack_from(data)[1] if len(data) >= HEADER.size else 0
        vec = parse_vec(data, max(1, pixels), 1, path)  # as one row: the sides are not told
    except UserError as error:
        return [Finding("error", str(path), _reason(error, path), "make it again")]
    if not len(vec.samples):
        return [Finding("error", str(path), "it holds no sample", "make it again")]
    return check_claim(vec, path)


def _reason(error: UserError, path: Path) -> str:
    return str(error).removeprefix(str(path)).lstrip(":, ")


def check_vec_size(
    data: bytes, path: Path, width: int, height: int
) -> tuple[list[Finding], dict[str, str]]:
    """Whether -w times -h is the number of pixels of a sample, and the flags that are."""
    if len(data) < HEADER.size:
        return [], {}
    pixels = HEADER.unpack_from(data)[1]
    if pixels <= 0 or pixels == width * height:
        return [], {}
    fitting = fitting_sizes(pixels) if pixels <= MAX_PIXELS else []
    problem = f"its samples have {pixels} pixels, not {width} x {height} = {width * height}"
    if not fitting:
        return [Finding("error", str(path), problem, "it is no .vec file: name one")], {}
    # The proportions that were asked for are the best guess at those that were meant.
    wanted = math.log(width / height)
    best = min(fitting, key=lambda size: abs(math.log(size[0] / size[1]) - wanted))
    fit = ", ".join(f"{w} x {h}" for w, h in fitting[:5])
    mend = f"use -w {best[0]} -h {best[1]}, or what createsamples was run with ({fit} fit)"
    return [Finding("error", str(path), problem, mend)], {"-w": str(best[0]), "-h": str(best[1])}


def check_claim(vec: Vec, path: Path) -> list[Finding]:
    """Whether the file holds as many samples as its header says."""
    if vec.claimed <= len(vec.samples):
        return []
    problem = f"its header says {vec.claimed} samples, the file holds {len(vec.samples)}"
    mend = "opencv_createsamples -num was larger than the boxes of its -info: make it again"
    return [Finding("warning", str(path), problem, mend)]


def check_count(held: int, path: Path, asked: Asked) -> tuple[list[Finding], Optional[int]]:
    """Whether the samples last for all stages, and the -numPos for which they do."""
    if held == 0:
        mend = "run opencv_createsamples again and look at what it says"
        return [Finding("error", str(path), "it holds no sample", mend)], None
    lasting = lasting_positives(held, asked.num_stages, asked.min_hit_rate)
    num_pos = asked_positives(held, asked)
    needed = needed_samples(num_pos, asked.num_stages, asked.min_hit_rate)
    mend = (
        f"use -numPos {lasting} (or -numPos auto with cvbaseline), or make a .vec of "
        f"{math.ceil(needed * SLACK)} samples"
    )
    where = f"-numPos {num_pos}"
    if num_pos > held:
        problem = f"{path} holds only {held} samples"
        return [Finding("aborts", where, problem, mend)], lasting
    if needed > held:
        loss = 1 - asked.min_hit_rate
        stage = int((held - num_pos) / (num_pos * loss) + 1e-9) + 1
        problem = (
            f"{path} holds {held} samples; each stage may lose {loss:.3g} of them, so "
            f"{asked.num_stages} stages need {needed}, and they run out at about stage {stage}"
        )
        return [Finding("aborts", where, problem, mend)], lasting
    return [], None


def check_shape(samples: np.ndarray, path: Path) -> list[Finding]:
    """Whether the samples, (n, h, w), look as if they had been made with another -w and -h.

    The product of both is all that a .vec file holds. Cut to the wrong width, a picture's rows no
    longer stand above each other, and neighbours in a column differ far more than they should.
    """
    count, height, width = samples.shape
    if count == 0:
        return []
    flat = samples[:: -(-count // SAMPLES_LOOKED_AT)].reshape(-1, height * width).astype(np.int16)
    here = _roughness(flat, width, height)
    sizes = [size for size in fitting_sizes(height * width) if size != (width, height)]
    rough = {size: _roughness(flat, *size) for size in sizes}
    best = min(rough, key=rough.__getitem__, default=None)
    if best is None or rough[best] > ROUGHER * here:
        return []
    problem = f"its samples look torn at {width} x {height} and whole at {best[0]} x {best[1]}"
    mend = f"use -w {best[0]} -h {best[1]} if createsamples was run so"
    return [Finding("warning", str(path), problem, mend)]


def _roughness(flat: np.ndarray, width: int, height: int) -> float:
    """Mean difference of neighbours in a column, of samples int16 (n, height * width)."""
    columns = flat.reshape(-1, height, width)
    return float(np.abs(np.diff(columns, axis=1)).mean())


def check_flat(samples: np.ndarray, path: Path, feature_type: str) -> list[Finding]:
    """How many samples are so flat that the detector will never find their like."""
    if feature_type != "HAAR" or samples.shape[0] == 0 or min(samples.shape[1:]) < 4:
        return []
    inner = samples[:, 1:-1, 1:-1].astype(np.float32)  # what the detector normalises with
    flat = np.flatnonzero(inner.std(axis=(1, 2)) <= FLATTEST)
    if not len(flat):
        return []
    problem = (
        f"{len(flat)} of {len(samples)} samples (first: number {flat[0]}) have nearly no contrast, "
        f"a standard deviation of {FLATTEST} grey levels at most, which no detector passes"
    )
    return [Finding("warning", str(path), problem, "leave them out when making the .vec")]
