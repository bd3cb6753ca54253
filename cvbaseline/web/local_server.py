"""A small web server for the user's own browser, on 127.0.0.1.

Other pages in the same browser, and other users of the computer, must not reach it: every address
begins with a random token, and the name that the browser asked for must be this computer's own
(or a page elsewhere could have its name point here, "DNS rebinding").
"""

import json
import re
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, NamedTuple, Optional
from urllib.parse import urlsplit

from cvbaseline.errors import UserError

ADDRESS = "127.0.0.1"
MAX_BODY = 2**20
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Answer(NamedTuple):
    """What a request gets."""

    body: bytes
    kind: str  # the MIME type
    status: int = HTTPStatus.OK


def json_answer(value: Any, status: int = HTTPStatus.OK) -> Answer:
    """An answer in JSON."""
    body = json.dumps(value, ensure_ascii=True).encode()
    return Answer(body, "application/json", status)


class Route(NamedTuple):
    """What answers a kind of request: `answer` gets the groups of the path and the body's JSON."""

    method: str
    path: str  # regular expression of the path behind the token
    answer: Callable[..., Answer]


class LocalServer(ThreadingHTTPServer):
    """Serves the routes at http://127.0.0.1:PORT/TOKEN/.

    Parameters
    ----------
    routes : the first that fits a request answers it; a UserError becomes status 400 with its line
    port : 0 takes a free one

    Raises UserError when the port cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = False
    request_queue_size = 64

    def __init__(self, routes: list[Route], port: int = 0):
        self.routes = routes
        self.token = secrets.token_urlsafe(16)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            raise UserError(f"port {port} cannot be had ({error.strerror}): name another") from None

    @property
    def address(self) -> str:
        """What to type into the browser."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that turns away before it has its answer is no error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def answer(self, method: str, path: str, host: Optional[str], body: Any) -> Answer:
        """The answer to a request."""
        if host not in (f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"):
            return json_answer({"error": "wrong host"}, HTTPStatus.FORBIDDEN)
        token, _, rest = urlsplit(path).path.lstrip("/").partition("/")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return json_answer({"error": "wrong token"}, HTTPStatus.FORBIDDEN)
        for route in self.routes:
            match = re.fullmatch(route.path, rest, re.ASCII)
            if match and route.method == method:
                try:
                    arguments = [*match.groups(), *([body] if method == "PUT" else [])]
                    return route.answer(*arguments)
                except UserError as error:
                    return json_answer({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        return json_answer({"error": "no such address"}, HTTPStatus.NOT_FOUND)


class _Handler(BaseHTTPRequestHandler):
    """Requests in, answers out."""

    server: LocalServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(None)

    def do_PUT(self) -> None:
        """Answer a PUT of JSON."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= MAX_BODY):
            self.close_connection = True
            self._send(json_answer({"error": "too large"}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        data = self.rfile.read(int(length))
        # No form and no plain request of another page can have this type.
        if self.headers.get_content_type() != "application/json":
            error = {"error": "not JSON"}
            self._send(json_answer(error, HTTPStatus.UNSUPPORTED_MEDIA_TYPE))
            return
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            self._send(json_answer({"error": "malformed JSON"}, HTTPStatus.BAD_REQUEST))
            return
        self._answer(body)

    def _answer(self, body: Any) -> None:
        self._send(self.server.answer(self.command, self.path, self.headers.get("Host"), body))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""
