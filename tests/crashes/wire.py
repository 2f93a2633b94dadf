"""A wire between a worker and the sandbox that sees the paid requests pass, and can kill the worker while
they do."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlsplit

SUBMIT = b"POST /api/v3/kwaivgi/"


class Moment(StrEnum):
    """Where a paid request is when the worker dies."""

    CONNECTED = "connected"  # nothing was sent
    HALF_SENT = "half_sent"  # the provider never sees a whole request
    SENT = "sent"  # the provider has acted, and not a byte of its answer has come back
    HALF_ANSWERED = "half_answered"  # the answer has come in part


class Wire:
    """Listens, and passes everything on to `target`. `arm` it to kill at the n-th paid request, once."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._moment: Moment | None = None
        self._left = 0
        self._kill: Callable[[], None] = lambda: None
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Wire":
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for each in (self._listener, *self._sockets):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()
        for each in (self._listener, *self._sockets):
            each.close()

    def arm(self, moment: Moment, times: int, kill: Callable[[], None]) -> None:
        """Call `kill` at that moment of the n-th paid request from now (of the n-th connection, for
        `connected`)."""
        with self._lock:
            self._moment, self._left, self._kill = moment, times, kill

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._sockets += [near, far]
            if self._due(Moment.CONNECTED):
                self._kill()
            answering = (
                threading.Event()
            )  # the next answer on this connection is the one that does not arrive
            self._spawn(self._requests, near, far, answering)
            self._spawn(self._answers, far, near, answering)

    def _requests(self, near: socket.socket, far: socket.socket, answering: threading.Event) -> None:
        with suppress(OSError):
            while data := near.recv(1 << 16):
                if data.startswith(SUBMIT):
                    if self._due(Moment.HALF_SENT):
                        far.sendall(data[: len(data) // 2])
                        self._kill()
                        break
                    if self._moment in {Moment.SENT, Moment.HALF_ANSWERED} and self._due(self._moment):
                        answering.set()
                far.sendall(data)
        _end(far)

    def _answers(self, far: socket.socket, near: socket.socket, answering: threading.Event) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 16):
                if answering.is_set():
                    if self._moment is Moment.HALF_ANSWERED:
                        near.sendall(data[: len(data) // 2])
                    self._kill()
                    break
                near.sendall(data)
        _end(near)

    def _due(self, moment: Moment) -> bool:
        with self._lock:
            if self._moment is not moment or self._left <= 0:
                return False
            self._left -= 1
            return self._left == 0


def _end(way: socket.socket) -> None:
    with suppress(OSError):
        way.shutdown(socket.SHUT_RDWR)
