"""A real host of input pictures on loopback: it answers as told, and keeps what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Headers = dict[str, str]


@dataclass
class ToldAnswer:
    """How it answers at one path. With several `headers` it takes them in turn, the last one for good."""

    status: int = 200
    headers: list[Headers] = field(default_factory=lambda: [{}])
    get_status: int | None = None  # to GET, where that is another one
    hangs: bool = False  # it answers when the host closes
    body: bytes = b""

    def next(self) -> Headers:
        return self.headers.pop(0) if len(self.headers) > 1 else self.headers[0]


class InputHost:
    """Answers at the paths of `told`; 404 at all others."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.told: dict[str, ToldAnswer] = {}
        self.asked: list[tuple[str, str]] = []
        self.heard: list[Headers] = []  # the headers of each request
        self.clients: set[int] = set()  # the ports of those who asked: one for each connection
        self.closing = threading.Event()

    def serves(self, path: str, *tags: str, **more) -> str:
        """From now on, these ETags in turn; the address."""
        self.told[path] = ToldAnswer(headers=[{"ETag": tag} for tag in tags] or [{}], **more)
        return self.url + path


@contextmanager
def input_host() -> Iterator[InputHost]:
    """The host, while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            host.asked.append((self.command, self.path))
            host.heard.append(dict(self.headers))
            host.clients.add(self.client_address[1])
            told = host.told.get(self.path, ToldAnswer(404))
            if told.hangs:
                host.closing.wait(30)
            by_get = self.command == "GET" and told.get_status is not None
            self.send_response(told.get_status if by_get else told.status)
            for name, value in {"Content-Length": str(len(told.body)), **told.next()}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = InputHost(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield host
    finally:
        host.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
