"""`opencv_createsamples`, as OpenCV 3.4.18 had it: the same flags, the same files.

Samples from annotated pictures, samples or test pictures from one picture that is turned in space
and laid over backgrounds, and a look into a .vec file. What the old tool died of is told and left
out; windows it opened are a contact sheet; the header of a .vec holds the count that is in it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional, Sequence

import numpy as np

from cvbaseline.errors import FormatError, UserError, require
from cvbaseline.formats.files import make_folder_of
from cvbaseline.old_tools.createsamples_options import CreatesamplesOptions, header
from cvbaseline.old_tools.single_dash import run_tool

if TYPE_CHECKING:
    from cvbaseline.old_tools.sample_backgrounds import Backgrounds
    from cvbaseline.old_tools.sample_distortion import Distorter

Tell = Callable[[str], None]

PROGRAM = "opencv_createsamples"
PREVIEW = 192  # pixels of a test picture's longer side on the contact sheet
BOX_COLOUR = (255, 170, 0)
WIDEST = 0.7  # share of a background that an object takes at most, when -maxscale is not given
PLACED_NAME = r"\d{4,}(_\d{4,}){4}\.jpg"  # how test pictures are called


class Created(NamedTuple):
    """What a run wrote."""

    made: int  # samples or test pictures; of a .vec looked into, those it holds
    output: Path


def createsamples(options: CreatesamplesOptions, tell: Tell = print) -> Created:
    """Do what the flags ask for, as opencv_createsamples chooses it; `tell` gets its lines.

    Raises UserError when nothing can be made; then no file is written.
    """
    for line in header(options):
        tell(line)
    if options.img and options.vec:
        return _distorted_samples(options, options.img, options.vec, tell)
    if options.img and options.info and options.bg:
        return _test_pictures(options, options.img, options.info, options.bg, tell)
    if options.img:
        raise UserError(
            "-img needs -vec out.vec (samples), or -bg bg.txt and -info info.lst (test pictures)"
        )
    if options.info and options.vec:
        return _samples_from_info(options, options.info, options.vec, tell)
    if options.vec:
        return _look_into(options, options.vec, tell)
    raise UserError(
        "nothing to do: give -info info.dat -vec out.vec (cut boxes), -img object.png -bg bg.txt "
        "-vec out.vec (distort one picture), or -vec some.vec (look into it)"
    )


def _samples_from_info(
    options: CreatesamplesOptions, info: Path, vec: Path, tell: Tell
) -> Created:
    """Cut the boxes of info.dat into a .vec."""
    from cvbaseline.old_tools.info_samples import samples_from_info

    _check_vec_target(vec)
    tell("Create training samples from images collection...")
    cut = samples_from_info(info, options.width, options.height, options.num, tell)
    made = len(cut.samples)
    require(
        made > 0,
        f"{info} gave no sample, {vec} is not written: its lines are `path n x y w h ...` with "
        "paths relative to its own folder",
    )
    if cut.squeezed:
        tell(
            f"{cut.squeezed} of {made} boxes are not of the shape {options.width}:{options.height} "
            "of the samples and were squeezed into it, as the old tool does; draw boxes of that "
            "shape, or choose -w and -h of theirs"
        )
    if made < options.num:
        left = f", {cut.left_out} left out" if cut.left_out else ""
        tell(f"made {made} of {options.num} samples asked for: {info} lists {cut.listed}{left}")
    elif cut.listed > made + cut.left_out:
        tell(f"{info} lists {cut.listed} boxes: -num {cut.listed} takes them all")
    _write_vec(vec, cut.samples, options, tell)
    tell(f"Done. Created {made} samples")
    return Created(made, vec)


def _open_object(
    options: CreatesamplesOptions, img: Path, smallest: tuple[int, int], tell: Tell
) -> "tuple[Distorter, Optional[Backgrounds]]":
    """The object of -img and the backgrounds of -bg, which share the random numbers."""
    from cvbaseline.formats.annotations import parse_background, read_list
    from cvbaseline.old_tools.multiply_with_carry import MultiplyWithCarry
    from cvbaseline.old_tools.opencv_grey import read_grey_as_opencv
    from cvbaseline.old_tools.sample_backgrounds import Backgrounds
    from cvbaseline.old_tools.sample_distortion import Distorter

    grey = read_grey_as_opencv(img)
    rows, columns = grey.shape
    least = f"{img} has {columns} x {rows} pixels, and an object needs 2 x 2 at least"
    require(min(rows, columns) >= 2, f"{least}: name a larger picture")
    random = MultiplyWithCarry(options.rngseed)
    distorter = Distorter(grey, options.distortion, random)
    if distorter.opaque_share < 0.2:
        tell(
            f"only {distorter.opaque_share:.0%} of {img} is opaque: greys within -bgthresh "
            f"{options.bgthresh} of -bgcolor {options.bgcolor} are transparent; -bgthresh 0 keeps "
            "nearly all of it"
        )
    if options.bg is None:
        return distorter, None
    listed = parse_background(read_list(options.bg), options.bg)
    require(bool(listed), f"{options.bg} lists no picture: write a path on each line")
    return distorter, Backgrounds(listed, options.bg, smallest, random, tell)


def _distorted_samples(options: CreatesamplesOptions, img: Path, vec: Path, tell: Tell) -> Created:
    """Distort one picture into a .vec."""
    from tqdm import tqdm

    _check_vec_target(vec)
    tell("Create training samples from single image applying distortions...")
    size = (options.width, options.height)
    distorter, backgrounds = _open_object(options, img, size, tell)
    plain = np.full(size[::-1], options.bgcolor, np.uint8)
    windows = backgrounds.windows(*size) if backgrounds else None
    samples = []
    try:
        for _ in tqdm(range(options.num), unit="sample", disable=None, leave=False):
            ground = plain if windows is None else next(windows)
            samples.append(distorter.place(ground, distorter.draw_inverse(), inscribe=False))
    finally:  # after Ctrl-C the .vec holds the samples that were made
        if samples:
            _write_vec(vec, np.stack(samples), options, tell)
            tell(f"made {len(samples)} samples")
    tell("Done")
    return Created(len(samples), vec)


def _test_pictures(
    options: CreatesamplesOptions, img: Path, info: Path, bg: Path, tell: Tell
) -> Created:
    """Lay the distorted picture over whole backgrounds; write them and their info.dat."""
    from tqdm import tqdm

    from cvbaseline.formats.annotations import Annotation, save_info
    from cvbaseline.images import write_picture
    from cvbaseline.old_tools.placed_pictures import place_in_backgrounds

    ours = _names_of_former_run(info)
    if options.pngoutput is not None:
        tell("-pngoutput means nothing since OpenCV 3: pictures are .jpg, beside the -info list")
    tell("Create test samples from single image applying distortions...")
    distorter, backgrounds = _open_object(options, img, (10, 10), tell)
    assert backgrounds is not None
    count = min(options.num, len(backgrounds.listed))
    size = (options.width, options.height)
    placed = place_in_backgrounds(distorter, backgrounds, size, count, options.maxscale)
    written: list[Annotation] = []
    previews: list[np.ndarray] = []
    try:
        for made in tqdm(placed, total=count, unit="picture", disable=None, leave=False):
            make_folder_of(info)
            path = info.parent / made.name
            require(
                made.name in ours or not path.exists(),
                f"{path} is there already, and {info} does not list it: give -info a new folder",
            )
            write_picture(path, made.picture)
            written.append(Annotation(made.name, np.array([made.box], np.int32)))
            if options.show is not None:
                previews.append(_preview(made.picture, made.box))
    finally:  # after Ctrl-C the list names the pictures that are there
        if written:
            save_info(info, written)
    require(
        bool(written),
        f"no test picture could be made: the pictures of {bg} must be larger than "
        f"{options.width / WIDEST:.0f} x {options.height / WIDEST:.0f} pixels",
    )
    if len(written) < options.num:
        tell(
            f"made {len(written)} of {options.num} test pictures asked for: one for each of the "
            f"{len(backgrounds.listed)} pictures of {bg} that is large enough"
        )
    if previews:
        _write_contact_sheet(info, np.stack(previews), 1.0, tell)
    tell(f"Done. Created {len(written)} test pictures, listed in {info}")
    return Created(len(written), info)


def _preview(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The picture made small on a square, its box drawn, uint8 (PREVIEW, PREVIEW, 3)."""
    import cv2

    scale = PREVIEW / max(picture.shape)
    size = [max(1, round(side * scale)) for side in picture.shape[::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    x, y, w, h = (round(value * scale) for value in box)
    square = np.zeros((PREVIEW, PREVIEW, 3), np.uint8)
    square[: size[1], : size[0]] = small[..., None]
    cv2.rectangle(square, (x, y), (x + w, y + h), BOX_COLOUR, 1)
    return square


def _look_into(options: CreatesamplesOptions, vec: Path, tell: Tell) -> Created:
    """A contact sheet of a .vec, or its samples as PNG files."""
    from cvbaseline.formats.vec import load_vec
    from cvbaseline.images import write_picture

    tell("View samples from vec file...")
    try:
        samples, claimed = load_vec(vec, options.width, options.height)
    except FormatError as problem:
        if problem.place is not None:
            raise
        samples, claimed = load_vec(vec)  # square samples, as the old tool guesses
        height, width = samples.shape[1:]
        tell(f"{problem}: taken as {width} x {height}")
    require(len(samples) > 0, f"{vec} holds no sample")
    if claimed > len(samples):
        tell(f"{vec} says {claimed} samples and holds {len(samples)}")
    if options.extract is None:
        _write_contact_sheet(vec, samples, options.show or 4.0, tell)
    else:
        folder = options.extract
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        require(not taken, f"{folder} is there and not empty: name a new folder after -extract")
        digits = max(4, len(str(len(samples))))
        make_folder_of(folder / "_")
        for number, sample in enumerate(samples, 1):
            write_picture(folder / f"{number:0{digits}d}.png", sample)
        tell(f"{len(samples)} samples are in {folder}")
    tell("Done")
    return Created(len(samples), options.extract or vec)


def _write_vec(vec: Path, samples: np.ndarray, options: CreatesamplesOptions, tell: Tell) -> None:
    from cvbaseline.formats.vec import save_vec

    make_folder_of(vec)
    save_vec(vec, samples)
    if options.show is not None:
        _write_contact_sheet(vec, samples, options.show, tell)


def _write_contact_sheet(beside: Path, samples: np.ndarray, scale: float, tell: Tell) -> None:
    from cvbaseline.old_tools.sample_sheet import write_sheet
    from cvbaseline.sorting.placing import unused_path

    path = unused_path(beside.parent, beside.name + ".png")
    shown = write_sheet(path, samples, scale)
    tell(f"{path} shows {shown} of {len(samples)} samples")


def _check_vec_target(vec: Path) -> None:
    """Refuse to replace what is no .vec file."""
    require(
        vec.suffix.lower() == ".vec" or not vec.exists(),
        f"{vec} is there already and would be replaced: name the output like samples.vec",
    )


def _names_of_former_run(info: Path) -> set[str]:
    """The test pictures that the list names, which a new run may replace.

    Raises UserError when it is not a list that this tool wrote.
    """
    from cvbaseline.formats.annotations import load_info

    if not info.exists():
        return set()
    foreign = f"{info} is there already and would be replaced: give -info a new name"
    try:
        names = {entry.path for entry in load_info(info)}
    except FormatError:
        raise UserError(foreign) from None
    require(all(re.fullmatch(PLACED_NAME, name) for name in names), foreign)
    return names


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The console script `opencv_createsamples`; the exit code is 2 for a user's mistake."""

    def run(options: CreatesamplesOptions, tell: Tell) -> int:
        createsamples(options, tell)
        return 0

    return run_tool(PROGRAM, CreatesamplesOptions, run, argv, obsolete={})
