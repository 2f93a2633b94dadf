"""The provider's own account: tasks, an append-only bill, what its list shows. It reads nothing of ours."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .bought import Charge, SimulatedTask
from .plan import MODEL, UNIT, SimulationPlan
from .timeline import Timeline


@dataclass
class SimulatedAccount:
    """Everything the provider knows."""

    plan: SimulationPlan
    timeline: Timeline
    now: Any
    tasks: dict[str, SimulatedTask] = field(default_factory=dict)
    bill: list[Charge] = field(default_factory=list)
    pending: list[tuple[str, float]] = field(default_factory=list)  # (prompt, when it will be created)
    quiet: bool = False  # the faults are over
    accepted: Callable[[SimulatedTask], None] = lambda _task: None  # told of each task, ours or not
    lost: str | None = None  # the task of which one picture can never be had

    def __post_init__(self) -> None:
        self._dice = random.Random(f"account {self.plan.seed}")
        self._bill_dice = random.Random(f"bill {self.plan.seed}")

    def strike(self, kind: str) -> bool:
        """Whether this fault happens now."""
        chance = self.plan.chances.get(kind, 0.0)
        if self.quiet or not chance or self._dice.random() >= chance:
            return False
        self.timeline.fault("provider", kind)
        return True

    def strike_bill(self, kind: str) -> bool:
        """The same for the bill's own oddities, which go on when the faults are over: the provider is so."""
        chance = self.plan.bill_chances.get(kind, 0.0)
        if not chance or self._bill_dice.random() >= chance:
            return False
        self.timeline.fault("provider", kind)
        return True

    def slides(self, size: int) -> int:
        """By how many records the bill has moved on since its last page was read: never by a whole page."""
        return self._bill_dice.randrange(1, size) if self.strike_bill("bill_slides") else 0

    def lasts(self, kind: str) -> bool:
        """Whether this is what stays broken for ever."""
        if self.plan.lasting != kind:
            return False
        self.timeline.faults[f"lasting_{kind}"] += 1
        return True

    def uniform(self, low: float, high: float) -> float:
        return self._dice.uniform(low, high)

    def mood(self) -> str | None:
        """What is wrong with the whole account at this moment: outage, no_key, no_credit, or None."""
        return next((kind for kind in ("outage", "no_key", "no_credit") if self.during(kind)), None)

    def refuses_key_of(self, process: str) -> bool:
        """Whether the key is refused at this moment: everybody's, or that of this process alone."""
        if self.mood() == "no_key":
            return True
        if self.quiet or self.plan.bad_key is None:
            return False
        number, start, end = self.plan.bad_key
        found = process.startswith(f"w{number}.") and start <= self.now() < end
        self.timeline.faults["bad_key"] += found
        return found

    def during(self, kind: str) -> bool:
        """Whether something that lasts for a while lasts now."""
        now = self.now()
        found = not self.quiet and any(
            name == kind and start <= now < end for name, start, end in self.plan.windows
        )
        self.timeline.faults[kind] += found
        return found

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
        price = UNIT[inputs["resolution"]] * images
        fate, code, error = self._fate(foreign=foreign)
        outputs = self._outputs(images) if fate == "completed" else 0
        latency = dice.uniform(2, 40)
        if self.strike("task_slow"):
            latency = dice.uniform(300, 1500)
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
            inference_ms=int(latency * 900),
            foreign=foreign,
            by_copy=by_copy,
            token=token,
        )
        if fate in {"failed", "timeout", "cancelled"}:
            task.refund_at = task.ends + dice.uniform(30, self.plan.refund_max)
            task.refunds = self._refunds(price)
        self.tasks[task.id] = task
        if self.plan.lasting == "picture" and self.lost is None and outputs and not foreign:
            self.lost = task.id
        self.bill.append(
            Charge(id=f"d{number}", task_id=task.id, kind="deduct", micros=price, at=now, foreign=foreign)
        )
        self.timeline.mark("provider", "creates", task.id, task.prompt, fate, f"ends {task.ends:.0f}")
        self.accepted(task)
        return task

    def _fate(self, *, foreign: bool) -> tuple[str, int | None, str]:
        if foreign:
            return "completed", None, ""
        if self.strike("task_failed"):
            return "failed", self._dice.choice((5000, 5003, 1405, 1402, None)), "the task failed"
        if self.strike("task_moderated"):
            return "failed", 1200, "content flagged as potentially sensitive"
        if self.strike("task_timeout"):
            return self._dice.choice(("timeout", "cancelled")), None, "gave up"
        if self.strike("no_outputs"):
            return "empty", None, ""
        return "completed", None, ""

    def _refunds(self, price: int) -> tuple[int, ...]:
        """What is paid back of a charge: all of it, or too little, too much, or all of it twice."""
        if self.strike_bill("refund_twice"):
            return price, price
        if self.strike_bill("refund_oversized"):
            return (price + self._bill_dice.randrange(1, 2 * price),)
        return (self._bill_dice.randrange(1, price),) if self.strike_bill("refund_partial") else (price,)

    def _outputs(self, images: int) -> int:
        if images > 1 and self.strike("fewer_outputs"):
            return images - 1
        return images + 1 if self.strike("more_outputs") else images

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
        """Our accepted and unfinished tasks, but for some: what the account's concurrency limit counts."""
        now = self.now()
        return sum(1 for task in self.ours() if task.created <= now < task.ends and task.id not in without)

    def expired(self, task: SimulatedTask) -> bool:
        return self.now() > task.created + self.plan.retention_seconds

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
