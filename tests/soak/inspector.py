"""Looking at a running soak from outside: the provider's account, our books, and what the processes use."""

import statistics
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crashes.always import judge_intents, judge_money
from crashes.reader import StoreReader
from crashes.verdict import Judgement

from soak.meter import descriptors, memory_mb
from soak.parameters import CONCURRENCY, SUBMITS_PER_MINUTE


def judge_account(verdict: Judgement, bill: Mapping[str, Any]) -> None:
    """What the provider's own account says of rates and slots, in any minute and at any moment so far."""
    posts, at_once = bill["max_posts_per_minute"], bill["max_concurrency"]
    verdict.blame(posts <= SUBMITS_PER_MINUTE, f"{posts} submits in 60 s, {SUBMITS_PER_MINUTE} are allowed")
    verdict.blame(at_once <= CONCURRENCY, f"{at_once} tasks at one time, {CONCURRENCY} are allowed")
    verdict.blame(not bill["authorization_leaks"], f"the key went to {bill['authorization_leaks']}")


def judge_running(
    verdict: Judgement, reader: StoreReader, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """What must hold in the middle of it all. The books were read between the two bills."""
    verdict.problems += reader.damage()
    judge_account(verdict, after)
    judge_money(verdict, reader)
    judge_intents(verdict, reader, before)
    _paid_once(verdict, reader, before)
    _nothing_unknown(verdict, reader, before)
    _caps_hold_at_the_provider(verdict=verdict, reader=reader, before=before, after=after)


def _paid_once(verdict: Judgement, reader: StoreReader, bill: Mapping[str, Any]) -> None:
    """No more good tasks for a prompt than there are jobs that ask for it."""
    wanted = {
        row["prompt"]: row["jobs"]
        for row in reader.rows(
            "SELECT params ->> 'prompt' AS prompt, count(*) AS jobs FROM job_specs GROUP BY params ->> "
            "'prompt'"
        )
    }
    good = Counter(
        task["inputs"]["prompt"]
        for task in bill["tasks"]
        if task["status"] == "completed" and task["outputs"]
    )
    for prompt, count in good.items():
        if count > wanted.get(prompt, 0):
            verdict.double_billed += count - wanted.get(prompt, 0)
            verdict.problems.append(f"{prompt!r} was paid {count} times for {wanted.get(prompt, 0)} jobs")


def _nothing_unknown(verdict: Judgement, reader: StoreReader, bill: Mapping[str, Any]) -> None:
    """A task that our books do not know must be one that an open request of ours may have created."""
    known = {
        row["prediction_id"]
        for row in reader.rows("SELECT prediction_id FROM attempts WHERE prediction_id IS NOT NULL")
    }
    open_requests = Counter(
        {
            row["prompt"]: row["open"]
            for row in reader.rows(
                "SELECT params ->> 'prompt' AS prompt, count(*) AS open FROM attempts JOIN job_specs USING "
                "(job_id) WHERE state IN ('submitting', 'in_doubt') GROUP BY params ->> 'prompt'"
            )
        }
    )
    unknown = Counter(task["inputs"]["prompt"] for task in bill["tasks"] if task["id"] not in known)
    for prompt, count in unknown.items():
        if count > open_requests[prompt]:
            verdict.lost += count - open_requests[prompt]
            verdict.problems.append(
                f"{count} tasks for {prompt!r} are unknown, {open_requests[prompt]} requests are open"
            )


def _caps_hold_at_the_provider(
    verdict: Judgement, reader: StoreReader, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """What was charged less what was paid back never passes what we count, and that never passes a cap."""
    (row,) = reader.rows(
        "SELECT coalesce(sum(spent_delta + held_delta + refund_due_delta), 0) AS counted FROM ledger"
    )
    net = before["charged_micros"] - after["refunded_micros"]
    verdict.blame(
        net <= row["counted"], f"the provider has taken {net} micros, our books count {row['counted']}"
    )
    caps = reader.rows("SELECT cap_micros FROM budgets WHERE scope = 'account' AND \"window\" = 'total'")
    for cap in caps:
        verdict.blame(
            net <= cap["cap_micros"], f"the provider has taken {net} micros, the cap is {cap['cap_micros']}"
        )


# --- figures ------------------------------------------------------------------------------------------------


class ClaimTimes:
    """The workers write how long each claim took; this reads what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def fresh_p95_ms(self) -> float | None:
        """Of the claims since the last call; None for fewer than two."""
        if not self._path.exists():
            return None
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        times = [float(line) for line in whole.split()]
        return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else None


def counts(reader: StoreReader) -> dict[str, int]:
    """Jobs by state, and attempts that are under way."""
    found = {
        row["state"]: int(row["n"])
        for row in reader.rows("SELECT state, count(*) AS n FROM jobs GROUP BY state")
    }
    for row in reader.rows(
        "SELECT state, count(*) AS n FROM attempts WHERE finished_at IS NULL GROUP BY state"
    ):
        found[f"attempts {row['state']}"] = int(row["n"])
    return found


def database_sizes(reader: StoreReader) -> dict[str, float]:
    """Megabytes of a server's database and of its log; nothing for a file."""
    try:
        (row,) = reader.rows(
            "SELECT pg_database_size(current_database()) AS data, (SELECT sum(size) FROM pg_ls_waldir()) AS "
            "log"
        )
    except Exception:
        return {}
    return {"database_mb": int(row["data"]) / 1e6, "wal_mb": int(row["log"]) / 1e6}


def usage(pids: list[int]) -> list[dict[str, float]]:
    """Memory and descriptors of each worker."""
    return [{"rss_mb": round(memory_mb(pid), 1), "descriptors": descriptors(pid)} for pid in pids]


def clock() -> float:
    """Seconds, for durations."""
    return time.monotonic()
