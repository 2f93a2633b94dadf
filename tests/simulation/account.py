"""The provider's own account: tasks, an append-only bill, what its list shows. It reads nothing of ours."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .bought import Charge, SimulatedTask
from .plan import MODEL
from .prices import Prices
from .whims import Whims

STUCK_SECONDS = 3600.0
FUNDS = 1_000_000_000
"""What the account had to begin with, in micros."""


@dataclass
class SimulatedAccount(Whims):
    """Everything the provider knows."""

    tasks: dict[str, SimulatedTask] = field(default_factory=dict)
    bill: list[Charge] = field(default_factory=list)
    pending: list[tuple[str, float]] = field(default_factory=list)  # (prompt, when it will be created)
    accepted: Callable[[SimulatedTask], None] = lambda _task: None  # told of each task, ours or not
    lost: str | None = None  # the task of which one picture can never be had

    def __post_init__(self) -> None:
        super().__post_init__()
        self.prices = Prices(self.plan, self.now)

    def create(
        self,
        inputs: Mapping[str, Any],
        *,
        foreign: bool = False,
        by_copy: bool = False,
        token: str | None = None,
    ) -> SimulatedTask:
        """Accept a task and charge for it."""
        now, dice = self.now(), self._dice
        number = len(self.tasks) + 1
        images = int(inputs["num_images"])
        price = self._price(inputs)
        fate, code, error = self.fate(str(inputs["prompt"]), foreign=foreign)
        outputs = self.outputs(images) if fate == "completed" else 0
        latency = self.latency(fate)
        task = SimulatedTask(
            id=f"{'f' if foreign else 't'}{number:04d}-{dice.getrandbits(32):08x}",
            prompt=str(inputs["prompt"]),
            inputs=dict(inputs),
            price=price,
            created=now,
            visible=now + dice.uniform(0, self.plan.list_lag),
            ends=now + latency,
            fate=fate,
            code=code,
            error=error,
            outputs=outputs,
            nsfw=tuple(dice.choice((None, False, self.strike("nsfw"))) for _ in range(outputs)),
            inference_ms=0 if fate == "stuck" else int(latency * 900),
            late=self._ending_dice.uniform(5, 100) if outputs and self.strike_ending("late_outputs") else 0.0,
            odd=self.strike_ending("odd_status"),
            foreign=foreign,
            by_copy=by_copy,
            token=token,
        )
        if fate in {"failed", "timeout", "cancelled"}:
            task.refund_at = task.ends + dice.uniform(30, self.plan.refund_max)
            task.refunds = self.refunds(price)
        self.tasks[task.id] = task
        if self.plan.lasting == "picture" and self.lost is None and outputs and not foreign:
            self.lost = task.id
        self.bill.append(
            Charge(id=f"d{number}", task_id=task.id, kind="deduct", micros=price, at=now, foreign=foreign)
        )
        self.timeline.mark("provider", "creates", task.id, task.prompt, fate, f"ends {task.ends:.0f}")
        self.accepted(task)
        return task

    def _price(self, inputs: Mapping[str, Any]) -> int:
        """What is charged, which may be other than what was quoted."""
        price = self.prices.charged(inputs)
        if self.now() >= self.plan.charged_from:
            price = price * self.plan.charge_percent // 100
            self.timeline.faults["charged_unlike"] += self.plan.charge_percent != 100
        self.timeline.faults["other_unit"] += self.plan.bill_percent != 100
        return price

    def settle_bill(self) -> None:
        """Book the refunds that have come due by now."""
        refunded = {charge.task_id for charge in self.bill if charge.kind == "refund"}
        for task in self.tasks.values():
            if task.refund_at is not None and task.refund_at <= self.now() and task.id not in refunded:
                self.bill += [
                    Charge(
                        id=f"r{number}{task.id}",
                        task_id=task.id,
                        kind="refund",
                        micros=micros,
                        at=task.refund_at,
                        foreign=task.foreign,
                    )
                    for number, micros in enumerate(task.refunds)
                ]

    def balance(self) -> int:
        """What the account has left: it falls by what is really charged, whatever the bill shows."""
        self.settle_bill()
        moved = sum(charge.micros if charge.kind == "refund" else -charge.micros for charge in self.bill)
        return FUNDS + moved

    def net(self, task_id: str) -> int:
        """What is kept of one task so far: charges minus refunds, but a refund too large makes no task pay
        for another."""
        self.settle_bill()
        return self._kept()[task_id]

    def _kept(self) -> Counter[str]:
        kept: Counter[str] = Counter()
        for charge in self.bill:
            kept[charge.task_id] += charge.micros if charge.kind == "deduct" else -charge.micros
        return +kept

    def ours(self) -> list[SimulatedTask]:
        return [task for task in self.tasks.values() if not task.foreign]

    def of_copy(self) -> list[SimulatedTask]:
        """What another live copy of our store has bought."""
        return [task for task in self.tasks.values() if task.by_copy]

    def spent(self, prefix: str = "", without: Collection[str] = ()) -> int:
        """What is kept of our tasks whose prompt begins so, but for some."""
        self.settle_bill()
        kept = self._kept()
        return sum(
            kept[task.id] for task in self.ours() if task.id not in without and task.prompt.startswith(prefix)
        )

    def running(self, without: Collection[str] = ()) -> int:
        """Our accepted and unfinished tasks, but for some: what the account's concurrency limit counts. What
        has run for an hour is stuck there, and nobody waits for it."""
        now = self.now()
        return sum(
            1
            for task in self.ours()
            if task.created <= now < min(task.ends, task.created + STUCK_SECONDS) and task.id not in without
        )

    def expired(self, task: SimulatedTask) -> bool:
        return self.now() > task.created + self.plan.retention_seconds

    def stamp(self, at: float) -> int:
        """What the provider's own clock shows then, which is not ours."""
        return self.plan.start_ms + int(at * 1000) + self.plan.clock_skew_ms

    def foreign_inputs(self) -> dict[str, Any]:
        """What another user of the account sends to the same model."""
        return {
            "prompt": f"someone else {self._dice.getrandbits(20)}",
            "images": ["https://in.example/other.png"],
            "resolution": "1k",
            "num_images": 1,
            "output_format": "png",
            "model": MODEL,
        }
