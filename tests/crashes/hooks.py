"""What a test may change in a process that it forks, by an environment variable that only the fork server
reads."""

import asyncio
import faulthandler
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from crashes.sabotage import SABOTAGES


def clock_ahead(seconds: str) -> None:
    """This process's wall clock is wrong by so much; what it measures durations with is not."""
    from orchestrator.runtime.clock import SystemClock

    off_ms = int(float(seconds) * 1000)
    right = SystemClock.now_ms
    SystemClock.now_ms = lambda self: right(self) + off_ms  # type: ignore[method-assign]


def time_claims(path: str) -> None:
    """Write how long each claim took inside its transaction, in ms, one to a line."""
    from orchestrator.store.claiming import claim as claims

    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    claim = claims.claim

    def timed(tx: Any, requests: Any) -> Any:
        began = time.perf_counter()
        result = claim(tx, requests)
        os.write(file, f"{(time.perf_counter() - began) * 1000:.2f}\n".encode())
        return result

    claims.claim = timed


def tell_on_signal(_word: str) -> None:
    """On SIGUSR1 this process says on stderr where its threads and tasks are: for one that does not end."""

    def tell(*_: object) -> None:
        faulthandler.dump_traceback(all_threads=True)
        with suppress(RuntimeError):
            for task in asyncio.all_tasks():
                task.print_stack(file=sys.stderr)

    signal.signal(signal.SIGUSR1, tell)


ALTERATIONS: Mapping[str, Callable[[str], None]] = {
    "SABOTAGE": lambda word: SABOTAGES[word](),
    "CLOCK_AHEAD_SECONDS": clock_ahead,
    "CLAIM_TIMES": time_claims,
    "TELL_ON_SIGNAL": tell_on_signal,
}
