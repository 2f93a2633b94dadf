"""The judge: the provider's bill against the database against the files. It uses nothing of the program's own code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crashes.always import judge_books, judge_final_names, judge_intents, judge_limits
from crashes.at_rest import judge_rest
from crashes.books import Books, Store
from crashes.stage import Scenario
from crashes.verdict import Verdict


def judge_moment(store: Store, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Verdict:
    """What must hold at every moment, just after a kill too."""
    verdict = Verdict()
    judge_limits(verdict, bill, scenario)
    judge_final_names(verdict, outputs, bill)
    if not store.exists:
        verdict.blame(not bill["posts"], "something was sent before there was a database")
        return verdict
    with store.opened() as books:
        if damage := books.damage():
            verdict.problems += damage
            return verdict
        if not books.has_tables():
            verdict.blame(not bill["posts"], "something was sent before there were tables")
            return verdict
        judge_books(verdict, books)
        judge_intents(verdict, books, bill)
    return verdict


def judge_end(store: Store, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Verdict:
    """What must hold after a worker that nobody killed has left."""
    verdict = judge_moment(store, outputs, bill, scenario)
    verdict.tasks = len(bill["tasks"])
    with store.opened() as books:
        if books.damage():
            return verdict
        _jobs_ended_as_planned(verdict, books, scenario)
        judge_rest(verdict, books, outputs, bill)
    return verdict


def _jobs_ended_as_planned(verdict: Verdict, books: Books, scenario: Scenario) -> None:
    jobs = {
        row["state"]: row["jobs"]
        for row in books.rows("SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
    }
    wanted = {
        state: count
        for state, count in (
            ("succeeded", scenario.succeeded),
            ("failed", scenario.failed),
            ("pending", scenario.pending),
        )
        if count
    }
    verdict.blame(jobs == wanted, f"jobs are {jobs}, should be {wanted}")
