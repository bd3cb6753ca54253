"""The verb `annotate`: draw boxes around objects in the browser, saved after every change.

The page runs in the user's own browser; nothing leaves the computer.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional

from cvbaseline.errors import require
from cvbaseline.options import argument, option

if TYPE_CHECKING:
    from cvbaseline.web.local_server import Answer, LocalServer

JPEG_QUALITY = 92


@dataclass(frozen=True, kw_only=True)
class AnnotateOptions:
    """Draw boxes around objects in a page of your browser; every change is saved at once.

    The boxes are in FOLDER/info.dat, as opencv_createsamples reads it, unless --output names
    another file: .dat and .txt are info.dat, .json is COCO, .xml is dlib's imglab; a folder needs
    --format yolo or voc.
    """

    folder: Path = argument("folder of pictures", args=["folder"], metavar="FOLDER")
    output: Optional[Path] = option(
        None, "file or folder of the boxes; without it FOLDER/info.dat", metavar="PATH"
    )
    format: Literal["auto", "info", "yolo", "coco", "voc", "imglab"] = option(
        "auto", "format of the boxes, when the name does not tell"
    )
    labels: list[str] = option(("face",), "labels to choose from", nargs="+", metavar="LABEL")
    square: bool = option(False, "keep boxes square from the start")
    cascade: Optional[Path] = option(
        None,
        "cascade that proposes boxes: a file or a shipped one's name; else the default",
        metavar="XML",
    )
    port: int = option(0, "port on 127.0.0.1; 0 takes a free one")
    open: bool = option(False, "open the page in the browser")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(self.folder.is_dir(), f"{self.folder} is not a folder: name a folder of pictures")
        require(bool(self.labels), "--labels needs at least one")
        require(0 <= self.port <= 65535, f"--port {self.port} must be from 0 to 65535")


class Annotator:
    """What the page asks for and changes."""

    def __init__(self, options: AnnotateOptions, tell: Callable[[str], None]):
        from cvbaseline.formats.annotation_files import kind_of
        from cvbaseline.web.annotation_store import AnnotationStore

        self.options = options
        target = options.output or options.folder / "info.dat"
        kind = options.format
        if kind == "auto":
            kind = kind_of(target)
        self.store = AnnotationStore(options.folder, target, kind, options.labels[0], tell)
        self._detecting = Lock()
        self._classifier: Any = None

    def page(self) -> "Answer":
        """The page itself."""
        from cvbaseline.web.local_server import Answer

        html = files("cvbaseline.web").joinpath("annotate.html").read_bytes()
        return Answer(html, "text/html; charset=utf-8")

    def state(self) -> "Answer":
        """What the page shows first."""
        from cvbaseline.web.local_server import json_answer

        labels = dict.fromkeys([*self.options.labels, *self.store.classes])
        entries = [entry._asdict() for entry in self.store.entries()]
        target = str(self.store.target)
        return json_answer({
            "pictures": entries, "labels": list(labels), "target": target,
            "square": self.options.square, "keepsLabels": self.store.kind != "info",
        })  # fmt: skip

    def boxes(self, index: str) -> "Answer":
        """A picture's size and boxes."""
        from cvbaseline.web.local_server import json_answer

        width, height = self.store.size(int(index))
        known = self.store.boxes(int(index))
        boxes, labels = known.boxes.tolist(), list(known.labels)
        return json_answer({"width": width, "height": height, "boxes": boxes, "labels": labels})

    def save(self, index: str, body: Any) -> "Answer":
        """Take a picture's boxes and save them."""
        from cvbaseline.web.local_server import json_answer

        require(isinstance(body, dict), "expected an object with boxes and labels")
        entry = self.store.save(int(index), body.get("boxes"), body.get("labels"))
        return json_answer(entry._asdict())

    def picture(self, index: str) -> "Answer":
        """A picture as JPEG, upright, whatever its own format."""
        import cv2

        from cvbaseline.images import read_colour
        from cvbaseline.web.local_server import Answer

        self.store.size(int(index))
        colour = read_colour(self.store.pictures[int(index)])
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        fine, data = cv2.imencode(".jpg", colour[..., ::-1], quality)
        require(bool(fine), f"{self.store.pictures[int(index)]} is too large to show")
        return Answer(data.tobytes(), "image/jpeg")

    def propose(self, index: str) -> "Answer":
        """Boxes that the cascade finds, best first."""
        from cvbaseline.detection import detect, open_cascade
        from cvbaseline.detection_parameters import DetectionParameters
        from cvbaseline.images import read_grey
        from cvbaseline.shipped import cascade_path
        from cvbaseline.web.local_server import json_answer

        self.store.size(int(index))
        grey = read_grey(self.store.pictures[int(index)])
        with self._detecting:  # a detector serves one thread at a time
            if self._classifier is None:
                self._classifier = open_cascade(cascade_path(self.options.cascade))
            # A proposal too many is one key to remove; one too few is a box to draw.
            permissive = DetectionParameters(min_neighbors=3)
            found = detect(grey, self._classifier, permissive)
        return json_answer({"boxes": found.boxes.tolist(), "scores": found.scores.tolist()})


def open_server(options: AnnotateOptions, tell: Callable[[str], None]) -> "LocalServer":
    """A server that is ready to run; `serve_forever` runs it.

    Raises UserError when there is no picture, or the file of the boxes cannot be used.
    """
    from cvbaseline.web.local_server import LocalServer, Route

    annotator = Annotator(options, tell)
    routes = [
        Route("GET", "", annotator.page),
        Route("GET", "state", annotator.state),
        Route("GET", r"boxes/(\d{1,9})", annotator.boxes),
        Route("PUT", r"boxes/(\d{1,9})", annotator.save),
        Route("GET", r"pictures/(\d{1,9})", annotator.picture),
        Route("GET", r"proposals/(\d{1,9})", annotator.propose),
    ]
    return LocalServer(routes, options.port)


def annotate(options: AnnotateOptions, tell: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; `tell` gets its address."""
    server = open_server(options, tell)
    tell(f"draw boxes at {server.address}")
    tell("every change is saved at once; Ctrl-C here ends")
    if options.open:
        import webbrowser

        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        tell("\nall boxes are saved")
    finally:
        server.server_close()
