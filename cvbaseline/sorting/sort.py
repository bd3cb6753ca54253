"""The verb `sort`: every picture below a folder into one folder for each emotion.

Each picture lands exactly once in <out>/<emotion>/, unsure/ or no_face/, or is listed as
unreadable with the reason. Originals stay untouched unless they are to be moved, and nothing is
ever overwritten. What is known from an earlier run is not done again.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Optional

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError, require
from cvbaseline.options import argument, option
from cvbaseline.parallel import one_core_each, worker_count
from cvbaseline.shipped import cascade_path, default_emotion_model
from cvbaseline.sorting.manifest import (
    NO_FACE,
    THUMBNAILS,
    UNREADABLE,
    UNSURE,
    Record,
    has_table,
    is_output_folder,
)
from cvbaseline.sorting.output_folder import (
    LOCK_NAME,
    OutputFolder,
    PlannedOutput,
    check_output_names,
)
from cvbaseline.sorting.picture_search import Search, search_pictures
from cvbaseline.sorting.placing import Fingerprint, fingerprint, locked
from cvbaseline.sorting.sort_result import SortResult, count, summary

__all__ = ["SortOptions", "SortResult", "sort_pictures", "summary"]


@dataclass(frozen=True, kw_only=True)
class SortOptions(DetectionParameters):
    """Sort the pictures below a folder by the emotion of their most prominent face."""

    folder: Path = argument(
        "folder of pictures, searched with all folders below it", args=["folder"], metavar="FOLDER"
    )
    out: Optional[Path] = option(
        None, "output folder; without it FOLDER_sorted beside FOLDER", metavar="DIR"
    )
    model: Optional[Path] = option(
        None, "model that names emotions; without it the shipped one", metavar="MODEL"
    )
    cascade: Optional[Path] = option(
        None,
        "cascade that finds faces: a file or a shipped one's name; else the default",
        metavar="XML",
    )
    mode: Literal["copy", "move", "link"] = option(
        "copy", "copy or move the pictures, or make links to them"
    )
    unsure_below: Optional[float] = option(
        None,
        "probability that the best emotion needs, else the picture goes to unsure; "
        "without it the model's own",
        metavar="P",
    )
    dry_run: bool = option(False, "write nothing, print where each picture would go")
    jobs: Optional[int] = option(
        None, "pictures looked at side by side; without it one for each processor", metavar="N"
    )

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        share = self.unsure_below
        require(share is None or 0 <= share <= 1, f"--unsure-below {share} must lie in 0 to 1")
        require(self.jobs is None or self.jobs >= 1, f"--jobs {self.jobs} must be at least 1")


class _Examined(NamedTuple):
    """A picture as a worker saw it: its content and its record, or what hinders."""

    picture: Path
    record: Record
    known: bool


def sort_pictures(
    options: SortOptions,
    tell: Optional[Callable[[str], None]] = None,
    decider: Optional[Any] = None,
) -> SortResult:
    """Sort a folder of pictures.

    Parameters
    ----------
    options : what to sort, where to, and how
    tell : takes lines that are not part of the result; with it, progress is shown on stderr
    decider : an `emotion_decision.Decider`, to decide by other means than cascade and model

    Raises UserError for a folder, cascade or model that will not do. Ctrl-C (KeyboardInterrupt)
    goes through; before, manifest and contact sheet are written for what was finished.
    """
    folder, out = _folders(options)
    decider = decider or _decider(options)
    names = (*decider.folders, UNSURE, NO_FACE)
    _check_apart(folder, out, (*names, THUMBNAILS))
    say = tell or (lambda line: None)
    if options.dry_run:
        planned = PlannedOutput(out, options.mode, say, folder)
        return _sort(options, planned, search_pictures(folder, out), decider, tell)
    check_output_names(out, names)
    if not out.exists() and not (search := search_pictures(folder, out)).pictures:
        return SortResult(folder, out, (), 0, search, options.mode)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = locked(
            out / LOCK_NAME, lambda: say(f"another run sorts into {out}: waiting until it is done")
        )
        with lock:
            # Only now: the run that held the lock may have moved the pictures away.
            search = search_pictures(folder, out)
            output = OutputFolder(out, options.mode, say, folder)
            return _sort(options, output, search, decider, tell)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{error.filename or out} cannot be used ({reason})") from None


def _sort(
    options: SortOptions,
    output: OutputFolder,
    search: Search,
    decider: Any,
    tell: Optional[Callable[[str], None]],
) -> SortResult:
    """The work itself: pictures are examined by several threads and placed by this one."""
    settings = output.settings_key(decider.settings)
    records: list[Record] = []
    output.flush(now=True)
    try:
        for seen in _examine_all(options, output, search.pictures, decider, settings, tell):
            known = seen.record if seen.known else output.take_over(seen.record)
            if known:
                records.append(output.settle(seen.picture, known))
            else:
                records.append(output.add(seen.picture, seen.record))
            output.flush()
    finally:
        output.finish()
        if not options.dry_run:
            from cvbaseline.sorting.contact_sheet import write_contact_sheet

            write_contact_sheet(output.path, output.manifest, decider.folders, options.folder)
    others = sum(record.settings != settings for record in records)
    if tell and others:
        tell(
            f"{count(others, 'picture')} sorted before with other settings left in place: "
            "give another --out to sort anew"
        )
    return SortResult(
        options.folder, output.path, tuple(records), output.new, search, options.mode,
        options.dry_run, output.stayed,
    )  # fmt: skip


def _examine_all(
    options: SortOptions,
    output: OutputFolder,
    pictures: tuple[Path, ...],
    decider: Any,
    settings: str,
    tell: Optional[Callable[[str], None]],
) -> Iterator[_Examined]:
    """Every picture's record, in the pictures' order.

    Threads, not processes: reading, detecting and resizing release the interpreter's lock, and
    no second process has to load OpenCV, the cascade and the model.
    """
    from concurrent.futures import ThreadPoolExecutor

    from tqdm import tqdm

    known = dict(output.manifest.records)
    thumbnails = None if options.dry_run else output.path / THUMBNAILS

    def examine(picture: Path) -> _Examined:
        return _examine(picture, output.key_of(picture), known, decider, settings, thumbnails)

    jobs = options.jobs or worker_count()
    threads = ThreadPoolExecutor(jobs)
    try:
        with one_core_each() if jobs > 1 else nullcontext():
            yield from tqdm(
                threads.map(examine, pictures), total=len(pictures), unit="picture",
                disable=None if tell and sys.stderr else True, leave=False,
            )  # fmt: skip
    finally:
        # After Ctrl-C the pictures at work are waited for: a program that ends while OpenCV
        # searches one is aborted.
        threads.shutdown(cancel_futures=True)


def _examine(
    picture: Path,
    key: str,
    known: dict[tuple[str, str], Record],
    decider: Any,
    settings: str,
    thumbnails: Optional[Path],
) -> _Examined:
    """One picture's record: the manifest's own if it is there, else by deciding."""
    from cvbaseline.sorting.thumbnails import make_thumbnail

    try:
        content = fingerprint(picture)
    except OSError as error:
        reason = error.strerror or str(error)
        record = Record(key, 0, "", UNREADABLE, problem=reason, settings=settings)
        return _Examined(picture, record, False)
    record = known.get((key, content.sha256))
    is_known = record is not None and record.folder != UNREADABLE
    if not is_known:
        record = _decided(picture, key, content, decider, settings)
    if thumbnails is not None and record.folder != UNREADABLE:
        make_thumbnail(picture, thumbnails, content.sha256)
    return _Examined(picture, record, is_known)


def _decided(picture: Path, key: str, content: Fingerprint, decider: Any, settings: str) -> Record:
    decision = decider(picture)
    return Record(
        key,
        content.bytes,
        content.sha256,
        folder=decision.folder,
        sorted_as=decision.folder,
        width=decision.width,
        height=decision.height,
        decided_by=decision.decided_by,
        faces=decision.faces,
        problem=decision.problem,
        settings=settings,
    )


def _decider(options: SortOptions) -> Any:
    """Cascade and model, as named or as shipped."""
    from cvbaseline.sorting.emotion_decision import EmotionDecider

    return EmotionDecider(
        cascade_path(options.cascade),
        options.model or default_emotion_model(),
        options,
        options.unsure_below,
    )


def _folders(options: SortOptions) -> tuple[Path, Path]:
    """The folder to sort and the output folder, both without links on their way."""
    require(options.folder.is_dir(), f"{options.folder} is not a folder: name a folder of pictures")
    folder = Path(os.path.realpath(options.folder))
    if options.out is None:
        require(bool(folder.name), f"{folder} has no folder beside it: name one with --out")
        return folder, folder.with_name(f"{folder.name}_sorted")
    out = Path(os.path.realpath(options.out))
    require(out.is_dir() or not out.exists(), f"{options.out} is a file: --out needs a folder")
    return folder, out


def _check_apart(folder: Path, out: Path, names: tuple[str, ...]) -> None:
    """UserError when originals would lie where results go."""
    require(folder != out, "--out is the folder to sort itself: give another one")
    if out in folder.parents:
        top = folder.relative_to(out).parts[0]
        require(
            top.casefold() not in {name.casefold() for name in names},
            f"{folder} is one of the output's own folders: give another --out",
        )
    sorted_before = is_output_folder(out) or has_table(out)
    if folder in out.parents and out.exists() and not sorted_before:
        # What lies in the output is never sorted: these would be left out without a word.
        pictures = search_pictures(out, out).pictures
        if pictures:
            raise UserError(
                f"--out holds pictures of the folder to sort, like {pictures[0]}, which would not "
                "be sorted: give another --out"
            )
