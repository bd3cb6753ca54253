"""Stored predictions: one file for each fit and test, from which all metrics are computed.

A record is an .npz file without pickled objects: `probabilities` float64 (m, k) of the test faces
in the split's order, `facts` (JSON text: times, memory, versions, ...), and perhaps `directions`
float32 (d, pixels), what a subspace classifier looks at. Its name ends in a key made of all that
the predictions depend on, so a record of other data or settings is never taken for this one.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.contenders import Contender
from cvbaseline.benchmarking.distortions import Distortion
from cvbaseline.datasets import LabelledFaces
from cvbaseline.formats.files import make_folder_of, write_bytes

SCHEMA = 1  # changes when records of earlier versions must not be read
# What reading a damaged .npz file raises.
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
# What is asked of every record's facts, and of which kind it is; None: unknown.
_NUMBER, _NUMBER_OR_NONE = (int, float), (int, float, type(None))
FACTS = {
    "fit_seconds": _NUMBER, "predict_seconds": _NUMBER, "predicted": int, "threads": int,
    "model_bytes": _NUMBER_OR_NONE, "peak_bytes": _NUMBER_OR_NONE,
    "training_accuracy": _NUMBER_OR_NONE, "versions": dict, "code": dict,
}  # fmt: skip


class Record(NamedTuple):
    """One fit's answers for one test."""

    probabilities: np.ndarray  # float64 (m, k)
    facts: dict[str, Any]
    directions: Optional[np.ndarray] = None  # float32 (d, pixels)


def data_key(data: LabelledFaces) -> str:
    """A name for all that classifiers see of the data, 64 hexadecimal digits."""
    digest = sha256()
    about = [data.faces.shape, data.classes, data.groups]
    digest.update(json.dumps(about).encode())
    digest.update(np.ascontiguousarray(data.faces))
    digest.update(data.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def record_key(
    data: str,
    contender: Contender,
    train: np.ndarray,
    test: np.ndarray,
    distortion: Optional[Distortion],
) -> str:
    """A name for all that predictions depend on, 64 hexadecimal digits."""
    about = [
        SCHEMA, data, contender.name, contender.parameters, distortion,
        sha256(train.astype("<i8").tobytes()).hexdigest(),
        sha256(test.astype("<i8").tobytes()).hexdigest(),
    ]  # fmt: skip
    return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def code_digests(modules: Iterable[str]) -> dict[str, str]:
    """What the source of each module is like now, by its name; "" when it is not there."""
    digests = {}
    for name in sorted(modules):
        try:
            source = Path(find_spec(name).origin).read_bytes()
        except (ImportError, AttributeError, OSError, TypeError):
            source = b""
        digests[name] = sha256(source).hexdigest()[:16] if source else ""
    return digests


def record_path(folder: Path, contender: Contender, test: str, key: str) -> Path:
    """Where a record lies: the contender's folder, the test in words, the beginning of the key."""
    return folder / _file_name(contender.title) / f"{_file_name(test)}-{key[:16]}.npz"


def write_record(path: Path, record: Record) -> None:
    """Write a record; at any time the file is whole or not there."""
    arrays = {"probabilities": record.probabilities, "facts": np.array(json.dumps(record.facts))}
    if record.directions is not None:
        arrays["directions"] = record.directions
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    make_folder_of(path)
    write_bytes(path, data.getvalue())


def read_record(path: Path, shape: tuple[int, int]) -> Optional[Record]:
    """A record with probabilities of that shape; None when there is none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            probabilities = arrays["probabilities"]
            facts = json.loads(str(arrays["facts"]))
            directions = arrays["directions"] if "directions" in arrays else None
    except UNREADABLE:
        return None
    if probabilities.shape != shape or not _are_probabilities(probabilities):
        return None
    if not isinstance(facts, dict) or not all(
        name in facts and isinstance(facts[name], kind) for name, kind in FACTS.items()
    ):
        return None
    return Record(probabilities, facts, directions)


def _are_probabilities(rows: np.ndarray) -> bool:
    """Whether each row, float (m, k), adds up to 1, or to 0 as that of a face that was missed."""
    if rows.dtype.kind != "f" or not (rows >= 0).all():  # not a number is neither
        return False
    sums = rows.sum(axis=1)
    return bool(((np.abs(sums - 1) < 1e-3) | (sums == 0)).all())


def mean_record(records: Sequence[Record]) -> Record:
    """What an ensemble would answer whose members answered so on the same test.

    Times and sizes are the members' sums, the threads the most. Unknown are the peak memory and
    the accuracy on the faces that were learnt. Its code is theirs, and judged with them.
    """
    facts = [record.facts for record in records]
    sizes = [fact["model_bytes"] for fact in facts]
    return Record(
        sum(record.probabilities for record in records) / len(records),
        {
            "fit_seconds": sum(fact["fit_seconds"] for fact in facts),
            "predict_seconds": sum(fact["predict_seconds"] for fact in facts),
            "predicted": facts[0]["predicted"],
            "model_bytes": None if None in sizes else sum(sizes),
            "peak_bytes": None,
            "training_accuracy": None,
            "threads": max(fact["threads"] for fact in facts),
            "versions": {key: text for fact in facts for key, text in fact["versions"].items()},
            "code": {},
        },
    )


def _file_name(text: str) -> str:
    """Words for a file's name on any system."""
    return re.sub(r"[^A-Za-z0-9.=_-]+", "_", text)[:80]
