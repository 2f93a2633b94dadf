"""ports.Provider of one process: latency, lost replies and other moods between it and the account."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.specs import LocalImage
from orchestrator.ports import (
    Accepted,
    Balance,
    BalanceOutcome,
    BillingOutcome,
    BillingPage,
    BillingRecord,
    KeyRefused,
    ListOutcome,
    Lost,
    Missing,
    NoCredit,
    NotSent,
    Prediction,
    PredictionPage,
    Quote,
    QuoteOutcome,
    Rejected,
    ResultOutcome,
    Status,
    SubmitOutcome,
    Throttled,
    Uploaded,
    UploadOutcome,
)

from .account import SimulatedAccount
from .bought import SimulatedTask
from .checker import Checker
from .dependencies import SimulatedWorld
from .disk import url_of
from .lasting import refused_prompt
from .plan import MODEL, UNIT
from .process import Process
from .webhooks import token_of

CONNECT_SECONDS = 10.0
SUBMIT_SECONDS = 60.0
FINAL = {"failed": Status.FAILED, "timeout": Status.TIMEOUT, "cancelled": Status.CANCELLED}


MOODS = {
    "no_key": KeyRefused("the key is not active", 401),
    "no_credit": NoCredit("insufficient credits"),
}


class Endpoints:
    """What one worker sees of the provider."""

    def __init__(
        self, account: SimulatedAccount, process: Process, checker: Checker, world: SimulatedWorld
    ) -> None:
        self._account = account
        self._process = process
        self._checker = checker
        self._world = world
        self._refused = refused_prompt(account.plan)
        self._slid: dict[object, int] = {}  # by reading of the bill, how many records its pages have moved

    async def submit(
        self, model: str, inputs: Mapping[str, Any], *, webhook: str | None = None, still_valid: Any = None
    ) -> SubmitOutcome:
        """The paid POST."""
        account, process, prompt = self._account, self._process, str(inputs["prompt"])
        process.check()
        refused = await self._connected(0.3)
        if refused is not None:
            return refused
        if still_valid is not None and not still_valid():
            return NotSent("held back", expired=True)
        self._checker.rate.leaves(process.name)
        token = token_of(webhook)
        attempt_id = self._checker.posted(process.name, inputs, token)
        if (refusal := MOODS.get(account.mood())) is not None:
            return await self._reply(refusal)
        if account.strike("throttled"):
            return await self._reply(
                Throttled(account.uniform(0.5, 20) if account.uniform(0, 1) < 0.5 else None)
            )
        if (rejected := self._rejection(prompt)) is not None:
            self._checker.states.refusals += 1
            return await self._reply(rejected)
        if account.strike("lost_not_created"):
            return await self._reply(Lost("HTTP 502"), account.uniform(0, SUBMIT_SECONDS))
        if account.strike("lost_created_late"):
            self._create_later(inputs, attempt_id, token)
            return await self._reply(Lost("the connection was reset"), account.uniform(0, 5))
        task = self._create(inputs, attempt_id, token)
        if account.strike("lost_created"):
            return await self._reply(Lost("no reply in time"), account.uniform(0, SUBMIT_SECONDS))
        slow = (
            account.uniform(5, SUBMIT_SECONDS - 1)
            if account.strike("slow_reply")
            else account.uniform(0.1, 2)
        )
        reply = await self._reply(Accepted(Prediction(task.id, Status.RUNNING, "created", model=model)), slow)
        if isinstance(reply, Accepted):
            self._checker.posts.delivered(task.id, process.name, prompt)
        return reply

    def _rejection(self, prompt: str) -> Rejected | None:
        if prompt == self._refused and self._account.lasts("input"):
            return Rejected("images[0] cannot be read", 400)
        if self._account.strike("rejected"):
            return Rejected("aspect_ratio is invalid", 422, 1401)
        return None

    async def _connected(self, longest: float) -> NotSent | None:
        """Make a connection. One that is not there in time, also because we were frozen, sends nothing."""
        account = self._account
        before = account.now()
        await asyncio.sleep(account.uniform(0, longest))
        await self._process.step()
        if account.now() - before > CONNECT_SECONDS:
            return NotSent("no connection in time")
        if account.mood() == "outage" or account.strike("connect_failed"):
            return NotSent("connection refused")
        return None

    async def _reply(self, outcome: Any, seconds: float = 0.2) -> Any:
        """The way back. One that takes too long, also because we were frozen, is lost."""
        before = self._account.now()
        await asyncio.sleep(seconds)
        await self._process.step()
        if isinstance(outcome, Accepted) and self._account.now() - before > SUBMIT_SECONDS:
            return Lost("no reply in time")
        return outcome

    def _create(self, inputs: Mapping[str, Any], attempt_id: int | None, token: str | None) -> SimulatedTask:
        task = self._account.create(inputs, token=token)
        task.attempt_id = attempt_id
        self._checker.created(task)
        return task

    def _create_later(self, inputs: Mapping[str, Any], attempt_id: int | None, token: str | None) -> None:
        """The provider acts on the request after we have given up on the reply."""
        seconds = self._account.uniform(1, 60)
        entry = (str(inputs["prompt"]), self._account.now() + seconds)
        self._account.pending.append(entry)

        def act() -> None:
            self._account.pending.remove(entry)
            self._create(inputs, attempt_id, token)

        asyncio.get_running_loop().call_later(seconds, act)

    async def result(self, prediction_id: str) -> ResultOutcome:
        account = self._account
        self._process.check()
        self._checker.posts.polled(self._process.name, prediction_id)
        trouble = await self._look()
        if trouble is not None:
            return trouble
        if account.strike("look_lost"):
            return Lost("HTTP 503")
        if account.strike("look_throttled"):
            return Throttled(None)
        if account.strike("look_missing"):
            return Missing("no such prediction")
        task = account.tasks.get(prediction_id)
        if task is None or account.expired(task):
            return Missing("no such prediction")
        return self._shown(task, inputs=False)

    async def list_predictions(
        self,
        *,
        model: str | None,
        created_after_ms: int,
        created_before_ms: int,
        page: int = 1,
        include_inputs: bool = False,
    ) -> ListOutcome:
        account = self._account
        trouble = await self._look()
        if trouble is not None:
            return trouble
        if account.lasts("list") or account.strike("list_failed"):
            return Lost("HTTP 500")
        self._checker.copies.looks(self._process.name)
        shown = [
            task
            for task in account.tasks.values()
            if task.visible <= account.now()
            and not account.expired(task)
            and created_after_ms <= self._created_ms(task) <= created_before_ms
        ]
        shown.sort(key=lambda task: (-task.created, task.id))
        size = account.plan.list_page
        items = shown[(page - 1) * size : page * size]
        inputs = include_inputs and account.plan.list_shows_inputs
        return PredictionPage(
            tuple(self._shown(task, inputs=inputs) for task in items), has_more=len(shown) > page * size
        )

    async def billing(
        self, *, start_ms: int, end_ms: int, prediction_ids: Sequence[str] = (), page: int = 1
    ) -> BillingOutcome:
        account = self._account
        trouble = await self._look()
        if trouble is not None:
            return trouble
        if account.lasts("bill"):
            return Lost("HTTP 500")
        if not account.plan.bill_readable:
            return Rejected("not for this key", 400)
        if account.strike("bill_failed"):
            return Lost("HTTP 500")
        account.settle_bill()
        records = [
            BillingRecord(
                id=charge.id,
                prediction_id=charge.task_id,
                kind=charge.kind,
                micros=charge.micros,
                created_at_ms=at,
            )
            for charge in account.bill
            if start_ms <= (at := self._stamp(charge.at)) <= end_ms
            and (not prediction_ids or charge.task_id in prediction_ids)
            and charge.at + min(20.0, account.plan.list_lag) <= account.now()
        ]
        size, reading = account.plan.list_page, (start_ms, end_ms, tuple(prediction_ids))
        self._slid[reading] = 0 if page == 1 else self._slid[reading] + account.slides(size)
        first = (page - 1) * size - self._slid[reading]
        return BillingPage(tuple(records[first : first + size]), has_more=len(records) > first + size)

    async def upload(self, image: LocalImage) -> UploadOutcome:
        trouble = await self._connected(1.0)
        if trouble is not None:
            return trouble
        if self._account.mood() == "no_key":
            return KeyRefused("the key is not active", 401)
        if self._account.strike("upload_failed"):
            return Lost("HTTP 500")
        if self._account.lasts("input") or self._account.strike("upload_rejected"):
            return Rejected("file too large", 413)
        return Uploaded(f"https://hosted.example/{image.sha256[:12]}-{int(self._account.now())}.png")

    async def balance(self) -> BalanceOutcome:
        trouble = await self._look()
        if trouble is not None:
            return trouble
        return Balance(0 if self._account.mood() == "no_credit" else 1_000_000_000)

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> QuoteOutcome:
        trouble = await self._look()
        if trouble is not None:
            return trouble
        return Quote(UNIT[inputs["resolution"]] * int(inputs["num_images"]))

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _look(self) -> NotSent | KeyRefused | None:
        refused = await self._connected(0.3)
        if refused is not None:
            return refused
        return KeyRefused("the key is not active", 401) if self._account.mood() == "no_key" else None

    def _shown(self, task: SimulatedTask, *, inputs: bool) -> Prediction:
        now = self._account.now()
        common: dict[str, Any] = {
            "created_at_ms": self._created_ms(task),
            "model": MODEL,
            "inputs": {key: value for key, value in task.inputs.items() if key != "model"}
            if inputs
            else None,
        }
        if now < task.ends:
            return Prediction(task.id, Status.RUNNING, "processing", **common)
        if task.fate in FINAL:
            status = FINAL[task.fate]
            return Prediction(task.id, status, status.value, error=task.error, code=task.code, **common)
        stamp = (
            0 if now < task.ends + 60 else int(now // 3600) + 1
        )  # URLs are signed anew after a minute, then hourly
        return Prediction(
            task.id,
            Status.COMPLETED,
            "completed",
            outputs=tuple(url_of(task.id, index, stamp) for index in range(task.outputs)),
            nsfw=task.nsfw,
            inference_ms=task.inference_ms,
            **common,
        )

    def _created_ms(self, task: SimulatedTask) -> int:
        return self._stamp(task.created)

    def _stamp(self, at: float) -> int:
        """The provider's own clock, which is not ours."""
        return self._account.plan.start_ms + int(at * 1000) + self._account.plan.clock_skew_ms
