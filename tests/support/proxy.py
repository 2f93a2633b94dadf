"""A TCP relay between two parts of a test, which can cut, freeze, refuse, and lose one answer: a bad
network on demand."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

CHUNK = 1 << 16
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Address = tuple[str, int] | Path
"""A host and port, or the path of a Unix socket."""


class _Link:
    """One relayed connection."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far
        self.answer_is_lost = False  # what comes back next is dropped, and the connection with it
        self.withheld = False  # something waited in a partition

    def reset(self) -> None:
        """End both sides at once, without the good manners of a close."""
        for writer in (self.near, self.far):
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.family != socket.AF_UNIX:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Relays loopback connections to `target` while inside its block; its methods may be called from any
    thread."""

    def __init__(self, target: Address, *, rewrite: Callable[[bytes], bytes] = bytes) -> None:
        self.port = 0
        self.passed = 0  # connections that were relayed
        self.lost = 0  # answers that were lost on purpose
        self._target = target
        self._rewrite = rewrite  # of what the far side answers
        self._links: set[_Link] = set()
        self._refusing = False
        self._discarding = False
        self._needle, self._needles_left = b"", 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the proxy does not listen"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    # --- what can go wrong ----------------------------------------------------------------------------------

    def cut(self) -> int:
        """Reset every connection now; returns how many. New ones are relayed."""
        return self._call(self._cut)

    def refuse(self) -> None:
        """Cut, and reset every new connection too, until `mend`: the other side is away."""

        def work() -> None:
            self._refusing = True
            self._cut()

        self._call(work)

    def freeze(self, *, discard: bool = False) -> None:
        """Nothing passes in either direction until `mend`, and nobody is told: a partition.

        What was sent meanwhile arrives late, unless it is to be discarded, and its connection with it.
        """

        def work() -> None:
            self._discarding = discard
            self._flowing.clear()

        self._call(work)

    def mend(self) -> None:
        """Relay everything again."""

        def work() -> None:
            self._refusing = False
            for link in list(self._links) if self._discarding else ():
                if link.withheld:
                    link.reset()
            self._discarding = False
            self._needles_left = 0
            self._flowing.set()

        self._call(work)

    def lose_answer(self, needle: bytes, times: int = 1) -> None:
        """Lose the answer to the `times`-th request from now that holds `needle`: the far side has acted,
        nobody hears."""

        def work() -> None:
            self._needle, self._needles_left = needle, times

        self._call(work)

    # --- the relay ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop, self._flowing = asyncio.Event(), asyncio.Event()
        self._flowing.set()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._cut()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _relay(self, near_in: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            if self._refusing:
                raise ConnectionRefusedError
            far_in, far = await self._connect()
        except OSError:
            _Link(near, near).reset()
            return
        link = _Link(near, far)
        self._links.add(link)
        self.passed += 1
        try:
            await asyncio.gather(self._requests(link, near_in), self._answers(link, far_in))
        except asyncio.CancelledError:
            pass  # the proxy ends, and asyncio would print a traceback for it
        finally:
            self._links.discard(link)
            link.reset()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)

    async def _requests(self, link: _Link, near_in: asyncio.StreamReader) -> None:
        try:
            while data := await near_in.read(CHUNK):
                await self._pass(link)
                if self._needles_left and self._needle in data:
                    self._needles_left -= 1
                    link.answer_is_lost = not self._needles_left
                link.far.write(data)
                await link.far.drain()
            if link.far.can_write_eof():
                link.far.write_eof()
        except OSError:
            link.reset()  # the far side must hear that nobody is there any more

    async def _answers(self, link: _Link, far_in: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await far_in.read(CHUNK):
                await self._pass(link)
                if link.answer_is_lost:
                    self.lost += 1
                    break
                link.near.write(self._rewrite(data))
                await link.near.drain()
        link.reset()

    async def _pass(self, link: _Link) -> None:
        """Wait while there is a partition; OSError when what waits is not to arrive."""
        if self._flowing.is_set():
            return
        link.withheld = True
        await self._flowing.wait()
        link.withheld = False
        if link.near.transport.is_closing():
            raise ConnectionResetError

    def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    def _call(self, work: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)
