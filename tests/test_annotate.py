"""`cvbaseline annotate`: its web service by real requests, its files after every change."""

import http.client
import json
import threading
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from PIL import Image

from cvbaseline.cli import main
from cvbaseline.errors import UserError
from cvbaseline.formats import files
from cvbaseline.formats.annotation_files import read_annotations
from cvbaseline.formats.annotations import load_info
from cvbaseline.web.annotate import AnnotateOptions, open_server

GOLDEN = Path(__file__).parent / "data" / "traincascade"


class Client:
    """The page's side: requests to a server that runs in a thread of its own."""

    def __init__(self, **options):
        self.told: list[str] = []
        self.server = open_server(AnnotateOptions(**options), self.told.append)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def raw(self, method, path, body=None, headers=None):
        """Status, headers and bytes of a request to a path behind the port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.headers, data

    def ask(self, path, value=None, method=None):
        """Status and JSON of a request behind the token; a value is put."""
        method = method or ("GET" if value is None else "PUT")
        body = None if value is None else json.dumps(value)
        headers = {"Content-Type": "application/json"}
        status, _, data = self.raw(method, f"/{self.server.token}/{path}", body, headers)
        return status, json.loads(data)

    def put(self, index, boxes, labels=None):
        labels = ["face"] * len(boxes) if labels is None else labels
        return self.ask(f"boxes/{index}", {"boxes": boxes, "labels": labels})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three pictures of 80 x 60, and one that is damaged."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["a.png", "b c.png", "sub/あ.jpg"]):
        Path("pics", name).parent.mkdir(parents=True, exist_ok=True)
        grey = np.random.default_rng(number).integers(0, 256, (60, 80), np.uint8)
        Image.fromarray(grey).save(Path("pics", name))
    Path("pics/z.png").write_text("no picture")
    return Path("pics")


@pytest.fixture
def start(folder):
    """Starts servers and ends them."""
    clients = []

    def begin(**options):
        clients.append(Client(folder=folder, **options))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


def test_address_and_page(start):
    client = start()
    parts = urlsplit(client.server.address)
    assert parts.hostname == "127.0.0.1" and client.server.server_address[0] == "127.0.0.1"
    status, headers, page = client.raw("GET", parts.path)
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<canvas" in page and b"http" not in page.replace(b"http-equiv", b"")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy


def test_every_change_is_in_info_dat_at_once(start, folder):
    client = start()
    status, state = client.ask("state")
    assert status == 200 and state["labels"] == ["face"]
    assert [entry["name"] for entry in state["pictures"]] == [
        "a.png", "b c.png", "sub/あ.jpg", "z.png",
    ]  # fmt: skip
    assert not any(entry["done"] for entry in state["pictures"])
    assert client.ask("boxes/2") == (200, {"width": 80, "height": 60, "boxes": [], "labels": []})
    assert client.put(2, [[1, 2, 30, 40], [0, 0, 80, 60]]) == (
        200, {"name": "sub/あ.jpg", "boxes": 2, "done": True},
    )  # fmt: skip
    assert Path("pics/info.dat").read_text(encoding="utf-8") == (
        "sub/あ.jpg 2 1 2 30 40 0 0 80 60\n"
    )
    client.put(0, [])
    client.put(2, [[5, 5, 6, 6]])
    entries = {path: boxes.tolist() for path, boxes in load_info(Path("pics/info.dat"))}
    assert entries == {"sub/あ.jpg": [[5, 5, 6, 6]], "a.png": []}
    assert client.ask("boxes/2")[1]["boxes"] == [[5, 5, 6, 6]]
    done = [entry["done"] for entry in client.ask("state")[1]["pictures"]]
    assert done == [True, False, True, False]
    assert sorted(path.name for path in folder.iterdir()) == [
        "a.png", "b c.png", "info.dat", "sub", "z.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "output, kind",
    [
        ("pics/info.dat", "info"), ("boxes.json", "coco"), ("out/boxes.xml", "imglab"),
        ("pics", "yolo"), ("labels", "yolo"), ("voc", "voc"),
    ],
)  # fmt: skip
def test_another_session_goes_on_with_every_format(start, output, kind):
    options = {"output": Path(output), "format": kind, "labels": ["face", "left eye"]}
    first = start(**options)
    assert first.put(1, [[1, 2, 3, 4], [5, 6, 7, 8]], ["left eye", "face"])[0] == 200
    assert first.put(2, [[9, 9, 9, 9]], ["あ"])[0] == 200
    assert first.put(1, [[5, 6, 7, 8], [1, 2, 4, 4]], ["face", "left eye"])[0] == 200
    read = read_annotations(Path(output), kind, Path("pics") if kind in ("yolo", "voc") else None)
    boxes = {Path(p.path).resolve(): p.boxes.tolist() for p in read}
    assert boxes == {
        Path("pics/b c.png").resolve(): [[5, 6, 7, 8], [1, 2, 4, 4]],
        Path("pics/sub/あ.jpg").resolve(): [[9, 9, 9, 9]],
    }
    second = start(**options)
    seen = second.ask("boxes/1")[1]
    assert seen["boxes"] == [[5, 6, 7, 8], [1, 2, 4, 4]]
    expected = ["face", "face"] if kind == "info" else ["face", "left eye"]
    assert seen["labels"] == expected
    if kind != "info":
        assert set(second.ask("state")[1]["labels"]) == {"face", "left eye", "あ"}


def test_yolo_classes_keep_their_numbers(start):
    Path("labels").mkdir()
    Path("labels/classes.txt").write_text("dog\nface\n")
    Path("labels/a.txt").write_text("1 0.5 0.5 1 1\n")
    client = start(output=Path("labels"), format="yolo")
    assert client.put(1, [[0, 0, 80, 60], [0, 0, 8, 6]], ["ant", "dog"])[0] == 200
    assert Path("labels/classes.txt").read_text() == "dog\nface\nant\n"
    assert [line[0] for line in Path("labels/b c.txt").read_text().splitlines()] == ["2", "0"]
    assert Path("labels/a.txt").read_text() == "1 0.5 0.5 1 1\n"


def test_entries_of_other_pictures_stay(start):
    Path("pics/info.dat").write_text("elsewhere/x.png 1 1 1 500 500\na.png 1 2 2 9 9\n")
    client = start()
    assert client.ask("boxes/0")[1]["boxes"] == [[2, 2, 9, 9]]
    client.put(0, [[3, 3, 9, 9]])
    text = Path("pics/info.dat").read_text()
    assert text == "elsewhere/x.png 1 1 1 500 500\na.png 1 3 3 9 9\n"
    assert not list(Path("pics").glob("*.original*"))


@pytest.mark.parametrize(
    "name, text",
    [
        ("boxes.json", '{"images": [], "annotations": [], "categories": [], "info": {"by": "me"}}'),
        ("boxes.xml", "<dataset><images><image file='pics/a.png'><box top='1' left='1' width='9' "
         "height='9' ignore='1'/></image></images></dataset>"),
        ("info.dat", "pics/a.png  1   2 2 9 9"),
    ],
)  # fmt: skip
def test_a_file_that_holds_more_than_we_write_is_kept(start, name, text):
    Path(name).write_text(text)
    client = start(output=Path(name))
    assert not Path(name + ".original").exists()
    client.put(1, [[3, 3, 9, 9]])
    client.put(1, [[3, 3, 9, 10]])
    assert Path(name + ".original").read_text() == text
    assert not Path(name + ".original-2").exists()


def test_a_voc_file_that_holds_more_is_kept(start):
    text = "<annotation><filename>a.png</filename><owner>me</owner></annotation>"
    Path("voc").mkdir()
    Path("voc/a.xml").write_text(text)
    client = start(output=Path("voc"), format="voc")
    assert client.put(0, [[1, 1, 5, 5]])[0] == 200
    assert Path("voc/a.xml.original").read_text() == text


def test_a_write_that_fails_changes_nothing(start, monkeypatch):
    client = start()
    client.put(0, [[1, 1, 5, 5]])
    before = Path("pics/info.dat").read_bytes()

    def refuse(old, new):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", refuse)
    status, answer = client.put(0, [[2, 2, 5, 5]])
    assert status == 400 and "No space left" in answer["error"]
    assert Path("pics/info.dat").read_bytes() == before
    assert client.ask("boxes/0")[1]["boxes"] == [[1, 1, 5, 5]]
    monkeypatch.undo()
    assert not list(Path().rglob("*.part"))


@pytest.mark.parametrize(
    "value",
    [
        [], {}, {"boxes": 3, "labels": []}, {"boxes": [[1, 2, 3, 4]], "labels": []},
        {"boxes": [[1, 2, 3]], "labels": ["a"]}, {"boxes": [[1, 2, 3, 4.5]], "labels": ["a"]},
        {"boxes": [[True, 2, 3, 4]], "labels": ["a"]}, {"boxes": [[0, 0, 81, 60]], "labels": ["a"]},
        {"boxes": [[-1, 0, 8, 6]], "labels": ["a"]}, {"boxes": [[1, 1, 0, 6]], "labels": ["a"]},
        {"boxes": [[1, 1, 9, 6]], "labels": [""]}, {"boxes": [[1, 1, 9, 6]], "labels": ["a\nb"]},
        {"boxes": [[1, 1, 9, 6]], "labels": [3]}, {"boxes": [[10**30, 1, 9, 6]], "labels": ["a"]},
        {"boxes": [[1, 1, 2, 2]] * 10_001, "labels": ["a"] * 10_001},
    ],
)  # fmt: skip
def test_what_are_no_boxes_is_refused_and_nothing_written(start, value):
    client = start()
    status, answer = client.ask("boxes/0", value)
    assert status == 400 and "\n" not in answer["error"]
    assert not Path("pics/info.dat").exists()


def test_pictures_come_as_jpeg_upright(start, folder):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((20, 50, 3), np.uint8)).save(folder / "aa.tiff", exif=exif)
    client = start()
    status, headers, data = client.raw("GET", f"/{client.server.token}/pictures/1")
    assert status == 200 and headers["Content-Type"] == "image/jpeg"
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    known = client.ask("boxes/1")[1]
    assert shown.shape[:2] == (50, 20) == (known["height"], known["width"])


def test_a_damaged_picture_is_one_line(start):
    client = start()
    for path in ("boxes/3", "pictures/3", "proposals/3"):
        status, answer = client.ask(path)
        assert status == 400 and "z.png" in answer["error"]
    assert client.put(3, [])[0] == 400


@pytest.mark.parametrize(
    "path", ["../a.png", "pictures/../../../etc/passwd", "pictures/99", "pictures/-1", "boxes/4",
             "pictures/%2e%2e", "pictures/a.png", "nothing", "pictures/%D9%A3", "boxes/1/"],
)  # fmt: skip
def test_nothing_else_is_served(start, path):
    client = start()
    status, _, data = client.raw("GET", f"/{client.server.token}/{path}")
    assert status in (400, 404) and b"error" in data


def test_others_are_kept_out(start):
    client = start()
    token, port = client.server.token, client.server.server_port
    body, kind = b'{"boxes": [], "labels": []}', {"Content-Type": "application/json"}
    huge = {**kind, "Content-Length": str(2**20 + 1)}
    assert client.raw("GET", "/state")[0] == 403
    assert client.raw("GET", "/")[0] == 403
    assert client.raw("GET", f"/{token[:-1]}/state")[0] == 403
    assert client.raw("GET", f"/{token}/state", headers={"Host": f"evil.example:{port}"})[0] == 403
    assert client.raw("GET", f"/{token}/state", headers={"Host": f"localhost:{port}"})[0] == 200
    # What a form of another page could send, even with the token
    assert client.raw("PUT", f"/{token}/boxes/0", body, {"Content-Type": "text/plain"})[0] == 415
    assert client.raw("POST", f"/{token}/boxes/0", body, kind)[0] == 501
    assert client.raw("PUT", f"/{token}/boxes/0", b"{", kind)[0] == 400
    assert client.raw("PUT", f"/{token}/boxes/0", b"", huge)[0] == 413
    assert client.raw("PUT", f"/{token}/boxes/0", b"[" * 200_000, kind)[0] == 400
    assert not Path("pics/info.dat").exists()
    assert client.raw("PUT", f"/{token}/boxes/0", body, kind)[0] == 200


def test_tokens_differ(start):
    assert start().server.token != start().server.token


def test_links_that_lead_out_are_left_out(start, folder, tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    client = start()
    names = [entry["name"] for entry in client.ask("state")[1]["pictures"]]
    assert "link.png" not in names and "link.png" in client.told[0]


def test_proposals_are_the_detectors_boxes(start, folder):
    import shutil

    shutil.copy(GOLDEN / "backgrounds" / "0.png", folder / "a.png")
    cascade = GOLDEN / "lbp" / "cascade.xml"
    client = start(cascade=cascade)
    status, found = client.ask("proposals/0")
    grey = cv2.imread(str(folder / "a.png"), cv2.IMREAD_GRAYSCALE)
    expected = cv2.CascadeClassifier(str(cascade)).detectMultiScale(
        grey, 1.1, 3, minSize=(24, 24), maxSize=(0, 0)
    )
    assert status == 200 and len(found["scores"]) == len(found["boxes"])
    assert sorted(found["boxes"]) == sorted(np.reshape(expected, (-1, 4)).tolist())


def test_many_saves_at_once_leave_a_whole_file(start):
    client = start()
    answers = []

    def put(number):
        answers.append(client.put(number % 3, [[number, number, 5, 5]])[0])

    threads = [threading.Thread(target=put, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 30
    entries = load_info(Path("pics/info.dat"))
    assert sorted(path for path, _ in entries) == ["a.png", "b c.png", "sub/あ.jpg"]
    for index, entry in enumerate(sorted(entries)):
        assert entry.boxes.tolist() == client.ask(f"boxes/{index}")[1]["boxes"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["gone"], "not a folder"), (["empty"], "no picture below"),
        (["pics", "--output", "x.doc"], "which format?"), (["pics", "--port", "70000"], "--port"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(folder, words, message, capsys):
    Path("empty").mkdir()
    assert main(["annotate", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


def test_a_malformed_file_is_not_touched(folder, capsys):
    Path("pics/info.dat").write_text("a.png 1 2\n")
    assert main(["annotate", "pics"]) == 2
    assert "info.dat, line 1" in capsys.readouterr().err
    assert Path("pics/info.dat").read_text() == "a.png 1 2\n"


def test_a_port_that_is_taken(start):
    client = start()
    with pytest.raises(UserError, match="cannot be had"):
        start(port=client.server.server_port)
