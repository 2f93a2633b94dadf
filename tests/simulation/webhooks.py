"""Webhooks: what the provider reports, how that goes wrong on the way, and the process of `orchestrator
serve`.

The receiver is the program's own, from the request to the database; only the listening is left out.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from orchestrator.core import webhooks
from orchestrator.web import Receiver

from .account import SimulatedAccount
from .bought import SimulatedTask
from .checker import Checker
from .dependencies import SimulatedWorld
from .plan import MODEL, SimulationPlan
from .process import PowerCut, Process
from .timeline import ViolationError

URL = "https://hooks.example/wavespeed"
SECRET = "whsec_simulated"  # noqa: S105 - of the simulated provider
REPORTED = {"completed": "completed", "empty": "completed", "failed": "failed"}
"""Fates that the provider reports, and with which status: the others are not documented to be."""

TRIES = 4
TOO_OLD_SECONDS = 480.0
"""A delivery of that age is past its time by any of the clocks."""


def token_of(url: str | None) -> str | None:
    """The token in the URL that a submit names; None without a URL."""
    return None if url is None else dict(parse_qsl(urlsplit(url).query))[webhooks.TOKEN]


@dataclass
class _Request:
    """As much of an HTTP request as a receiver reads."""

    headers: Mapping[str, str]
    query: "_Query"
    body: bytes

    async def read(self) -> bytes:
        return self.body


@dataclass
class _Query:
    token: str

    def getall(self, name: str, default: list[str]) -> list[str]:
        return [self.token] if name == webhooks.TOKEN and self.token else default


class Webhooks:
    """One promise for each task; `serve` is born when something is delivered, and dies like any process."""

    def __init__(
        self,
        plan: SimulationPlan,
        account: SimulatedAccount,
        checker: Checker,
        world: SimulatedWorld,
        serve: Callable[[], tuple[Process, Receiver]],
    ) -> None:
        self._plan = plan
        self._account = account
        self._checker = checker
        self._world = world
        self._born = serve
        self._dice = random.Random(f"webhooks {plan.seed}")
        self._tasks: set[asyncio.Task[None]] = set()
        self._process: Process | None = None
        self._receiver: Receiver
        self._down_until = 0.0
        self.is_open: Callable[[], bool] = lambda: True
        self.failed: Callable[[], None] = lambda: None

    def promise(self, task: SimulatedTask) -> None:
        """Report the task when it has ended, unless this gets lost."""
        if task.fate not in REPORTED or self._strike("webhook_lost"):
            return
        if task.token is None:
            task.token = self._dice.choice(("", f"{self._dice.getrandbits(128):032x}"))
            self._account.timeline.faults["webhook_stranger"] += 1
        keeping = asyncio.get_running_loop().create_task(self._keep(task))
        self._tasks.add(keeping)
        keeping.add_done_callback(self._tasks.discard)

    def calm(self) -> None:
        """The faults are over."""
        self._down_until = 0.0
        if self._process is not None:
            self._process.mortal = False
            self._process.thaw()

    def close(self) -> None:
        """Keep no more promises."""
        for keeping in self._tasks:
            keeping.cancel()

    def _strike(self, kind: str) -> bool:
        chance = self._plan.webhook_chances.get(kind, 0.0)
        if self._account.quiet or self._dice.random() >= chance:
            return False
        self._account.timeline.fault("provider", kind)
        return True

    async def _keep(self, task: SimulatedTask) -> None:
        """Deliver when the task has ended, in no order; again until somebody answers 200."""
        dice = self._dice
        delay = dice.uniform(0.0, 5.0)
        if self._strike("webhook_late"):
            delay = dice.choice((dice.uniform(5, 300), dice.uniform(300, 10_000)))
        await asyncio.sleep(task.ends - self._account.now() + delay)
        again = dice.uniform(0.0, 600.0) if self._strike("webhook_twice") else None
        tampered = self._strike("webhook_tampered")
        wait = dice.uniform(1.0, 60.0)
        for number in range(TRIES):
            if await self._deliver(task, tampered=tampered and number == 0) == HTTPStatus.OK:
                break
            await asyncio.sleep(wait)
            wait *= 2
        if again is not None:
            await asyncio.sleep(again)
            await asyncio.gather(self._deliver(task), self._deliver(task))
        if self._strike("webhook_replayed"):
            await self._deliver(task, age=TOO_OLD_SECONDS + dice.uniform(0, 10_000))

    async def _deliver(self, task: SimulatedTask, *, tampered: bool = False, age: float = 0.0) -> int | None:
        """One POST; its status, or None when nobody answers."""
        receiver = self._listening()
        if receiver is None:
            return None
        request = self._request(task, tampered=tampered, age=age)
        hoped = None if tampered or age else self._checker.webhooks.hears(task)
        try:
            response = await receiver.receive(request)
        except PowerCut:
            return None
        except ViolationError:
            self.failed()
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
            self._checker.broke("the receiver", error)
            self.failed()
            return None
        self._account.timeline.mark("provider", "webhook", task.id, response.status)
        if response.status == HTTPStatus.OK:
            try:
                self._checker.webhooks.heard(task, hoped, believable=not tampered and not age)
            except ViolationError:
                self.failed()
        return response.status

    def _listening(self) -> Receiver | None:
        """The receiver of the living process; None while there is none."""
        if self._process is not None and self._process.dead:
            self._process = None
            self._down_until = self._account.now() + self._dice.uniform(0, 120)
        if not self.is_open() or (self._account.now() < self._down_until and not self._account.quiet):
            return None
        if self._process is None:
            self._process, self._receiver = self._born()
        return self._receiver

    def _request(self, task: SimulatedTask, *, tampered: bool, age: float) -> Any:
        body = json.dumps({"id": task.id, "model": MODEL, "status": REPORTED[task.fate]}).encode()
        at = self._plan.start_ms + self._account.now() * 1000 + self._plan.clock_skew_ms
        stamp = str(int(at / 1000 - age))
        headers = {
            "webhook-id": task.id,
            "webhook-timestamp": stamp,
            "webhook-signature": webhooks.signature(
                secret=SECRET, webhook_id=task.id, timestamp=stamp, body=body
            ),
        }
        return _Request(headers, _Query(task.token or ""), body + b" " if tampered else body)
