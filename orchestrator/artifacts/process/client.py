"""Downloads in a process of their own: what they take of the interpreter, they take from no submit and no
poll.

Every picture costs some thirty system calls, and each of them gives the interpreter away and has to wait for
it again; a worker that also talks to the provider gets no more than two thirds as far. The other process has
another advantage: it alone reads pictures and talks to the hosts they come from, and it does not hold the API
key.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from orchestrator.artifacts.local import LocalArtifacts
from orchestrator.artifacts.process.messages import receive, send
from orchestrator.ports import ArtifactRequest, CopyRequest, FetchFailed, FetchFault, FetchOutcome
from orchestrator.runtime.crashpoints import CRASH_AT, TESTING

_PASSED_ON: Final = ("PATH", "LANG", "LC_", "LD_", "TMPDIR", "TZ", "PYTHON", CRASH_AT, TESTING)
"""How the variables begin that the other process gets. Neither the key nor the database's password is
among them."""


PATIENCE_SECONDS: Final = 60.0
"""How long the other process may leave a question unanswered, or take to end: its loop waits for no disk
and no host."""


class SeparateArtifacts:
    """Implements `orchestrator.ports.ArtifactStore`: another process stores, and this one does the rest.

    It is started with the first picture at the latest, and again after it has died or has been silent for too
    long: what it was asked then comes back as TRANSIENT.
    """

    def __init__(
        self,
        local: LocalArtifacts,
        command: Sequence[str],
        setup: object,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`command` starts a process that reads `setup`, then pairs of number and request, and answers
        each with its number and outcome, all as `messages` on its standard input. A request that is None
        is answered at once.
        """
        self._local = local
        self._patience_seconds = patience_seconds
        self._command = command
        self._setup = setup
        self._process: _Process | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Start the process; it is ready after half a second."""
        await self._running()

    async def store(self, request: ArtifactRequest) -> FetchOutcome:
        """Download, verify, publish and make durable; safe to repeat."""
        process = await self._running()
        return process if isinstance(process, FetchFailed) else await process.ask(request)

    async def copy(self, request: CopyRequest) -> FetchOutcome:
        """Make a copy of a stored picture: files alone, so it is done here."""
        return await self._local.copy(request)

    def sidecar(self, path: str) -> Mapping[str, Any] | None:
        """What is recorded with the picture planned for `path`; None without one."""
        return self._local.sidecar(path)

    def clean(self) -> int:
        """Remove temporary files whose writer is gone; returns how many."""
        return self._local.clean()

    def check_writable(self) -> str | None:
        """None, or why the root cannot take a file now."""
        return self._local.check_writable()

    async def aclose(self) -> None:
        """End the process, and wait until it has finished what it was writing."""
        await self._local.aclose()
        if self._process is not None:
            await self._process.aclose()
            self._process = None

    async def _running(self) -> "_Process | FetchFailed":
        """The process, started if need be."""
        if self._process is not None and not self._process.has_ended:
            return self._process
        async with self._starting:
            if self._process is None or self._process.has_ended:
                if self._process is not None:
                    await self._process.aclose()
                try:
                    self._process = await _Process.start(self._command, self._setup, self._patience_seconds)
                except OSError as error:
                    words = f"no download process can be started: {error.strerror or error}"
                    return FetchFailed(FetchFault.TRANSIENT, words)
            return self._process


class _Process:
    """One life of the other process."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience_seconds: float,
    ) -> None:
        self._ended = asyncio.Event()
        self._patience_seconds = patience_seconds
        self._process = process
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[FetchOutcome | str | None]] = {}
        self._listening = asyncio.create_task(self._listen())
        self._watching = asyncio.create_task(self._watch())

    @classmethod
    async def start(cls, command: Sequence[str], setup: object, patience_seconds: float) -> "_Process":
        """Start it; it has a session of its own, so that Ctrl-C at the terminal is for the worker alone."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), env=_environment(), start_new_session=True
                )
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        send(writer, setup)
        return cls(process, reader, writer, patience_seconds)

    @property
    def has_ended(self) -> bool:
        """Whether it answers no more."""
        return self._ended.is_set()

    async def ask(self, request: ArtifactRequest) -> FetchOutcome:
        """The answer of a process that has not ended; FetchFailed when it dies first. RuntimeError for an
        error that nobody has foreseen.
        """
        outcome = await self._answer(request)
        if outcome is None or isinstance(outcome, str):
            raise RuntimeError(f"the download process failed: {outcome}")
        return outcome

    async def aclose(self) -> None:
        """Close its input, which ends it, and wait for that; one that does not end is killed."""
        self._watching.cancel()
        self._writer.close()
        if not await self._within_patience(self._process.wait()):
            self._process.kill()
            await self._process.wait()
        await self._listening

    async def _answer(self, request: ArtifactRequest | None) -> FetchOutcome | str | None:
        number = next(self._numbers)
        future: asyncio.Future[FetchOutcome | str | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            send(self._writer, (number, request))
            return await future
        finally:
            del self._waiting[number]

    async def _watch(self) -> None:
        """Kill it when it leaves a question unanswered for too long: it is frozen, and nothing that it was
        asked goes on.
        """
        while not await self._within_patience(self._ended.wait()):
            if self._waiting and not await self._within_patience(self._answer(None)):
                self._process.kill()
                return

    async def _within_patience(self, happening: Awaitable[object]) -> bool:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await happening
        except TimeoutError:
            return False
        return True

    async def _listen(self) -> None:
        try:
            while True:
                number, outcome = await receive(self._reader)
                if (future := self._waiting.get(number)) is not None and not future.done():
                    future.set_result(outcome)
        except EOFError:
            self._ended.set()
            await self._process.wait()
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(self._died())

    def _died(self) -> FetchFailed:
        code = self._process.returncode
        how = "" if code is None else f" (signal {-code})" if code < 0 else f" (exit code {code})"
        return FetchFailed(FetchFault.TRANSIENT, f"the download process has ended{how}; it is started again")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
