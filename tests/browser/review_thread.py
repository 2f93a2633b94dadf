"""A review that is served in a thread, for a browser in another one."""

import asyncio
import shutil
import threading
from contextlib import contextmanager

from orchestrator.web.server import serve

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)


@contextmanager
def in_thread(site, ready):
    """Serve in a thread of its own; `ready` gets the URL."""
    ended = threading.Event()
    began = threading.Event()

    def run():
        async def main():
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            async with serve(site(), "127.0.0.1", 0, connection_seconds=None) as url:
                ready(url, lambda: loop.call_soon_threadsafe(stop.set))
                began.set()
                await stop.wait()

        asyncio.run(main())
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(20)
    try:
        yield
    finally:
        ready.stop()
        thread.join(20)
        assert ended.is_set()


class Served:
    """Where the review is."""

    def __call__(self, url, stop):
        self.url, self.stop = url, stop
