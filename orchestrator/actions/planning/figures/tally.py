"""What the jobs of a manifest have in common: counted while they are planned, so that no job is kept.

Of each job that is to be paid, four small numbers stay (20 bytes): enough to say what a cap lets through,
what each value of an axis costs, and what could be left out.
"""

from array import array
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from orchestrator.core.specs import JobSpec
from orchestrator.core.states import JobState

NAMED_MAX: Final = 100_000
"""So many products are known by name; beyond them, a name that comes back is taken for another product."""

KINDS_MAX: Final = 5_000
"""With more kinds of jobs than this nobody wants to read what each costs."""

Pairs = tuple[tuple[str, str], ...]


class JobKind(NamedTuple):
    """What jobs have in common that cost the same and differ by nothing but their product."""

    variation: int
    at: str  # the value of the parameter that decides the price
    digest: str  # of the inputs that decide the price
    list_micros: int
    images: int
    values: Pairs  # of every axis but the covered one
    stage: str = ""  # empty: what the manifest itself asks for


class Product(NamedTuple):
    """The jobs of one product."""

    to_pay: int
    there: int  # made, or being made
    lost: int  # failed or cancelled: nothing makes them by itself


class Tally:
    """Counts the jobs of one manifest in the order of the walk."""

    def __init__(self, cover: str = "", priced_by: str = "") -> None:
        """`cover` is the name of the axis whose values are products; `priced_by` that of the parameter that
        decides the price.
        """
        self.cover = cover
        self._priced_by = priced_by
        self.rounds = array("i")
        self.products = array("i")
        self.kinds = array("i")
        self.ordinals = array("q")
        self.kind_of: list[JobKind] = []
        self.merged: Mapping[int, Pairs] = {}  # jobs that several rows ask for, and what all those rows have
        self.settled = 0  # jobs that need no money now: made, being made, or given up
        self._kinds: dict[JobKind, int] = {}
        self._places: dict[str, int] = {}
        self._last = ("", -1)
        self._to_pay, self._there, self._lost = array("i"), array("i"), array("i")

    def add(self, spec: JobSpec, state: str | None) -> None:
        """Count a job; `state` is None while the run does not have it."""
        product = self._product(spec)
        if state not in {None, JobState.PENDING}:
            made = state in {JobState.SUCCEEDED, JobState.RUNNING, JobState.REUSED}
            self.settled += 1
            (self._there if made else self._lost)[product] += 1
            return
        self._to_pay[product] += 1
        self.rounds.append(spec.round or spec.variation)
        self.products.append(product)
        self.ordinals.append(spec.ordinal)
        self.kinds.append(self._kind(spec))

    def of(self, product: int) -> Product:
        """The jobs of a product by its number."""
        return Product(self._to_pay[product], self._there[product], self._lost[product])

    @property
    def size(self) -> int:
        """How many products there are."""
        return len(self._to_pay)

    def stages(self) -> list[str]:
        """The stages of jobs that are to be paid, the manifest's own as an empty name."""
        return list(dict.fromkeys(kind.stage for kind in self.kind_of))

    def prices(self, micros: Callable[[str, int], int]) -> list[int]:
        """The price of one job of each kind, in the order of `kind_of`."""
        return [micros(kind.digest, kind.list_micros) for kind in self.kind_of]

    def _kind(self, spec: JobSpec) -> int:
        values = tuple(pair for pair in spec.axes if pair[0] != self.cover)
        kind = JobKind(
            variation=spec.variation,
            at=str(spec.params.get(self._priced_by, "")),
            digest=spec.priced_by,
            list_micros=spec.price_micros,
            images=spec.images,
            values=values,
            stage=spec.stage,
        )
        found = self._kinds.get(kind)
        if found is None and len(self._kinds) >= KINDS_MAX:
            kind = kind._replace(values=())  # too many to tell apart: only what decides the price stays
            found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = len(self.kind_of)
            self.kind_of.append(kind)
        return found

    @property
    def told_apart(self) -> bool:
        """Whether every job is counted under all of its values."""
        return len(self._kinds) < KINDS_MAX

    def _product(self, spec: JobSpec) -> int:
        name = next((label for axis, label in spec.axes if axis == self.cover), "")
        if name == self._last[0] and self._last[1] >= 0:
            return self._last[1]
        place = self._places.get(name)
        if place is None:
            place = len(self._to_pay)
            for counts in (self._to_pay, self._there, self._lost):
                counts.append(0)
            if place < NAMED_MAX:
                self._places[name] = place
        self._last = (name, place)
        return place
