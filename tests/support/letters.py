"""Delivering one letter, and a server that receives it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.notifiers import make_dispatcher
from orchestrator.ports import Letter
from orchestrator.runtime.clock import SystemClock
from orchestrator.runtime.network import DIRECT, Network
from orchestrator.settings.model import NotifyTarget

LETTER = Letter(
    id="notice-7",
    title="spring/hero/main has finished: 2 pictures, $0.056",
    text="2 jobs succeeded\n1 <failed> & flagged",
    document={"kind": "run_finished", "title": "spring/hero/main has finished", "data": {"pictures": 2}},
)


def deliver(target: NotifyTarget, env=None, *, network: Network = DIRECT, clock=None) -> str | None:
    async def main():
        made = make_dispatcher({"ops": target}, env or {}, network=network, clock=clock or SystemClock())
        async with aclosing(made):
            return await made.deliver("ops", LETTER)

    return asyncio.run(main())


class HttpReceiver:
    """An HTTP server that keeps what it gets, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.hang = threading.Event()
        self.hangs = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if receiver.hangs:
                    receiver.hang.wait(30)
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *words) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/T0PS3CRET"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    made = HttpReceiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.hang.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()
