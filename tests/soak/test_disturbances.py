"""People of a soak try again what a crashed database refused, and stop when it worked."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from soak.crew import Crew
from soak.disturbances import Disturbances
from soak.meter import Meter
from soak.parameters import Parameters


@dataclass
class Ended:
    """A command that has ended."""

    code: int

    def poll(self) -> int:
        return self.code

    wait = poll


@dataclass
class Office:
    """A site where commands end as told, then well."""

    codes: list[int]
    asked: list[tuple[str, ...]] = field(default_factory=list)
    commands: list[Any] = field(default_factory=list)
    server: Any = None
    faults: Any = None
    lines: tuple[Any, ...] = ()

    def command(self, *arguments: str) -> Ended:
        self.asked.append(arguments)
        return Ended(self.codes.pop(0) if self.codes else 0)

    def mend(self) -> None:
        """Nothing is broken here."""

    def control(self, faults: Any) -> None:
        self.faults = faults


def disturbances_at(office: Office) -> Disturbances:
    dice = random.Random(1)
    return Disturbances(
        parameters=Parameters(minutes=60, workers=3, database="sqlite", faults=0.03, seed=1, plant=""),
        site=office,
        crew=Crew(office, dice),
        meter=Meter(),
        dice=dice,
    )  # type: ignore[arg-type]


def all_that_comes_of_it(disturbances: Disturbances) -> None:
    while disturbances._later:
        disturbances._later.pop(0)[1]()


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_a_resume_is_repeated_until_it_has_worked_and_no_longer(failures):
    office = Office([1] * failures)
    disturbances = disturbances_at(office)
    disturbances._resume()
    all_that_comes_of_it(disturbances)
    assert office.asked == [("campaigns", "resume", "bulk")] * (failures + 1)


def test_clearing_up_ends_with_nothing_paused_whatever_failed_before():
    office = Office([1, 1])
    disturbances = disturbances_at(office)
    disturbances._resume()
    disturbances.clear_up()
    assert disturbances._later == []
    assert office.asked[-1] == ("campaigns", "resume", "bulk")
    assert office.codes == []
    assert office.faults == []
