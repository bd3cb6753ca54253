"""The flags of OpenCV 3.4's opencv_createsamples, and how it lists them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import numpy as np

from cvbaseline.errors import require
from cvbaseline.options import option

if TYPE_CHECKING:
    from cvbaseline.old_tools.sample_distortion import Distortion


@dataclass(frozen=True, kw_only=True)
class CreatesamplesOptions:
    """Make samples with the flags of OpenCV 3.4's opencv_createsamples."""

    info: Optional[Path] = option(
        None, "annotated pictures (info.dat) to cut; with -img and -bg: the list to write",
        args=["-info"],
    )  # fmt: skip
    img: Optional[Path] = option(None, "one picture of the object, to distort", args=["-img"])
    vec: Optional[Path] = option(None, "the .vec file to write, or to look into", args=["-vec"])
    bg: Optional[Path] = option(
        None, "backgrounds: a file with a picture's path on each line", args=["-bg"]
    )
    num: int = option(1000, "samples to make", args=["-num"])
    bgcolor: int = option(0, "grey of -img that is transparent", args=["-bgcolor"])
    bgthresh: int = option(80, "greys so near to it are transparent too", args=["-bgthresh"])
    inv: bool = option(False, "invert the object's greys", args=["-inv"])
    randinv: bool = option(False, "invert them in half of the samples", args=["-randinv"])
    maxidev: int = option(40, "change of the object's brightness at most", args=["-maxidev"])
    maxxangle: float = option(1.1, "turn about the x axis at most, radians", args=["-maxxangle"])
    maxyangle: float = option(1.1, "turn about the y axis at most, radians", args=["-maxyangle"])
    maxzangle: float = option(0.5, "turn about the z axis at most, radians", args=["-maxzangle"])
    show: Optional[float] = option(
        None, "write a contact sheet beside the output, enlarged so many times (4 without a value)",
        args=["-show"], bare=4.0,
    )  # fmt: skip
    width: int = option(24, "width of the samples", args=["-w"])
    height: int = option(24, "height of the samples", args=["-h"])
    maxscale: float = option(
        -1.0, "size of the object in test pictures at most, in samples; -1: as the first "
        "background allows", args=["-maxscale"],
    )  # fmt: skip
    rngseed: int = option(12345, "seed of the random numbers", args=["-rngseed"])
    pngoutput: Optional[str] = option(
        None, "taken for tutorials' sake, with or without a word after it; nothing since OpenCV 3",
        args=["-pngoutput"], bare="",
    )  # fmt: skip
    extract: Optional[Path] = option(
        None, "write the samples of -vec as PNG files into this new folder", args=["-extract"]
    )

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(self.num >= 1, f"-num {self.num} must be at least 1")
        for flag, side in (("-w", self.width), ("-h", self.height)):
            require(3 <= side <= 2048, f"{flag} {side} must be from 3 to 2048 pixels")
        require(0 <= self.bgcolor <= 255, f"-bgcolor {self.bgcolor} must be from 0 to 255")
        require(0 <= self.bgthresh <= 255, f"-bgthresh {self.bgthresh} must be from 0 to 255")
        require(0 <= self.maxidev <= 255, f"-maxidev {self.maxidev} must be from 0 to 255")
        for flag, angle in (
            ("-maxxangle", self.maxxangle),
            ("-maxyangle", self.maxyangle),
            ("-maxzangle", self.maxzangle),
        ):
            require(
                abs(angle) <= np.pi,
                f"{flag} {angle:g} is in radians, from 0 to 3.14: {angle:g} degrees are "
                f"{np.radians(angle):.3g}",
            )
        require(
            self.maxscale < 0 or self.maxscale >= 1,
            f"-maxscale {self.maxscale:g} must be 1 or more",
        )
        require(self.show is None or 0 < self.show <= 32, "-show needs a scale up to 32, like 4")

    @property
    def distortion(self) -> "Distortion":
        """What -img's samples may differ by."""
        from cvbaseline.old_tools.sample_distortion import Distortion

        return Distortion(
            bgcolor=self.bgcolor, bgthresh=self.bgthresh,
            invert=self.inv, random_invert=self.randinv, maxidev=self.maxidev,
            maxxangle=self.maxxangle, maxyangle=self.maxyangle, maxzangle=self.maxzangle,
        )  # fmt: skip


def header(options: CreatesamplesOptions) -> list[str]:
    """The parameters as the old tool lists them."""
    invert = "RANDOM" if options.randinv else "TRUE" if options.inv else "FALSE"
    return [
        f"Info file name: {options.info or '(NULL)'}",
        f"Img file name: {options.img or '(NULL)'}",
        f"Vec file name: {options.vec or '(NULL)'}",
        f"BG  file name: {options.bg or '(NULL)'}",
        f"Num: {options.num}",
        f"BG color: {options.bgcolor}",
        f"BG threshold: {options.bgthresh}",
        f"Invert: {invert}",
        f"Max intensity deviation: {options.maxidev}",
        f"Max x angle: {options.maxxangle:g}",
        f"Max y angle: {options.maxyangle:g}",
        f"Max z angle: {options.maxzangle:g}",
        f"Show samples: {'FALSE' if options.show is None else 'TRUE'}",
        *([] if options.show is None else [f"Scale: {options.show:g}"]),
        f"Width: {options.width}",
        f"Height: {options.height}",
        f"Max Scale: {options.maxscale:g}",
        f"RNG Seed: {options.rngseed}",
    ]
