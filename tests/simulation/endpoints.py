"""ports.Provider of one process: latency, lost replies and other moods between it and the account."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.specs import LocalImage
from orchestrator.ports import (
    Balance,
    BalanceOutcome,
    BillingOutcome,
    BillingPage,
    BillingRecord,
    ListOutcome,
    Lost,
    Missing,
    OtherCharge,
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
from orchestrator.provider.verdicts import disposition

from .account import SimulatedAccount
from .bought import SimulatedTask
from .checker import Checker
from .disk import url_of
from .plan import MODEL
from .posting import Posting
from .process import Process
from .transport import Transport

FINAL = {"failed": Status.FAILED, "timeout": Status.TIMEOUT, "cancelled": Status.CANCELLED}


class Endpoints:
    """What one worker sees of the provider."""

    def __init__(self, account: SimulatedAccount, process: Process, checker: Checker) -> None:
        self._account = account
        self._process = process
        self._checker = checker
        self._transport = Transport(account, process)
        self._posting = Posting(account=account, process=process, checker=checker, transport=self._transport)
        self._slid: dict[object, int] = {}  # by reading of the bill, how many records its pages have moved

    async def submit(
        self, model: str, inputs: Mapping[str, Any], *, webhook: str | None = None, still_valid: Any = None
    ) -> SubmitOutcome:
        return await self._posting.submit(model, inputs, webhook=webhook, still_valid=still_valid)

    async def result(self, prediction_id: str) -> ResultOutcome:
        account = self._account
        self._process.check()
        self._checker.posts.polled(self._process.name, prediction_id)
        trouble = await self._transport.look()
        if trouble is not None:
            return trouble
        if account.strike("look_lost"):
            return Lost("HTTP 503")
        if account.strike("look_throttled"):
            return Throttled(None)
        if account.strike_ending("look_refused"):
            return Rejected("HTTP 400: task not found", 400)
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
        trouble = await self._transport.look()
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
        trouble = await self._transport.look()
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
                micros=charge.micros * account.plan.bill_percent // 100,
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
        others = tuple(OtherCharge(f"o{number}", 500_000) for number in range(account.plan.other_charges))
        page_of = tuple(records[first : first + size])
        return BillingPage(page_of, has_more=len(records) > first + size, others=others)

    async def upload(self, image: LocalImage) -> UploadOutcome:
        trouble = await self._transport.connected(1.0)
        if trouble is not None:
            return trouble
        if (keyless := self._transport.keyless()) is not None:
            return keyless
        if self._account.strike("upload_failed"):
            return Lost("HTTP 500")
        if self._account.lasts("input") or self._account.strike("upload_rejected"):
            return Rejected("file too large", 413)
        return Uploaded(f"https://hosted.example/{image.sha256[:12]}-{int(self._account.now())}.png")

    async def balance(self) -> BalanceOutcome:
        trouble = await self._transport.look()
        if trouble is not None:
            return trouble
        return Balance(0 if self._account.mood() == "no_credit" else self._account.balance())

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> QuoteOutcome:
        trouble = await self._transport.look()
        if trouble is not None:
            return trouble
        if self._account.tells_no_price():
            return Lost("HTTP 500")
        return Quote(self._account.prices.quoted(inputs))

    async def aclose(self) -> None:
        """Nothing is open."""

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
            word = "warming_up" if task.odd else "processing"
            told = f"the status {word}" if task.odd else ""
            return Prediction(task.id, Status.RUNNING, word, oddity=told, **common)
        if task.fate in FINAL:
            status = FINAL[task.fate]
            verdict = disposition(status.value, task.code, task.error)
            return Prediction(
                task.id,
                status,
                status.value,
                error=task.error,
                code=task.code,
                failure=verdict,
                **common,
            )
        stamp = (
            0 if now < task.ends + 60 else int(now // 3600) + 1
        )  # URLs are signed anew after a minute, then hourly
        return Prediction(
            task.id,
            Status.COMPLETED,
            "completed",
            outputs=tuple(
                url_of(task.id, index, stamp)
                for index in range(0 if now < task.ends + task.late else task.outputs)
            ),
            nsfw=task.nsfw,
            inference_ms=task.inference_ms,
            **common,
        )

    def _created_ms(self, task: SimulatedTask) -> int:
        return self._stamp(task.created)

    def _stamp(self, at: float) -> int:
        """The provider's own clock, which is not ours."""
        return self._account.stamp(at)
