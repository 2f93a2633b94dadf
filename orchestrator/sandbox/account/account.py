"""The account's money: a charge when a task is created, a refund some time after it failed. Integer
micros.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Entry:
    """A charge (`deduct`) or a refund: what, for which task, when."""

    id: str
    kind: str
    task_id: str
    micros: int
    at_ms: int


class Account:
    """A balance with its entries. Refunds become entries when their time has come, in the order of their
    times.
    """

    def __init__(self, balance_micros: int) -> None:
        self.starting_micros = balance_micros
        self.balance_micros = balance_micros
        self.charges: list[Entry] = []
        self.refunds: list[Entry] = []
        self._due: list[tuple[int, int, Entry]] = []
        self._promised = 0

    def can_pay(self, micros: int) -> bool:
        """Whether the balance covers this much."""
        return self.balance_micros >= micros

    def charge(self, entry: Entry) -> None:
        """Take a charge from the balance."""
        self.balance_micros -= entry.micros
        self.charges.append(entry)

    def promise_refund(self, entry: Entry) -> None:
        """A refund will be paid at the entry's time."""
        self._promised += 1
        heappush(self._due, (entry.at_ms, self._promised, entry))

    def pay_refunds(self, now_ms: int) -> Iterator[Entry]:
        """Pay the refunds whose time has come; gives each as it is paid."""
        while self._due and self._due[0][0] <= now_ms:
            entry = heappop(self._due)[2]
            self.balance_micros += entry.micros
            self.refunds.append(entry)
            yield entry

    @property
    def refunds_due_micros(self) -> int:
        """What is promised and not yet paid."""
        return sum(entry.micros for _at, _order, entry in self._due)

    def top_up(self, micros: int) -> None:
        """Add credit; it counts as part of what the account started with."""
        self.starting_micros += micros
        self.balance_micros += micros
