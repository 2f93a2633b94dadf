"""Crash points that really kill: for tests that want to see what a power cut or `kill -9` leaves behind."""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.core.errors import UsageError
from orchestrator.ports import Crashpoint, no_crash

CRASH_AT: Final = "ORCHESTRATOR_CRASH_AT"
TESTING: Final = "ORCHESTRATOR_TESTING"


def from_env(env: Mapping[str, str], kill: Callable[[], None] | None = None) -> Crashpoint:
    """The crash point that the environment asks for; without one, the one that does nothing.

    `ORCHESTRATOR_CRASH_AT=submit.committed@3` ends this process by SIGKILL when it passes that point for the
    third time (without `@n`: the first time). It is armed only when `ORCHESTRATOR_TESTING=1` as well: a
    variable that was left behind in a shell or a service file must not be able to kill a worker that spends
    money, so one slip is not enough. Raises UsageError for an armed word that cannot be read, since a test
    that kills nothing proves nothing.
    """
    word = env.get(CRASH_AT, "")
    if not word or env.get(TESTING) != "1":
        return no_crash
    name, _, times = word.partition("@")
    if not name or not (times or "1").isdecimal() or int(times or "1") < 1:
        raise UsageError(
            f"{CRASH_AT}={word} cannot be read. Write a point and how often it is passed: NAME@N"
        )
    return KillAt(name, int(times or "1"), kill)


class KillAt:
    """A crash point: kills at the n-th passing of one name, whichever thread passes it."""

    def __init__(self, name: str, times: int = 1, kill: Callable[[], None] | None = None) -> None:
        self._name = name
        self._left = times
        self._kill = kill or _kill_this_process

    def __call__(self, name: str) -> None:
        """Passed a point."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            self._kill()


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
