"""The judge: the provider's bill against the database against the files. It uses nothing of the program's own code."""

import hashlib
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crashes.stage import CONCURRENCY, Scenario

TEMP_FOLDER = ".orchestrator-tmp"
LIVE = ("leased", "submitting", "in_flight", "fetching", "in_doubt")


@dataclass
class Verdict:
    """What was found. `problems` is empty when all is well."""

    problems: list[str] = field(default_factory=list)
    double_billed: int = 0  # paid tasks beyond what the attempts of a job were entitled to
    lost: int = 0  # accepted tasks that nobody knows, and paid pictures that are not on disk
    doubted: int = 0  # attempts whose reply was lost, by a kill or a fault
    tasks: int = 0
    pictures: int = 0

    def blame(self, truth: bool, problem: str) -> None:
        """Note a problem unless `truth` holds."""
        if not truth:
            self.problems.append(problem)

    def __iadd__(self, other: "Verdict") -> "Verdict":
        self.problems += other.problems
        for name in ("double_billed", "lost", "doubted", "tasks", "pictures"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@contextmanager
def opened(database: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the database as it lies there: looking must not recover what the next worker is to recover."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        for suffix in ("", "-wal"):
            if (source := database.with_name(database.name + suffix)).exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as conn:
            conn.row_factory = sqlite3.Row
            yield conn


def judge_moment(database: Path, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Verdict:
    """What must hold at every moment, just after a kill too."""
    verdict = Verdict()
    _limits(verdict, bill, scenario)
    _final_names_are_complete(verdict, outputs, bill)
    if not database.exists():
        verdict.blame(not bill["posts"], "something was sent before there was a database")
        return verdict
    with opened(database) as conn:
        _healthy(verdict, conn)
        if not _rows(conn, "SELECT 1 FROM sqlite_master WHERE name = 'attempts'"):
            verdict.blame(not bill["posts"], "something was sent before there were tables")
            return verdict
        _books(verdict, conn, scenario)
        _posts_were_intended(verdict, conn, bill)
    return verdict


def judge_end(database: Path, outputs: Path, bill: Mapping[str, Any], scenario: Scenario) -> Verdict:
    """What must hold after a worker that nobody killed has left."""
    verdict = judge_moment(database, outputs, bill, scenario)
    verdict.tasks = len(bill["tasks"])
    with opened(database) as conn:
        _everything_ended(verdict, conn, scenario)
        _tasks_are_known(verdict, conn, bill)
        _money_agrees(verdict, conn, bill)
        _pictures_agree(verdict, conn, outputs, bill)
    return verdict


# --- at every moment ---------------------------------------------------------------------------------------------------


def _limits(verdict: Verdict, bill: Mapping[str, Any], scenario: Scenario) -> None:
    charged, cap = bill["charged_micros"], scenario.cap_micros
    verdict.blame(charged <= cap, f"the bill is {charged} micros, the cap was {cap}")
    verdict.blame(bill["max_concurrency"] <= CONCURRENCY, f"{bill['max_concurrency']} tasks at one time")
    verdict.blame(not bill["authorization_leaks"], f"the key went to {bill['authorization_leaks']}")


def _final_names_are_complete(verdict: Verdict, outputs: Path, bill: Mapping[str, Any]) -> None:
    made = {digest for task in bill["tasks"] for digest in task["output_sha256"].values()}
    for path in _files(outputs):
        if path.suffix != ".json":
            verdict.blame(_digest(path) in made, f"{path} is not one of the provider's pictures")


def _healthy(verdict: Verdict, conn: sqlite3.Connection) -> None:
    try:
        (answer,) = conn.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        answer = error
    verdict.blame(answer == "ok", f"integrity_check: {answer}")
    verdict.blame(not _rows(conn, "PRAGMA foreign_key_check"), "a foreign key points nowhere")


def _books(verdict: Verdict, conn: sqlite3.Connection, scenario: Scenario) -> None:
    """The ledger, its sums, the reservations and the cap."""
    (ledger,) = _rows(
        conn,
        "SELECT coalesce(sum(spent_delta), 0) AS spent, coalesce(sum(held_delta), 0) AS held,"
        " coalesce(sum(refund_due_delta), 0) AS due FROM ledger",
    )
    sums = tuple(ledger)
    total = "SELECT spent_micros, held_micros, refund_due_micros FROM balances WHERE period = 'total'"
    for scope in ("account", "run"):
        rows = _rows(conn, f"{total} AND scope = '{scope}'")
        kept = tuple(rows[0]) if rows else (0, 0, 0)
        verdict.blame(kept == sums, f"the {scope} balance is {kept}, the ledger says {sums}")
    verdict.blame(sum(sums) <= scenario.cap_micros, f"{sums} counts more than the cap {scenario.cap_micros}")
    for name, state in (("held", "held"), ("due", "refund_due")):
        (row,) = _rows(
            conn,
            f"SELECT coalesce(sum(price_micros), 0) AS micros FROM attempts WHERE reservation = '{state}'",
        )
        verdict.blame(
            row["micros"] == ledger[name], f"{name}: reservations {row['micros']}, ledger {ledger[name]}"
        )
    ends = Counter(
        row["attempt_id"] for row in _rows(conn, "SELECT attempt_id FROM ledger WHERE held_delta < 0")
    )
    verdict.blame(max(ends.values(), default=1) == 1, f"reservations that ended more than once: {ends}")


def _posts_were_intended(verdict: Verdict, conn: sqlite3.Connection, bill: Mapping[str, Any]) -> None:
    """At most one POST for each intent; by prompt, since an intent has no name that the provider sees."""
    intended = Counter(
        row["prompt"]
        for row in _rows(
            conn,
            "SELECT json_extract(params, '$.prompt') AS prompt FROM attempts JOIN job_specs USING (job_id)"
            " WHERE submitted_at IS NOT NULL",
        )
    )
    made = Counter(task["inputs"]["prompt"] for task in bill["tasks"])
    for prompt, count in made.items():
        verdict.blame(count <= intended[prompt], f"{prompt!r}: {intended[prompt]} intents, {count} tasks")
    verdict.blame(
        len(bill["posts"]) <= intended.total(), f"{intended.total()} intents, {len(bill['posts'])} requests"
    )


# --- at the end --------------------------------------------------------------------------------------------------------


def _everything_ended(verdict: Verdict, conn: sqlite3.Connection, scenario: Scenario) -> None:
    jobs = Counter(row["state"] for row in _rows(conn, "SELECT state FROM jobs"))
    wanted = {
        state: count
        for state, count in (
            ("succeeded", scenario.succeeded),
            ("failed", scenario.failed),
            ("pending", scenario.pending),
        )
        if count
    }
    verdict.blame(dict(jobs) == wanted, f"jobs are {dict(jobs)}, should be {wanted}")
    live = _rows(conn, f"SELECT id, state, reason, message FROM attempts WHERE state IN {LIVE}")
    verdict.blame(not live, f"attempts that have not ended: {[tuple(row) for row in live]}")
    (row,) = _rows(conn, "SELECT count(*) AS doubted FROM attempts WHERE doubted_at IS NOT NULL")
    verdict.doubted = row["doubted"]


def _tasks_are_known(verdict: Verdict, conn: sqlite3.Connection, bill: Mapping[str, Any]) -> None:
    """Each task belongs to one attempt of the job that asked for it, and no job has two good ones."""
    held: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in _rows(
        conn,
        "SELECT prediction_id, attempts.id, attempts.job_id, attempts.state,"
        " json_extract(params, '$.prompt') AS prompt"
        " FROM attempts JOIN job_specs USING (job_id) WHERE prediction_id IS NOT NULL",
    ):
        held[row["prediction_id"]].append(row)
    good: Counter[int] = Counter()
    for task in bill["tasks"]:
        holders = held.pop(task["id"], [])
        if len(holders) != 1:
            verdict.lost += 1
            verdict.problems.append(f"task {task['id']} ({task['status']}) has {len(holders)} attempts")
            continue
        (holder,) = holders
        verdict.blame(
            holder["prompt"] == task["inputs"]["prompt"],
            f"task {task['id']} was adopted by the wrong attempt",
        )
        wanted = "succeeded" if task["status"] == "completed" else "failed"
        verdict.blame(
            holder["state"] == wanted, f"task {task['id']} {task['status']}: attempt {holder['state']}"
        )
        good[holder["job_id"]] += task["status"] == "completed"
    verdict.blame(not held, f"predictions the provider has never made: {sorted(held)}")
    for job_id, count in good.items():
        verdict.double_billed += count - 1 if count else 0
        verdict.blame(count <= 1, f"job {job_id} was paid {count} times")


def _money_agrees(verdict: Verdict, conn: sqlite3.Connection, bill: Mapping[str, Any]) -> None:
    """Spent is what completed tasks cost; nothing is held; what failed is owed or back."""
    (ledger,) = _rows(
        conn,
        "SELECT coalesce(sum(spent_delta), 0) AS spent, coalesce(sum(held_delta), 0) AS held,"
        " coalesce(sum(refund_due_delta), 0) AS due FROM ledger",
    )
    charged = sum(entry["micros"] for entry in bill["charges"])
    completed = sum(task["price_micros"] for task in bill["tasks"] if task["status"] == "completed")
    owed = sum(task["price_micros"] for task in bill["tasks"] if task["status"] != "completed")
    verdict.blame(charged == completed + owed, f"charged {charged}, tasks cost {completed} + {owed}")
    verdict.blame(ledger["spent"] == completed, f"spent {ledger['spent']}, billed {completed}")
    verdict.blame(ledger["held"] == 0, f"{ledger['held']} micros are still held")
    verdict.blame(ledger["due"] <= owed, f"{ledger['due']} are due, the provider owed {owed}")


def _pictures_agree(
    verdict: Verdict, conn: sqlite3.Connection, outputs: Path, bill: Mapping[str, Any]
) -> None:
    rows = _rows(
        conn,
        "SELECT outputs.*, attempts.prediction_id FROM outputs"
        " LEFT JOIN attempts ON attempts.id = outputs.attempt_id WHERE outputs.state NOT IN ('planned')",
    )
    stored = {(row["prediction_id"], row["idx"]): row for row in rows if row["state"] == "stored"}
    named: set[Path] = set()
    for task in bill["tasks"]:
        if task["status"] != "completed":
            continue
        for number in range(task["outputs"]):
            row = stored.get((task["id"], number))
            path = outputs / row["stored_path"] if row is not None else None
            digest = task["output_sha256"].get(str(number))
            if (
                row is None
                or path is None
                or not path.is_file()
                or not digest == row["sha256"] == _digest(path)
            ):
                verdict.lost += 1
                verdict.problems.append(
                    f"picture {number} of task {task['id']} is not on disk as it was made"
                )
                continue
            verdict.pictures += 1
            flagged = bool(task["nsfw"] and task["nsfw"][number])
            verdict.blame(
                (path.relative_to(outputs).parts[0] == "quarantine") == flagged,
                f"{path}: flagged is {flagged}",
            )
            verdict.blame(path.with_name(path.name + ".json").is_file(), f"{path} has no sidecar")
            named |= {path, path.with_name(path.name + ".json")}
    verdict.blame(
        len(stored) == verdict.pictures,
        f"{len(stored)} rows are stored, {verdict.pictures} pictures are right",
    )
    strays = [str(path) for path in _files(outputs) if path not in named]
    verdict.blame(not strays, f"files that nobody asked for: {strays}")
    temporary = [str(path) for path in (outputs / TEMP_FOLDER).glob("*")]
    verdict.blame(not temporary, f"temporary files: {temporary}")


def _rows(conn: sqlite3.Connection, query: str) -> list[sqlite3.Row]:
    return conn.execute(query).fetchall()


def _files(outputs: Path) -> list[Path]:
    found = (path for path in outputs.rglob("*") if path.is_file()) if outputs.exists() else ()
    return [path for path in found if TEMP_FOLDER not in path.parts]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
