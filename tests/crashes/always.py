"""What must hold at every moment: the provider's bill against the database against the files."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crashes.reader import StoreReader
from crashes.stage import CONCURRENCY, Scenario
from crashes.verdict import Judgement

TEMP_FOLDER = ".orchestrator-tmp"
MARK_FOLDER = ".orchestrator"


def judge_limits(verdict: Judgement, bill: Mapping[str, Any], scenario: Scenario) -> None:
    charged, cap = bill["charged_micros"], scenario.cap_micros
    verdict.blame(charged <= cap, f"the bill is {charged} micros, the cap was {cap}")
    verdict.blame(bill["max_concurrency"] <= CONCURRENCY, f"{bill['max_concurrency']} tasks at one time")
    verdict.blame(not bill["authorization_leaks"], f"the key went to {bill['authorization_leaks']}")


def judge_final_names(verdict: Judgement, outputs: Path, bill: Mapping[str, Any]) -> None:
    made = {digest for task in bill["tasks"] for digest in task["output_sha256"].values()}
    for path in files_in(outputs):
        if path.suffix != ".json":
            verdict.blame(digest_of(path) in made, f"{path} is not one of the provider's pictures")


def judge_money(verdict: Judgement, reader: StoreReader) -> None:
    """The ledger, its sums by scope, the reservations and the caps."""
    ledger: Counter[tuple[str, int]] = Counter()
    total = Counter[str]()
    for row in reader.rows(
        "SELECT run_id, campaign_id, sum(spent_delta) AS spent, sum(held_delta) AS held,"
        " sum(refund_due_delta) AS due FROM ledger GROUP BY run_id, campaign_id"
    ):
        for name in ("spent", "held", "due"):
            total[name] += int(row[name])
            for scope in ("account:0", f"campaign:{row['campaign_id']}", f"run:{row['run_id']}"):
                ledger[scope, name] += int(row[name])
    for row in reader.rows("SELECT * FROM balances WHERE period = 'total'"):
        scope = f"{row['scope']}:{row['scope_id']}"
        kept = (row["spent_micros"], row["held_micros"], row["refund_due_micros"])
        sums = tuple(ledger.pop((scope, name), 0) for name in ("spent", "held", "due"))
        verdict.blame(kept == sums, f"the balance of {scope} is {kept}, the ledger says {sums}")
    left = {key: micros for key, micros in ledger.items() if micros}
    verdict.blame(not left, f"the ledger has money that no balance has: {left}")
    for row in reader.rows(
        "SELECT budgets.scope, budgets.scope_id, cap_micros,"
        " spent_micros + held_micros + refund_due_micros AS counted FROM budgets JOIN balances"
        " ON balances.scope = budgets.scope AND balances.scope_id = budgets.scope_id AND period = 'total'"
        " WHERE budgets.\"window\" = 'total' AND spent_micros + held_micros + refund_due_micros > cap_micros"
    ):
        verdict.problems.append(f"counted beyond the cap: {row}")
    for name, state in (("held", "held"), ("due", "refund_due")):
        (row,) = reader.rows(
            f"SELECT coalesce(sum(price_micros), 0) AS micros FROM attempts WHERE reservation = '{state}'"
        )
        verdict.blame(
            row["micros"] == total[name], f"{name}: reservations {row['micros']}, ledger {total[name]}"
        )
    twice = reader.rows(
        "SELECT attempt_id, count(*) AS ends FROM ledger WHERE held_delta < 0 GROUP BY attempt_id HAVING "
        "count(*) > 1"
    )
    verdict.blame(not twice, f"reservations that ended more than once: {twice}")


def judge_intents(verdict: Judgement, reader: StoreReader, bill: Mapping[str, Any]) -> None:
    """At most one POST for each intent; by prompt, since an intent has no name that the provider sees.

    The books must not be older than the bill.
    """
    intended = {
        row["prompt"]: row["intents"]
        for row in reader.rows(
            "SELECT params ->> 'prompt' AS prompt, count(*) AS intents FROM attempts"
            " JOIN job_specs USING (job_id) WHERE submitted_at IS NOT NULL GROUP BY params ->> 'prompt'"
        )
    }
    made = Counter(task["inputs"]["prompt"] for task in bill["tasks"])
    for prompt, count in made.items():
        allowed = intended.get(prompt, 0)
        verdict.blame(count <= allowed, f"{prompt!r}: {allowed} intents, {count} tasks")
    sent, allowed = len(bill["posts"]), sum(intended.values())
    verdict.blame(sent <= allowed, f"{allowed} intents, {sent} requests")


def files_in(outputs: Path) -> list[Path]:
    """Every file but for temporary ones, marks, and the page of a run, which `run` writes anew each time."""
    found = (path for path in outputs.rglob("*") if path.is_file()) if outputs.exists() else ()
    return [
        path
        for path in found
        if not {TEMP_FOLDER, MARK_FOLDER} & set(path.parts)
        and not (path.parent == outputs and ".html" in path.suffixes)
    ]


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
