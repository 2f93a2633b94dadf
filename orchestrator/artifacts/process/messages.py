"""Objects between two processes of this program, over a stream: each as its length and its pickle."""

import asyncio
import pickle
import struct
from typing import Any, Final

_LENGTH: Final = struct.Struct("!I")


def send(writer: asyncio.StreamWriter, message: object) -> None:
    """Write one message; what the other end has not read yet is kept in memory."""
    text = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(text)) + text)


async def receive(reader: asyncio.StreamReader) -> Any:
    """The next message; raises EOFError when the other end has closed or died."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        text = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None
    return pickle.loads(text)  # noqa: S301 - nobody but our own process holds the other end
