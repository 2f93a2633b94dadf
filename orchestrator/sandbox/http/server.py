"""The sandbox as a server: on loopback and nowhere else, in this loop, in a thread, or for a command."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from orchestrator.core.errors import OrchestratorError, UsageError
from orchestrator.ports import Clock
from orchestrator.runtime import event_loop
from orchestrator.runtime.clock import SystemClock
from orchestrator.sandbox.account.bill import Bill
from orchestrator.sandbox.account.recalling import Recalled, recall
from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.config import SandboxConfig, with_changes
from orchestrator.sandbox.faults.script import Faults
from orchestrator.sandbox.http.billing import Billing
from orchestrator.sandbox.http.control import Control, advance, draw_bill
from orchestrator.sandbox.http.outputs import Outputs
from orchestrator.sandbox.http.predictions import Predictions
from orchestrator.sandbox.http.submit import Submitting
from orchestrator.sandbox.http.upload_api import Uploading
from orchestrator.sandbox.http.webhooks import Webhooks
from orchestrator.sandbox.media.uploads import is_loopback

START_SECONDS_MAX = 30.0


class Sandbox:
    """A stand-in for the provider: one account with its tasks, pictures and bill."""

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.world = World(config, clock)

    def __repr__(self) -> str:
        world = self.world
        return (
            f"<Sandbox tasks={len(world.tasks)} posts={len(world.posts)} "
            f"charges={len(world.account.charges)}>"
        )

    def app(self) -> web.Application:
        """The provider's API as an aiohttp application; what it holds is released when the application
        ends.
        """
        world = self.world
        app = web.Application(client_max_size=world.config.upload_bytes_max + 1024 * 1024)
        webhooks = Webhooks(world)
        for group in (Predictions(world), Billing(world), Uploading(world), Outputs(world), Control(world)):
            app.add_routes(group.routes())
        app.add_routes(webhooks.routes())
        app.add_routes(Submitting(world, webhooks).routes())  # last: its pattern takes every other POST

        async def date(_request: web.Request, response: web.StreamResponse) -> None:
            response.headers["Date"] = formatdate(world.now_ms() / 1000, usegmt=True)

        app.on_response_prepare.append(date)

        async def close(_app: web.Application) -> None:
            await webhooks.aclose()
            world.media.close()
            world.ledger.close()

        app.on_cleanup.append(close)
        return app

    def bill(self) -> Bill:
        """What the provider did and took, as it is now."""
        return draw_bill(self.world)

    def change(self, **switches: Any) -> None:
        """Set switches of SandboxConfig by name, from now on; raises UsageError for one that cannot be
        set.
        """
        self.world.config = with_changes(self.world.config, switches)

    def use_faults(self, faults: Faults, *, restart_count: bool = False) -> None:
        """Replace all faults, from now on."""
        if restart_count:
            self.world.faults.restart_count()
        self.world.faults.use(faults)

    def advance(self, seconds: float) -> None:
        """Move the provider's clock forward."""
        advance(self.world, seconds)

    def recall(self, tasks: Iterable[Recalled]) -> None:
        """Know tasks of an earlier stand-in, which took what it knew with it."""
        for task in tasks:
            recall(self.world, task)


@asynccontextmanager
async def serve(sandbox: Sandbox, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve in the running loop; gives the base URL. Port 0 takes a free one; only loopback hosts are
    served.
    """
    if not is_loopback(host):
        raise UsageError(
            f"the sandbox has no passwords, so it only listens on loopback; {host} is not, use 127.0.0.1"
        )
    runner = web.AppRunner(sandbox.app(), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=4096)
        try:
            await site.start()
        except OSError as error:
            raise UsageError(
                f"the sandbox cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from error
        bound = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        await runner.cleanup()


def run_blocking(config: SandboxConfig, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or their like; `ready` is called once with the base URL. For the main
    thread only.
    """

    async def main() -> None:
        stop = asyncio.Event()
        event_loop.stop_on_signals(stop.set)
        async with serve(Sandbox(config, SystemClock()), port, host) as url:
            ready(url)
            await stop.wait()

    with suppress(KeyboardInterrupt):
        event_loop.run(main())


class SandboxThread:
    """A sandbox in a background thread with its own loop, for synchronous callers: `with
    SandboxThread(config) as s`.

    Every method may be called from any thread; each runs in the server's loop, between two requests.
    """

    def __init__(
        self, config: SandboxConfig | None = None, port: int = 0, clock: Clock | None = None
    ) -> None:
        self.sandbox = Sandbox(config or SandboxConfig(), clock or SystemClock())
        self.url = ""
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._last_bill: Bill | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(START_SECONDS_MAX)
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        if not self.url:
            raise OrchestratorError("the sandbox did not start; try again on a less busy machine")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # the loop has already ended
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def bill(self) -> Bill:
        """What the provider did and took; after the end, as it was at the end."""
        return self._last_bill or self._call(self.sandbox.bill)

    def change(self, **switches: Any) -> None:
        """Set switches of SandboxConfig by name."""
        self._call(lambda: self.sandbox.change(**switches))

    def use_faults(self, faults: Faults, *, restart_count: bool = False) -> None:
        """Replace all faults."""
        self._call(lambda: self.sandbox.use_faults(faults, restart_count=restart_count))

    def advance(self, seconds: float) -> None:
        """Move the provider's clock forward."""
        self._call(lambda: self.sandbox.advance(seconds))

    def recall(self, tasks: Iterable[Recalled]) -> None:
        """Know tasks of an earlier stand-in."""
        known = list(tasks)
        self._call(lambda: self.sandbox.recall(known))

    def _call(self, work: Callable[[], Any]) -> Any:
        if self._loop is None or not self._thread.is_alive():
            return work()

        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits
            self._failure = failure
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self.sandbox, self._port) as url:
            self.url = url
            self._ready.set()
            await self._stop.wait()
            self._last_bill = self.sandbox.bill()
