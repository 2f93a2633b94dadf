"""What reconciling compares, and what it found."""

from collections import Counter
from dataclasses import dataclass, field

from orchestrator.actions.reconciling.matching import UnmatchedTask
from orchestrator.core.bill_size import Basis, Size
from orchestrator.ports import BillingRecord, Prediction
from orchestrator.store.money.caps import Cap


@dataclass(frozen=True, slots=True)
class UnlikeBill:
    """Tasks of a model that were billed so much, unlike what was held, and to which nobody has agreed."""

    model: str
    held_micros: int
    billed_micros: int
    size: Size  # usual: dearer than the drift that stops nobody, and booked


@dataclass(slots=True)
class Reconciliation:
    """What agrees and what does not, in micros where it is money."""

    start_ms: int
    end_ms: int
    readable: bool = True  # the provider's list and bill could be read whole
    matched: int = 0
    matched_micros: int = 0
    adjusted: list[tuple[int, int]] = field(default_factory=list)  # attempt, by how much our cost was off
    surplus: list[tuple[str, int]] = field(default_factory=list)  # prediction, paid back beyond its charge
    set_aside: list[str] = field(
        default_factory=list
    )  # our predictions whose sums on the bill cannot be right
    unlike: Counter[UnlikeBill] = field(default_factory=Counter)  # and how many tasks
    differing: int = 0  # tasks that were billed another sum than was held, agreed to or not
    differing_micros: int = 0  # by how much more, in all
    counted_as_agreed: int = 0  # of these, tasks for which a person has agreed that the held sum counts
    basis: Basis = Basis.UNKNOWN  # what the balance shows, where a charge is implausible
    accepted: int = 0  # tasks whose bill a person has just agreed to
    resumed: list[str] = field(default_factory=list)  # models that go on by that
    passed: list[Cap] = field(default_factory=list)  # caps under which more counts than they allow
    other_charges: int = 0  # records of the bill that are about no task
    other_charges_micros: int = 0
    skipped: int = 0  # entries of the list with an id that no task can have
    refunds_seen: int = 0
    refunds_due: int = 0
    refunds_due_micros: int = 0
    unbilled: list[str] = field(default_factory=list)  # our predictions that the bill does not mention
    adopted: list[tuple[str, int]] = field(default_factory=list)  # prediction, job that wanted just this
    possible: list[UnmatchedTask] = field(default_factory=list)  # listed, and nobody has it: a person decides
    unknown: list[Prediction] = field(default_factory=list)  # not ours, as a person says: now noted
    billed_unknown: list[BillingRecord] = field(
        default_factory=list
    )  # billed, and neither known nor noted before
    in_doubt: bool = False
    mark: tuple[str | None, int] = (None, 0)  # database and highest attempt, once no task is unknown
    vouched: bool = (
        False  # by its mark, the database has forgotten nothing: what no job wants is other people's
    )
    balance_micros: int | None = None

    @property
    def to_decide(self) -> list[UnmatchedTask]:
        """Tasks that a person should decide on: a job may pay again for one."""
        return [item for item in self.possible if item.jobs or not self.vouched]

    @property
    def strangers(self) -> int:
        """Tasks of other people on the account, as far as the database can vouch for itself."""
        return len(self.possible) - len(self.to_decide)

    @property
    def agrees(self) -> bool:
        """Whether nothing needs a person."""
        return self.readable and not (
            self.to_decide
            or self.unknown
            or (self.billed_unknown and not self.vouched)
            or self.unbilled
            or self.surplus
            or self.set_aside
            or self.unlike
            or self.passed
            or self.in_doubt
        )


@dataclass(frozen=True, slots=True)
class Period:
    """What to compare, and how."""

    start_ms: int
    end_ms: int
    base_url: str  # of the provider, which hosts our inputs
    timezone: str  # of the budgets' days
    drift_percent: float = 1.0  # by which a bill may be dearer than what was held
