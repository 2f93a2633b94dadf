"""The judge: the provider's bill against the database against the files. It uses nothing of the program's
own code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crashes.always import judge_final_names, judge_intents, judge_limits, judge_money
from crashes.at_rest import judge_rest
from crashes.reader import Store, StoreReader
from crashes.stage import Scenario
from crashes.verdict import Judgement


def judge_moment(store: Store, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Judgement:
    """What must hold at every moment, just after a kill too."""
    verdict = Judgement()
    judge_limits(verdict, bill, scenario)
    judge_final_names(verdict, outputs, bill)
    if not store.exists:
        verdict.blame(not bill["posts"], "something was sent before there was a database")
        return verdict
    with store.opened() as reader:
        if damage := reader.damage():
            verdict.problems += damage
            return verdict
        if not reader.has_tables():
            verdict.blame(not bill["posts"], "something was sent before there were tables")
            return verdict
        judge_money(verdict, reader)
        judge_intents(verdict, reader, bill)
    return verdict


def judge_end(store: Store, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Judgement:
    """What must hold after a worker that nobody killed has left."""
    verdict = judge_moment(store=store, outputs=outputs, bill=bill, scenario=scenario)
    verdict.tasks = len(bill["tasks"])
    with store.opened() as reader:
        if reader.damage():
            return verdict
        _jobs_ended_as_planned(verdict, reader, scenario)
        judge_rest(verdict=verdict, reader=reader, outputs=outputs, bill=bill)
    return verdict


def _jobs_ended_as_planned(verdict: Judgement, reader: StoreReader, scenario: Scenario) -> None:
    jobs = {
        row["state"]: row["jobs"]
        for row in reader.rows("SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
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
