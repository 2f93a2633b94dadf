"""A TCP server on loopback that plays a script: what it reads, what it sends, and how it ends each
exchange."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Act:
    """One exchange. `read`: nothing, head or all of the request; `then`: keep, close, reset or hang."""

    send: bytes = b""
    read: str = "all"
    then: str = "keep"


@dataclass
class SeenRequest:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


def answer(status: int = 200, body: bytes | str = b"", /, *, then: str = "keep", **headers: str) -> Act:
    """A whole HTTP answer. Header names are written with underscores."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Act("\r\n".join(lines).encode() + b"\r\n\r\n" + content, then=then)


@dataclass
class Scripted:
    """Plays its acts in order over all connections; after the last one it hangs up on everybody."""

    acts: list[Act]
    seen: list[SeenRequest] = field(default_factory=list)
    connections: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if not self.acts:
            return False
        if self.acts[0].read == "nothing":
            act = self.acts.pop(0)
        else:
            head = await reader.readuntil(b"\r\n\r\n")
            if not self.acts:
                return False
            act = self.acts.pop(0)
            self.seen.append(_parsed(head))
            if act.read == "all":
                length = int(self.seen[-1].headers.get("content-length", "0"))
                self.seen[-1].body = await reader.readexactly(length)
        writer.write(act.send)
        if act.then == "reset":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()
            return False
        await writer.drain()
        if act.then == "hang":
            await self._stop.wait()
        return act.then == "keep"


def _parsed(head: bytes) -> SeenRequest:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return SeenRequest(method, target, headers)
