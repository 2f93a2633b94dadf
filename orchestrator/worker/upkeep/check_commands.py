"""Programs of the user that judge a picture: each in a process group of its own, which ends with its answer.

Whatever such a program has started ends with it, so that no picture leaves processes behind; of what it
prints little is kept, however much that is; and an interrupt at the terminal is the worker's alone, so that
it is not taken for an answer.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, Any, Final

from orchestrator.pictures.checks import CheckAnswer

REASON_MAX: Final = 300
FAILED_CODE: Final = 1
OURS: Final = ("ORCHESTRATOR_", "WAVESPEED_")
"""What a command of the user's does not get of our environment: keys and addresses."""

_KEPT_MAX: Final = 64 * 1024
"""Of what it prints, in bytes: the reason is its first line."""

_PIECE: Final = 64 * 1024
_LAST_WORDS_SECONDS: Final = 1.0
"""For what is still in the pipe when it has ended: a process that left its group may hold it open."""


class CheckCommands:
    """Runs them one after another, in a thread; `stop` may be called from another one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = Event()

    def answer(self, name: str, command: Mapping[str, Any], file: Path) -> CheckAnswer:
        """What a command says of a picture by its exit code: 0 passes, 1 fails; anything else, or silence, is
        no answer.
        """
        seconds = command["timeout_seconds"]
        try:
            process = self._start(_words(command["run"], file))
        except (OSError, ValueError) as error:
            return CheckAnswer(name, passed=None, reason=f"it could not be started: {error}")
        said = [_Drain(stream) for stream in (process.stdout, process.stderr) if stream is not None]
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return CheckAnswer(name, passed=None, reason=f"no answer within {seconds:g} seconds")
        finally:
            self._end(process)
        reason = next((line for each in said if (line := each.first_line())), "")
        passed = {0: True, FAILED_CODE: False}.get(code)
        return CheckAnswer(name, passed=passed, reason=reason[:REASON_MAX] or f"it ended with {code}")

    def stop(self) -> None:
        """End what runs, now and from now on."""
        self._stopped.set()
        with self._lock:
            if self._running is not None:
                _kill(self._running)

    def _start(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped.is_set():
                raise ValueError("the worker ends")
            self._running = subprocess.Popen(  # noqa: S603 - the worker's own configuration allows it
                words,
                env={key: value for key, value in os.environ.items() if not key.startswith(OURS)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
            return self._running

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Of its group too: what it has started must not outlive it."""
        with self._lock:
            self._running = None
            _kill(process)
        process.wait()


class _Drain:
    """Reads what a process prints, so that it is never held up by it, and keeps the beginning."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._kept = bytearray()
        self._thread = Thread(target=self._read, args=(stream,), name="check output", daemon=True)
        self._thread.start()

    def first_line(self) -> str:
        """Its first line that is not empty."""
        self._thread.join(_LAST_WORDS_SECONDS)
        lines = bytes(self._kept).decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in lines if line.strip()), "")

    def _read(self, stream: IO[bytes]) -> None:
        with stream, suppress(OSError, ValueError):
            while piece := os.read(stream.fileno(), _PIECE):
                self._kept += piece[: max(0, _KEPT_MAX - len(self._kept))]


def _words(written: Sequence[str], file: Path) -> list[str]:
    filled = [str(file) if word == "{file}" else word for word in written]
    return filled if "{file}" in written else [*filled, str(file)]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
