"""Showing running work on stderr: redrawn on a terminal, line by line elsewhere, or not at all."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from orchestrator.cli import streams
from orchestrator.cli.rendering.snapshot import Snapshot, lines, plain
from orchestrator.ports import Clock

STEP_PERCENT: Final = 5
SILENCE_SECONDS: Final = 60.0


class Display(Protocol):
    """Where progress goes."""

    def show(self, snapshot: Snapshot) -> None:
        """Bring this moment to the screen, or leave it out."""
        ...

    def say(self, text: str) -> None:
        """Print a sentence at once, above what is redrawn."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def choose(
    *, quiet: bool, clock: Clock, stream: TextIO | None = None, env: Mapping[str, str] | None = None
) -> Display:
    """The live display on a terminal that can redraw; plain lines for pipes, CI and TERM=dumb."""
    stream = stream or sys.stderr
    env = os.environ if env is None else env
    if quiet:
        return Silent()
    if stream.isatty() and env.get("TERM") != "dumb" and not env.get("CI"):
        return Live(stream)
    return Plain(clock)


class Silent:
    """Nothing but sentences."""

    def show(self, snapshot: Snapshot) -> None:
        """Leave it out."""

    def say(self, text: str) -> None:
        """Print it."""
        streams.say(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""


class Plain(Silent):
    """A line at each 5 %, at each new kind of failure or stop, and at least once a minute. Never a
    carriage return.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._step = -1
        self._causes: frozenset[str] = frozenset()
        self._printed_at: float | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Print the moment when it says something new."""
        if self._is_news(snapshot):
            now = datetime.fromtimestamp(self._clock.now_ms() / 1000, tz=UTC)
            streams.say(f"{now:%H:%M:%S}Z {snapshot.label}  {plain(snapshot)}")

    def _is_news(self, snapshot: Snapshot) -> bool:
        progress = snapshot.progress
        step = snapshot.progress.made * 100 // max(1, snapshot.reachable) // STEP_PERCENT
        causes = frozenset(
            [
                *(reason for reason, _ in progress.failures),
                *(f"{stop.subject} {stop.reason}" for stop in snapshot.stops),
            ]
        )
        at = self._clock.monotonic()
        silent = self._printed_at is None or at - self._printed_at >= SILENCE_SECONDS
        if step == self._step and causes <= self._causes and not silent:
            return False
        self._step, self._causes, self._printed_at = step, causes | self._causes, at
        return True


class Live:
    """A few lines at the bottom of the terminal, redrawn in place."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(file=stream, highlight=False, markup=False)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True)

    def show(self, snapshot: Snapshot) -> None:
        """Redraw."""
        from rich.text import Text

        self._live.update(Text("\n".join(lines(snapshot, self._console.width)), no_wrap=True), refresh=True)

    def say(self, text: str) -> None:
        """Print above what is redrawn."""
        self._console.print(text)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the lines; the summary follows."""
        self._live.stop()


class Lasting:
    """Another display for as long as it can be written to: work outlives the terminal that shows it."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._lost = False

    def show(self, snapshot: Snapshot) -> None:
        """Bring this moment to the screen, while there is one."""
        self._attempt(lambda: self._display.show(snapshot))

    def say(self, text: str) -> None:
        """Print a sentence, while somebody may read it."""
        self._attempt(lambda: self._display.say(text))

    def __enter__(self) -> Self:
        self._attempt(self._display.__enter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it in any case: it may have more to undo than what is on the screen."""
        with suppress(OSError):
            self._display.__exit__(kind, error, trace)

    def _attempt(self, write: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            write()
        except OSError:
            self._lost = True
