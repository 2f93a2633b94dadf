"""What must hold when nothing is under way any more: every task, every cent and every picture is accounted
for."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crashes.always import TEMP_FOLDER, digest_of, files_in
from crashes.reader import Row, StoreReader
from crashes.verdict import Judgement

LIVE = ("leased", "submitting", "in_flight", "fetching", "in_doubt")


def judge_rest(verdict: Judgement, reader: StoreReader, outputs: Path, bill: Mapping[str, Any]) -> None:
    """Attempts, tasks, money and pictures, in this order."""
    _every_attempt_ended(verdict, reader)
    _tasks_are_known(verdict, reader, bill)
    _money_agrees(verdict, reader, bill)
    _names_agree(verdict, reader)
    _pictures_agree(verdict=verdict, reader=reader, outputs=outputs, bill=bill)


def _every_attempt_ended(verdict: Judgement, reader: StoreReader) -> None:
    live = reader.rows(f"SELECT id, state, reason, message FROM attempts WHERE state IN {LIVE}")
    verdict.blame(not live, f"attempts that have not ended: {live}")
    (row,) = reader.rows("SELECT count(*) AS doubted FROM attempts WHERE doubted_at IS NOT NULL")
    verdict.doubted = row["doubted"]


def _tasks_are_known(verdict: Judgement, reader: StoreReader, bill: Mapping[str, Any]) -> None:
    """Each task belongs to one attempt of the job that asked for it, and no job has two good ones."""
    held: dict[str, list[Row]] = defaultdict(list)
    for row in reader.rows(
        "SELECT prediction_id, attempts.id, attempts.job_id, attempts.state, params ->> 'prompt' AS prompt "
        "FROM attempts JOIN job_specs USING (job_id) WHERE prediction_id IS NOT NULL",
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
        wanted = "succeeded" if task["status"] == "completed" and task["outputs"] else "failed"
        verdict.blame(
            holder["state"] == wanted, f"task {task['id']} {task['status']}: attempt {holder['state']}"
        )
        good[holder["job_id"]] += wanted == "succeeded"
    verdict.blame(not held, f"predictions the provider has never made: {sorted(held)}")
    for job_id, count in good.items():
        verdict.double_billed += count - 1 if count else 0
        verdict.blame(count <= 1, f"job {job_id} was paid {count} times")


def _money_agrees(verdict: Judgement, reader: StoreReader, bill: Mapping[str, Any]) -> None:
    """Spent is what completed tasks cost; nothing is held; what failed is owed or back."""
    (ledger,) = reader.rows(
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


def _names_agree(verdict: Judgement, reader: StoreReader) -> None:
    """Of the pictures of one name, the one that was asked for last has it; nothing waits for a name."""
    waiting = reader.rows("SELECT job_id, stored_path, moving_to FROM outputs WHERE moving_to IS NOT NULL")
    verdict.blame(not waiting, f"pictures that wait for a name: {waiting}")
    wrong = reader.rows(
        "SELECT later.stored_path FROM outputs AS later"
        " JOIN outputs AS holder ON holder.path_key = later.clean_key"
        " WHERE later.state = 'stored' AND later.stored_path NOT LIKE 'quarantine/%'"
        " AND (later.job_id > holder.job_id OR later.stored_path NOT LIKE '%.superseded/%')"
    )
    verdict.blame(not wrong, f"pictures that should have another name: {wrong}")


def _pictures_agree(verdict: Judgement, reader: StoreReader, outputs: Path, bill: Mapping[str, Any]) -> None:
    rows = reader.rows(
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
                or not digest == row["sha256"] == digest_of(path)
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
    unasked = [str(path) for path in files_in(outputs) if path not in named]
    verdict.blame(not unasked, f"files that nobody asked for: {unasked}")
    temporary = [str(path) for path in (outputs / TEMP_FOLDER).glob("*")]
    verdict.blame(not temporary, f"temporary files: {temporary}")
