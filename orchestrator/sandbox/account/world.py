"""The provider's state and decisions, without HTTP: who may submit, what is created, what it costs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from orchestrator.ports import Clock
from orchestrator.sandbox.account.account import Account, Entry
from orchestrator.sandbox.account.bill import Delivery, Post
from orchestrator.sandbox.account.ledger import Ledger
from orchestrator.sandbox.account.limits import SlidingWindow, Slots, Unfinished
from orchestrator.sandbox.account.refusals import Refusal, no_credit
from orchestrator.sandbox.config import NoCredit, Overload, RateUnit, SandboxConfig
from orchestrator.sandbox.fates import NO_CREDIT, Fate, decide_fate, failed, refunds_of, triggered
from orchestrator.sandbox.faults.dice import Dice, FaultDice
from orchestrator.sandbox.media.output_cache import Gallery
from orchestrator.sandbox.media.uploads import MediaStore
from orchestrator.sandbox.models import Checked, Model
from orchestrator.sandbox.tasks import NEVER_MS, Reference, Task

CREATED_MS_MAX: Final = 200  # how long a task that need not wait stays `created`


class World:
    """One account at the provider. Single-threaded: the server's loop is its only caller."""

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.skew_ms = 0
        # Ids differ from one start to the next, as the provider's would; every other draw depends on the seed
        # alone.
        self._ids = Dice(f"{config.seed}:{clock.now_ms()}")
        self.dice = Dice(config.seed)
        self.faults = FaultDice(self.dice, config.faults)
        self.account = Account(config.balance_micros)
        self.ledger = Ledger(config.ledger)
        self.media = MediaStore()
        self.gallery = Gallery(self.media)
        self.tasks: list[Task] = []  # in order of acceptance
        self.tasks_by_id: dict[str, Task] = {}
        self.posts: list[Post] = []
        self.deliveries: list[Delivery] = []
        self.requests: Counter[str] = Counter()
        self.leaks: list[str] = []
        self.unfinished = Unfinished()
        self.accepted_window = SlidingWindow()
        self.posts_window = SlidingWindow()
        self._limit_window = SlidingWindow()
        self._slots = Slots()
        self._tokens = 0

    def now_ms(self) -> int:
        """The provider's time: the clock's, plus what tests have advanced it by."""
        return self.clock.now_ms() + self.skew_ms

    def token(self) -> str:
        """A fresh id: 32 lowercase hex digits."""
        self._tokens += 1
        return self._ids.token("id", self._tokens)

    def settle(self, now_ms: int) -> None:
        """Pay the refunds that are due."""
        for entry in self.account.pay_refunds(now_ms):
            self._book(entry)

    def note_post(self, post: Post) -> None:
        """A submit has reached the provider and been decided upon."""
        self.posts.append(post)
        self.ledger.write(
            "post",
            at_ms=post.at_ms,
            model=post.model,
            body_sha256=post.body_sha256,
            reply=post.reply,
            task_id=post.task_id,
        )

    def find(self, task_id: str, now_ms: int) -> Task | None:
        """A task the API still knows."""
        task = self.tasks_by_id.get(task_id)
        return task if task is not None and task.known(now_ms) else None

    def newest_first(self, now_ms: int) -> Iterator[Task]:
        """The tasks the list shows: old enough to have appeared in it, and not past retention."""
        visible_ms = now_ms - round(self.config.list_lag * 1000)
        alive = takewhile(lambda task: task.expires_ms > now_ms, reversed(self.tasks))
        return (task for task in alive if task.created_ms <= visible_ms and task.known(now_ms))

    # --- submit ---------------------------------------------------------------------------------------------

    def admit(
        self,
        model: Model,
        checked: Checked,
        references: tuple[Reference, ...],
        unfetchable: str | None,
        now_ms: int,
    ) -> Task | Refusal:
        """Accept a checked submit, or say why not: rate, concurrency, then credit.

        Accepting creates the task, charges the account and writes both to the ledger before anyone is
        answered.
        """
        self.settle(now_ms)
        images = model.asked_images(checked.inputs)
        weight = images if self.config.rate_unit is RateUnit.IMAGES else 1
        refused = self._over_limit(weight, now_ms)
        if refused is not None:
            return refused
        price = self.quoted_micros(model, checked.inputs) * self.config.charge_percent // 100
        pays = self.account.can_pay(price)
        if not pays and self.config.no_credit is not NoCredit.FAILED_TASK:
            return no_credit(self.config.no_credit)
        fate = (
            self.fate(checked.inputs, images, unfetchable)
            if pays
            else failed(NO_CREDIT, 1407, refunded=False)
        )
        task = self.create(
            model=model,
            checked=checked,
            references=references,
            fate=fate,
            price_micros=price if pays else 0,
            now_ms=now_ms,
        )
        self._limit_window.add(now_ms, weight)
        self.accepted_window.add(now_ms)
        self.unfinished.add(now_ms, task.finished_ms)
        if task.price_micros:
            self.charge(task)
        return task

    def quoted_micros(self, model: Model, inputs: Mapping[str, Any]) -> int:
        """What a call costs after the discount, as far as the price endpoint says."""
        return model.price_micros(inputs) * self.config.discount_rate // 100

    def _over_limit(self, weight: int, now_ms: int) -> Refusal | None:
        config = self.config
        per_minute = config.submits_per_minute_limit
        if per_minute is not None and self._limit_window.total(now_ms) + weight > per_minute:
            return Refusal(429, "Too Many Requests")
        at_once = config.concurrency_limit
        if (
            at_once is not None
            and config.overload is Overload.REFUSE
            and self.unfinished.count(now_ms) >= at_once
        ):
            return Refusal(429, "You have reached your concurrency limit.")
        return None

    def fate(self, inputs: Mapping[str, Any], images: int, unfetchable: str | None) -> Fate:
        """How a task of these inputs ends."""
        drawn = self.faults.pick("task")
        if unfetchable is not None:
            return failed(f"failed to fetch input media: {unfetchable}", 1402)
        dice = Dice(f"{self.config.seed}:fate:{len(self.tasks)}")
        asked_for = triggered(inputs)
        fault = drawn if asked_for is None else asked_for
        return decide_fate(fault, images, dice, refund_moderated=self.config.refund_moderated)

    def create(
        self,
        model: Model,
        checked: Checked,
        references: tuple[Reference, ...],
        fate: Fate,
        price_micros: int,
        now_ms: int,
        task_id: str | None = None,
    ) -> Task:
        """A task that begins now, under a fresh id unless one is given."""
        number = len(self.tasks) + 1
        config = self.config
        limit = config.concurrency_limit if config.overload is Overload.QUEUE else None
        latency = self.dice.log_normal(config.latency_median, config.latency_sigma, "latency", number)
        latency_ms = round(latency * 1000)
        slot_ms = self._slots.start_ms(now_ms, limit)
        finished_ms = NEVER_MS if fate.endless else slot_ms + latency_ms
        self._slots.occupy(finished_ms)
        task = Task(
            number=number,
            id=task_id or self.token(),
            model=model.id,
            inputs=checked.inputs,
            dropped=checked.dropped,
            references=references,
            price_micros=price_micros,
            fate=fate,
            created_ms=now_ms,
            started_ms=slot_ms + min(latency_ms // 10, CREATED_MS_MAX),
            finished_ms=finished_ms,
            expires_ms=now_ms + round(config.retention * 1000),
            url_issued_ms=min(finished_ms, now_ms + round(config.retention * 1000)),
        )
        self.tasks.append(task)
        self.tasks_by_id[task.id] = task
        self.ledger.write(
            "task",
            id=task.id,
            model=task.model,
            inputs=task.inputs,
            created_at_ms=task.created_ms,
            finished_at_ms=task.finished_ms,
            fate=fate.status,
            code=fate.code,
            outputs=fate.outputs,
            price_micros=task.price_micros,
        )
        return task

    def charge(self, task: Task) -> None:
        """Take its price from the account."""
        entry = Entry(
            id=self.token(), kind="deduct", task_id=task.id, micros=task.price_micros, at_ms=task.created_ms
        )
        self.account.charge(entry)
        self._book(entry)
        if task.fate.refunded:
            paid_ms = task.finished_ms + round(self.config.refund_delay * 1000)
            for micros in refunds_of(self.faults.pick("refund"), task.price_micros):
                self.account.promise_refund(
                    Entry(id=self.token(), kind="refund", task_id=task.id, micros=micros, at_ms=paid_ms)
                )

    def _book(self, entry: Entry) -> None:
        event = "charge" if entry.kind == "deduct" else "refund"
        self.ledger.write(event, id=entry.id, task_id=entry.task_id, micros=entry.micros, at_ms=entry.at_ms)

    # --- outputs --------------------------------------------------------------------------------------------

    def url_dead(self, task: Task, version: int, now_ms: int) -> bool:
        """Whether an output URL of that version no longer works."""
        if now_ms >= task.expires_ms or version <= task.dead_url_version:
            return True
        ttl = self.config.output_url_ttl
        return ttl is not None and (version < task.url_version or now_ms >= task.url_issued_ms + ttl * 1000)

    def refresh_url(self, task: Task, now_ms: int) -> None:
        """A result is being read: give it a new URL if the current one is dead and the switch allows it."""
        if self.config.fresh_urls and self.url_dead(task, task.url_version, now_ms):
            task.url_version += 1
            task.url_issued_ms = now_ms
