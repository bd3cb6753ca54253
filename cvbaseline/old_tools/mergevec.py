"""Many .vec files as one: the samples of each, in their order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.errors import FormatError, UserError, require
from cvbaseline.formats.annotations import parse_background, read_list
from cvbaseline.formats.files import make_folder_of, read_bytes
from cvbaseline.formats.vec import (
    HEADER,
    MAX_BYTES,
    Vec,
    fitting_sizes,
    parse_vec,
    save_vec,
)
from cvbaseline.options import option

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class MergevecOptions:
    """Merge .vec files whose samples are of one size."""

    sources: list[Path] = option(
        (), ".vec files, folders of them, or text files that list one on each line",
        args=["sources"], nargs="*", metavar="SOURCE",
    )  # fmt: skip
    folder: Optional[Path] = option(
        None, "a folder of .vec files, as mergevec.py takes it", args=["-v"], metavar="FOLDER"
    )
    out: Path = option(help="the merged .vec file", args=["-o", "--out"], metavar="VEC")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(
            bool(self.sources or self.folder),
            "nothing to merge: name .vec files or a folder of them, like mergevec -v samples -o "
            "all.vec",
        )
        require(
            self.out.suffix.lower() == ".vec" or not self.out.exists(),
            f"{self.out} is there already and would be replaced: name the output like all.vec",
        )


class Merged(NamedTuple):
    """What was merged."""

    files: int
    samples: int


def merge_vec_files(options: MergevecOptions, tell: Tell = print) -> Merged:
    """Write all samples into one file.

    Files without a sample and files that are no .vec (an old createsamples that failed leaves
    such) are told and left out; `tell` gets a line for each file.

    Raises UserError when sizes differ, or there is nothing to merge.
    """
    sources = [*options.sources, *([options.folder] if options.folder else [])]
    paths = [path for source in sources for path in _vec_files(source, options.out)]
    merged: list[np.ndarray] = []
    first: Optional[Path] = None
    for path in paths:
        try:
            samples, claimed = _load_rows(path)
        except FormatError as problem:
            tell(f"left out: {problem}")
            continue
        if not len(samples):
            tell(f"left out: {path} holds no sample")
            continue
        first = first or path
        if merged and samples.shape[1:] != merged[0].shape[1:]:
            raise UserError(
                f"{path} holds samples of {_size(samples)}, {first} of {_size(merged[0])}: merge "
                "only .vec files made with the same -w and -h"
            )
        short = f" (its header says {claimed})" if claimed > len(samples) else ""
        tell(f"{path}: {len(samples)} samples{short}")
        merged.append(samples)
    require(bool(merged), f"no sample in {', '.join(map(str, sources))}: {options.out} not written")
    everything = np.concatenate(merged)
    make_folder_of(options.out)
    save_vec(options.out, everything)
    tell(f"{options.out}: {len(everything)} samples of {len(merged)} files")
    return Merged(len(merged), len(everything))


def _vec_files(source: Path, out: Path) -> Iterator[Path]:
    """The .vec files that a source stands for; the output of an earlier run is not among them."""
    if source.is_dir():
        found = sorted(path for path in source.iterdir() if path.suffix.lower() == ".vec")
        found = [path for path in found if path.resolve() != out.resolve()]
        require(bool(found), f"{source} has no .vec file in it")
        yield from found
    elif source.suffix.lower() == ".vec":
        require(source.resolve() != out.resolve(), f"{source} is both a source and the output")
        yield source
    else:
        listed = parse_background(read_list(source), source)
        require(bool(listed), f"{source} lists no .vec file")
        for _, name in listed:
            beside = source.parent / name
            path = beside if beside.exists() else Path(name)
            require(path.suffix.lower() == ".vec", f"{source} lists {name}, which is no .vec file")
            yield path


def _load_rows(path: Path) -> Vec:
    """The samples of a .vec as rows of pixels, uint8 (n, 1, width * height)."""
    data = read_bytes(path, MAX_BYTES)
    pixels = HEADER.unpack_from(data)[1] if len(data) >= HEADER.size else 1
    return parse_vec(data, max(1, pixels), 1, path)


def _size(rows: np.ndarray) -> str:
    """The size of samples in words."""
    pixels = rows.shape[2]
    likely = fitting_sizes(pixels)[:1]
    return f"{pixels} pixels" + "".join(f" (perhaps {w} x {h})" for w, h in likely)
