"""All checks of a run of createsamples."""

from pathlib import Path

from cvbaseline.old_tools.createsamples import CreatesamplesOptions
from cvbaseline.preflight.findings import Checked, Finding
from cvbaseline.preflight.lists import check_background, check_info
from cvbaseline.preflight.pictures import look_at


def check_createsamples(options: CreatesamplesOptions, thorough: bool = False) -> Checked:
    """All that can be wrong with a run of createsamples.

    Parameters
    ----------
    thorough : decode all pictures, to find truncated ones
    """
    findings: list[Finding] = []
    mended: dict[str, str] = {}
    size = (options.width, options.height)
    if options.img is not None:
        findings += _check_object(options, options.img)
        if options.bg is not None:
            findings += check_background(options.bg, size, thorough).findings
    elif options.info is not None and options.vec is not None:
        found, boxes = check_info(options.info, size, thorough)
        findings += found
        if 0 < boxes < options.num:
            where, problem = f"-num {options.num}", f"{options.info} holds {boxes} boxes only"
            findings.append(Finding("warning", where, problem, f"use -num {boxes}"))
            mended["-num"] = str(boxes)
    elif options.vec is None:
        problem = "nothing to do"
        mend = "give -info info.dat -vec out.vec, or -img object.png -bg bg.txt -vec out.vec"
        findings.append(Finding("error", "the command line", problem, mend))
    elif not options.vec.is_file():
        mend = "name a .vec, or give -info or -img to make one"
        findings.append(Finding("error", f"-vec {options.vec}", "there is no such file", mend))
    if options.vec is not None and (options.img is not None or options.info is not None):
        findings += _check_target(options.vec)
    return Checked(findings, mended)


def _check_object(options: CreatesamplesOptions, img: Path) -> list[Finding]:
    """The picture of the object."""
    look = look_at([img], (8, 8))[0]
    where = f"-img {img}"
    if look.size is None:
        return [Finding("error", where, look.problem, "name a picture of the object")]
    if options.vec is None and (options.info is None or options.bg is None):
        mend = "give -vec out.vec, or -bg bg.txt and -info out/info.lst"
        return [Finding("error", where, "it is not said what to write", mend)]
    if look.size[0] < options.width or look.size[1] < options.height:
        problem = f"{look.size[0]} x {look.size[1]} pixels are fewer than the samples have"
        return [Finding("warning", where, problem, "use a larger picture of the object")]
    return []


def _check_target(vec: Path) -> list[Finding]:
    """Whether the folder that a .vec goes to is there."""
    if vec.is_dir():
        return [Finding("error", f"-vec {vec}", "it is a folder", "name a file in it")]
    if vec.parent.is_dir():
        return []
    problem = f"there is no folder {vec.parent}"
    return [Finding("aborts", f"-vec {vec}", problem, f'make it first: mkdir -p "{vec.parent}"')]
