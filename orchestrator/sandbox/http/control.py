"""GET /sandbox/bill and POST /sandbox/control: the sandbox's own endpoints, for tests in another process."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final

from aiohttp import web

from orchestrator.core.errors import UsageError
from orchestrator.sandbox.account.bill import Bill, BilledTask
from orchestrator.sandbox.account.world import World
from orchestrator.sandbox.config import MICROS_PER_USD, with_changes
from orchestrator.sandbox.faults.script import parse_faults
from orchestrator.sandbox.http.bodies import BadRequest, parse_object
from orchestrator.sandbox.http.replies import json_reply, refusal
from orchestrator.sandbox.tasks import NEVER_MS, TERMINAL, Task

ADVANCE_SECONDS_MAX: Final = 366 * 86_400
TOP_UP_MICROS_MAX: Final = 10**15


class Control:
    """The bill and the switches."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """What it serves; no key is needed, since only this machine can ask."""
        return [
            web.get("/sandbox/bill", self.show_bill),
            web.post("/sandbox/control", self.control),
        ]

    async def show_bill(self, _request: web.Request) -> web.Response:
        """The bill as JSON."""
        return json_reply(draw_bill(self._world).as_json())

    async def control(self, request: web.Request) -> web.Response:
        """Change what the body names; 400 and nothing changed for a body that does not fit.

        `set`: switches by name; `faults`: fault words that replace all faults (`[]` ends them);
        `restart_count`: true counts requests from 1 again; `advance_seconds`: moves the provider's clock;
        `top_up_usd`: adds credit.
        """
        try:
            steps = self._steps(parse_object(await request.read()))
        except BadRequest as error:
            return error.reply()
        except UsageError as error:
            return refusal(400, str(error))
        for step in steps:
            step()
        return json_reply({"ok": True, "now_ms": self._world.now_ms()})

    def _steps(self, body: dict[str, Any]) -> list[Callable[[], None]]:
        """What to do, all of it checked before any of it is done."""
        world = self._world
        steps: list[Callable[[], None]] = []
        for name, value in body.items():
            match name:
                case "set" if isinstance(value, dict):
                    changed = with_changes(world.config, value)
                    steps.append(partial(setattr, world, "config", changed))
                case "faults" if isinstance(value, list):
                    steps.append(partial(world.faults.use, parse_faults(map(str, value))))
                case "restart_count" if value is True:
                    steps.append(world.faults.restart_count)
                case "advance_seconds" if _is_advance(value):
                    steps.append(partial(advance, world, value))
                case "top_up_usd" if isinstance(value, str | int):
                    steps.append(partial(world.account.top_up, _micros(value)))
                case _:
                    raise BadRequest(f"{name}: not a control of the sandbox, or not a value for it")
        return steps


def advance(world: World, seconds: float) -> None:
    """Move the provider's clock forward; what falls due in between happens."""
    world.skew_ms += round(seconds * 1000)
    world.settle(world.now_ms())


def draw_bill(world: World) -> Bill:
    """The bill as it is now."""
    now_ms = world.now_ms()
    world.settle(now_ms)
    return Bill(
        tasks=tuple(_billed(task, now_ms) for task in world.tasks),
        charges=tuple(world.account.charges),
        refunds=tuple(world.account.refunds),
        posts=tuple(world.posts),
        webhooks=tuple(world.deliveries),
        requests=dict(world.requests),
        faults={str(fault): count for fault, count in world.faults.fired.items()},
        authorization_leaks=tuple(world.leaks),
        starting_micros=world.account.starting_micros,
        balance_micros=world.account.balance_micros,
        refunds_due_micros=world.account.refunds_due_micros,
        max_concurrency=world.unfinished.peak,
        max_accepted_per_minute=world.accepted_window.peak,
        max_posts_per_minute=world.posts_window.peak,
    )


def _micros(amount: str | int) -> int:
    """An amount in US dollars in micros, exactly; raises UsageError for what is none."""
    try:
        micros = Decimal(str(amount)) * MICROS_PER_USD
        if not isinstance(amount, bool) and 0 <= micros <= TOP_UP_MICROS_MAX and micros == int(micros):
            return int(micros)
    except ArithmeticError:
        pass
    raise UsageError(f"top_up_usd takes an amount such as 40 or 0.028, not {amount!r}")


def _billed(task: Task, now_ms: int) -> BilledTask:
    status = task.status(now_ms)
    ended = status in TERMINAL
    return BilledTask(
        id=task.id,
        model=task.model,
        inputs=task.inputs,
        dropped=task.dropped,
        status=status,
        error=task.fate.error if ended else "",
        code=task.fate.code if ended else 0,
        created_at_ms=task.created_ms,
        finished_at_ms=task.finished_ms if ended and task.finished_ms != NEVER_MS else None,
        price_micros=task.price_micros,
        outputs=task.fate.outputs if status == "completed" else 0,
        nsfw=task.fate.nsfw if status == "completed" else (),
        output_sha256={index: served.sha256 for index, served in sorted(task.served.items())},
        seen_at_ms=task.seen_ms,
    )


def _is_advance(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= ADVANCE_SECONDS_MAX
    )
