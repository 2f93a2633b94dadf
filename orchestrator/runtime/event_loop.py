"""The event loop of processes that serve many connections, and the signals that end them in order.

The loop is uvloop's where that is installed, else asyncio's own.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

TERMINATING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)
"""What a supervisor, a closed terminal or a lost ssh sends to end a process. Unhandled, each of them would
kill at once and leave every request under way in doubt; whoever wants that has SIGKILL, so SIGQUIT
(Ctrl-\\) is among them.
"""

_MAY_BE_IGNORED: Final = frozenset(TERMINATING) - {signal.SIGTERM}


def heeded() -> tuple[signal.Signals, ...]:
    """Those of `TERMINATING` that nobody had this process ignore from the start, as `nohup` does with
    SIGHUP.
    """
    return tuple(
        each
        for each in TERMINATING
        if each not in _MAY_BE_IGNORED or signal.getsignal(each) is not signal.SIG_IGN
    )


def stop_on_signals(stop: Callable[[], object]) -> None:
    """Have the running loop call `stop` at SIGINT and whatever else ends a process. For the main thread
    only.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, *heeded()):
        loop.add_signal_handler(number, stop)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # it has no build for Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop
