"""Reading the provider's lists whole: page after page, with a bound, and knowing whether it was all."""

from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, TypeVar

from orchestrator.ports import (
    BillingPage,
    BillingRecord,
    Clock,
    KeyRefused,
    Lost,
    NotSent,
    OtherCharge,
    Prediction,
    PredictionPage,
    Provider,
    Rejected,
    Throttled,
)

Outcome = TypeVar("Outcome")

DAY_MS: Final = 86_400_000

PAGES_MAX: Final = 400
"""Pages of 100 read at most; a window with more is not fully known."""

PAGE_TRIES_MAX: Final = 5
PAGE_WAIT_SECONDS_MAX: Final = 4.0
"""A busy account has hundreds of pages around a lost reply: if one that fails spoiled the rest, few lists
would ever be read whole, and doubts would gather faster than they end."""


@dataclass(slots=True)
class Listing:
    """Predictions of the account in a window."""

    predictions: dict[str, Prediction] = field(default_factory=dict)
    complete: bool = False
    skipped: set[tuple[str, str]] = field(default_factory=set)  # id and model of entries that are no task

    def hides(self, models: Container[str]) -> bool:
        """Whether an entry that was skipped may be of one of these models: then it is not read whole."""
        return any(not model or model in models for _, model in self.skipped)


class Billed(NamedTuple):
    """The sums of one prediction's records, in micros."""

    deducted_micros: int = 0
    refunded_micros: int = 0


class BillPart(NamedTuple):
    """What one task was charged or paid back on a day before the last such day, in micros."""

    refund: bool
    at_ms: int
    micros: int


class BillTimes(NamedTuple):
    """When, by the provider's clock, a task was charged and paid back last, and what of it was so on other
    UTC days; None where no record says so.
    """

    charged_at_ms: int | None = None
    refunded_at_ms: int | None = None
    parts: tuple[BillPart, ...] = ()


NO_TIMES: Final = BillTimes()
RecordKey = tuple[object, ...]


@dataclass(slots=True)
class Bill:
    """Billing records of the account in a window, each of them once."""

    complete: bool = False
    refused: bool = False  # the account may not read its bill: asking again is no use
    others: dict[str, OtherCharge] = field(default_factory=dict)  # by record id: about no task
    _by_key: dict[RecordKey, BillingRecord] = field(default_factory=dict)

    @property
    def records(self) -> list[BillingRecord]:
        """The records in the order in which they were first read."""
        return list(self._by_key.values())

    @property
    def others_micros(self) -> int:
        """What charges about no task come to."""
        return sum(other.micros for other in self.others.values())

    def add(self, page: Iterable[BillingRecord], others: Iterable[OtherCharge] = ()) -> None:
        """Take in a page. The list moves while it is read, so a record may be on two pages, and counts once.

        A record that has no id is known by its fields; those that are alike on one page are as many records.
        """
        alike: Counter[RecordKey] = Counter()
        for other in others:
            self.others[other.id or f"without id {len(self.others)}"] = other
        for record in page:
            key: RecordKey = (record.id, record.kind, record.prediction_id)
            if not record.id:
                key = (*key, record.micros, record.created_at_ms)
                alike[key] += 1
                key = (*key, alike[key])
            self._by_key[key] = record

    def by_prediction(self) -> dict[str, Billed]:
        """What was deducted and paid back for each prediction that the bill mentions."""
        sums: dict[str, Billed] = {}
        for record in self._by_key.values():
            deducted, refunded = sums.get(record.prediction_id, Billed())
            if record.kind == "refund":
                refunded += record.micros
            else:
                deducted += record.micros
            sums[record.prediction_id] = Billed(deducted, refunded)
        return sums

    def times(self) -> dict[str, BillTimes]:
        """When each prediction that the bill mentions was charged and paid back."""
        records: dict[str, list[BillingRecord]] = {}
        for record in self._by_key.values():
            records.setdefault(record.prediction_id, []).append(record)
        return {prediction_id: _times_of(found) for prediction_id, found in records.items()}

    def keyed(self) -> dict[str, BillingRecord]:
        """The records, each by what it is known by, as text."""
        return {"/".join(map(str, key)): record for key, record in self._by_key.items()}


def _times_of(records: Iterable[BillingRecord]) -> BillTimes:
    last: dict[bool, int | None] = {False: None, True: None}
    parts: list[BillPart] = []
    for refund in (False, True):
        by_day: dict[int, BillPart] = {}
        for record in records:
            if record.created_at_ms is not None and (record.kind == "refund") is refund:
                day = record.created_at_ms // DAY_MS
                _, at_ms, micros = by_day.get(day, BillPart(refund, 0, 0))
                by_day[day] = BillPart(refund, max(at_ms, record.created_at_ms), micros + record.micros)
        if by_day:
            last[refund] = by_day.pop(max(by_day)).at_ms
            parts += [by_day[day] for day in sorted(by_day)]
    return BillTimes(last[False], last[True], tuple(parts))


async def list_all(
    provider: Provider, clock: Clock, *, after_ms: int, before_ms: int, include_inputs: bool = True
) -> Listing | None:
    """Every prediction created in the window, with inputs where the provider shows them; None when a page
    kept failing.
    """
    listing = Listing()
    for page in range(1, PAGES_MAX + 1):
        outcome = await _patiently(
            clock,
            partial(
                provider.list_predictions,
                model=None,
                created_after_ms=after_ms,
                created_before_ms=before_ms,
                page=page,
                include_inputs=include_inputs,
            ),
        )
        if not isinstance(outcome, PredictionPage):
            return None
        listing.predictions.update({item.id: item for item in outcome.items})
        listing.skipped.update(outcome.skipped)
        if not outcome.has_more:
            listing.complete = True
            break
    return listing


async def bill_all(
    provider: Provider, clock: Clock, *, start_ms: int, end_ms: int, prediction_ids: tuple[str, ...] = ()
) -> Bill | None:
    """Every billing record of the window (of these predictions, when given); None when a page kept
    failing.
    """
    bill = Bill()
    for page in range(1, PAGES_MAX + 1):
        outcome = await _patiently(
            clock,
            partial(
                provider.billing, start_ms=start_ms, end_ms=end_ms, prediction_ids=prediction_ids, page=page
            ),
        )
        if isinstance(outcome, KeyRefused | Rejected):
            return Bill(refused=True)
        if not isinstance(outcome, BillingPage):
            return None
        bill.add(outcome.items, outcome.others)
        if not outcome.has_more:
            bill.complete = True
            break
    return bill


async def _patiently(clock: Clock, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """The answer; one that never came is asked for again, which for reading is harmless."""
    wait = PAGE_WAIT_SECONDS_MAX / 2 ** (PAGE_TRIES_MAX - 2)
    for _ in range(PAGE_TRIES_MAX - 1):
        outcome = await ask()
        if not isinstance(outcome, Lost | NotSent | Throttled):
            return outcome
        await clock.sleep(wait)
        wait *= 2
    return await ask()
