"""The soak's judges find what they are there to find."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crashes.processes import Processes
from crashes.reader import SqliteStore
from crashes.stage import MIXED, staged
from crashes.verdict import Judgement

from orchestrator.sandbox.faults.names import Fault
from orchestrator.sandbox.faults.script import parse_faults
from soak import inspector
from soak.outcome import Outcome
from soak.parameters import CONCURRENCY, NEVER, SUBMITS_PER_MINUTE, fault_words

Bill = dict[str, Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteStore, Bill]]:
    folder: Path = tmp_path_factory.mktemp("soak") / "stage"
    with Processes() as processes, staged(processes, folder, MIXED) as stage:
        assert stage.worker().wait() == MIXED.exit_code, stage.log()
        yield SqliteStore(folder / "orchestrator.db"), stage.bill()


def judged(store: SqliteStore, bill: Bill) -> Judgement:
    verdict = Judgement()
    with store.opened() as reader:
        inspector.judge_running(verdict=verdict, reader=reader, before=bill, after=bill)
    return verdict


def good(bill: Bill) -> dict[str, Any]:
    return next(task for task in bill["tasks"] if task["status"] == "completed")


def pay_twice(bill: Bill) -> None:
    bill["tasks"] += [{**good(bill), "id": letter * 32} for letter in "ef"]


def lose_a_task(bill: Bill) -> None:
    good(bill)["id"] = "0" * 32


def pass_the_rate(bill: Bill) -> None:
    bill["max_posts_per_minute"] = SUBMITS_PER_MINUTE + 1


def pass_the_slots(bill: Bill) -> None:
    bill["max_concurrency"] = CONCURRENCY + 1


def take_more_than_we_count(bill: Bill) -> None:
    bill["charged_micros"] += 1_000_000


@pytest.mark.parametrize(
    ("breach", "found"),
    [
        (pay_twice, "was paid"),
        (lose_a_task, "are unknown"),
        (pass_the_rate, "submits in 60 s"),
        (pass_the_slots, "tasks at one time"),
        (take_more_than_we_count, "our books count"),
    ],
)
def test_a_breach_fails_the_soak(breach: Callable[[Bill], None], found: str, finished):
    store, bill = finished
    spoiled = copy.deepcopy(bill)
    assert Outcome(judged(store, spoiled)).passed
    breach(spoiled)
    outcome = Outcome(judged(store, spoiled))
    assert not outcome.passed
    assert found in "\n".join(outcome.verdict.problems)


def test_every_fault_but_endless_ones_strikes_in_a_soak():
    rates = parse_faults(fault_words(0.03)).rates
    assert set(rates) == set(Fault) - NEVER
    assert min(rates.values()) > 0
