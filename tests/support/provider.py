"""A provider that does as the test says, and keeps the books of what was asked of it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.ports import (
    Accepted,
    Balance,
    BalanceOutcome,
    BillingPage,
    BillingRecord,
    Lost,
    Missing,
    NotSent,
    Prediction,
    PredictionPage,
    Quote,
    ResultOutcome,
    Status,
    SubmitOutcome,
    Uploaded,
    UploadOutcome,
)
from orchestrator.provider.verdicts import disposition

from .times import FakeClock


@dataclass
class Task:
    """A task at the provider: running until `ready_at`, then `final`."""

    id: str
    inputs: Mapping[str, Any]
    accepted_at: float
    ready_at: float
    final: Prediction


@dataclass
class Ending:
    """How the next accepted task ends: fields of the final prediction."""

    status: Status = Status.COMPLETED
    fields: dict[str, Any] = field(default_factory=dict)


class FakeProvider:
    """Accepts every POST and completes it after `latency` seconds, unless a script says otherwise.

    Scripts are queues: the next submits, looks and uploads answer what they hold, then the normal way goes
    on.
    """

    def __init__(self, clock: FakeClock, latency: float = 10.0) -> None:
        self.clock = clock
        self.latency = latency
        self.tasks: dict[str, Task] = {}
        self.posts: list[tuple[float, Mapping[str, Any]]] = []
        self.webhooks: list[str | None] = []  # of every POST
        self.looks: list[tuple[float, str]] = []
        self.uploads: list[str] = []
        self.balance_outcome: BalanceOutcome = Balance(1_000_000_000)
        self.next_submits: deque[SubmitOutcome] = deque()
        self.next_looks: deque[ResultOutcome] = deque()
        self.next_uploads: deque[UploadOutcome] = deque()
        self.next_endings: deque[Ending] = deque()
        self.closed = False
        self.shows_inputs = True
        self.ahead_ms = 0  # what its clock shows beyond ours

    async def submit(
        self, model: str, inputs: Mapping[str, Any], *, webhook: str | None = None, still_valid: Any = None
    ) -> SubmitOutcome:
        if still_valid is not None and not still_valid():
            return NotSent("held back")
        self.posts.append((self.clock.monotonic(), inputs))
        self.webhooks.append(webhook)
        if self.next_submits:
            return self.next_submits.popleft()
        return Accepted(self.create(inputs))

    def create(self, inputs: Mapping[str, Any]) -> Prediction:
        """A new task."""
        now = self.clock.monotonic()
        name = f"task{len(self.tasks) + 1}"
        ending = self.next_endings.popleft() if self.next_endings else Ending()
        urls = tuple(
            f"https://out.example/{name}/{index}.png" for index in range(inputs.get("num_images", 1))
        )
        fields: dict[str, Any] = {
            "outputs": urls if ending.status is Status.COMPLETED else (),
            **ending.fields,
        }
        fields["created_at_ms"] = created_at_ms = self.clock.now_ms() + self.ahead_ms
        word = fields.pop("status_text", ending.status.value)
        if ending.status is not Status.COMPLETED:
            fields["failure"] = disposition(word, fields.get("code"), fields.get("error", ""))
        final = Prediction(name, ending.status, word, **fields)
        self.tasks[name] = Task(
            id=name, inputs=inputs, accepted_at=now, ready_at=now + self.latency, final=final
        )
        return Prediction(name, Status.RUNNING, "created", created_at_ms=created_at_ms)

    async def result(self, prediction_id: str) -> ResultOutcome:
        self.looks.append((self.clock.monotonic(), prediction_id))
        if self.next_looks:
            return self.next_looks.popleft()
        return self._found(prediction_id)

    def _found(self, prediction_id: str) -> Prediction | Missing:
        task = self.tasks.get(prediction_id)
        if task is None:
            return Missing("no such prediction")
        if self.clock.monotonic() < task.ready_at:
            return replace(task.final, status=Status.RUNNING, status_text="processing", outputs=())
        return task.final

    async def upload(self, image: Any) -> UploadOutcome:
        self.uploads.append(image.sha256)
        if self.next_uploads:
            return self.next_uploads.popleft()
        return Uploaded(f"https://hosted.example/{len(self.uploads)}.png")

    async def balance(self) -> BalanceOutcome:
        return self.balance_outcome

    async def list_predictions(
        self,
        *,
        model: str | None,
        created_after_ms: int,
        created_before_ms: int,
        page: int = 1,
        include_inputs: bool = False,
    ) -> PredictionPage:
        found = [
            replace(self._found(task.id), inputs=task.inputs if self.shows_inputs else None)
            for task in self.tasks.values()
            if created_after_ms <= task.final.created_at_ms <= created_before_ms
        ]
        return PredictionPage(tuple(reversed(found)), has_more=False)

    async def billing(
        self, *, start_ms: int, end_ms: int, prediction_ids: Sequence[str] = (), page: int = 1
    ) -> BillingPage:
        records = [
            BillingRecord(
                id=f"d-{task.id}",
                prediction_id=task.id,
                kind="deduct",
                micros=self.price(task.inputs),
                created_at_ms=task.final.created_at_ms,
            )
            for task in self.tasks.values()
            if start_ms <= task.final.created_at_ms <= end_ms and task.id in (prediction_ids or self.tasks)
        ]
        return BillingPage(tuple(records), has_more=False)

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> Quote:
        return Quote(self.price(inputs))

    def price(self, inputs: Mapping[str, Any]) -> int:
        """What one call costs."""
        return 28_000 * inputs.get("num_images", 1)

    async def aclose(self) -> None:
        self.closed = True

    def most_posts_in_a_minute(self) -> int:
        """The most POSTs that any sliding 60 s hold."""
        times = [at for at, _ in self.posts]
        return max((sum(1 for at in times if start <= at < start + 60) for start in times), default=0)

    def most_tasks_at_once(self) -> int:
        """The most tasks that ran at one moment."""
        starts = [task.accepted_at for task in self.tasks.values()]
        return max(
            (sum(1 for t in self.tasks.values() if t.accepted_at <= at < t.ready_at) for at in starts),
            default=0,
        )


class LosesReplies(FakeProvider):
    """Accepts, and the reply never arrives."""

    async def submit(self, model, inputs, *, webhook=None, still_valid=None):
        await super().submit(model, inputs, webhook=webhook)
        return Lost("the connection was reset")


class Slow(FakeProvider):
    """Takes `seconds` to answer a POST."""

    seconds = 30.0

    async def submit(self, model, inputs, *, webhook=None, still_valid=None):
        await self.clock.sleep(self.seconds)
        return await super().submit(model, inputs, webhook=webhook)


class RenewsUrls(FakeProvider):
    """Each look at a completed task returns other URLs for the same pictures."""

    async def result(self, prediction_id):
        found = await super().result(prediction_id)
        if isinstance(found, Prediction) and found.status is Status.COMPLETED:
            return replace(found, outputs=tuple(f"{url}?{len(self.looks)}" for url in found.outputs))
        return found
