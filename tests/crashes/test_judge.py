"""The judge finds what it is there to find: a finished stage is spoiled in one place at a time."""

import copy
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crashes.judge import judge_end
from crashes.processes import Processes
from crashes.reader import SqliteStore
from crashes.stage import MIXED, staged


@pytest.fixture(scope="module")
def finished(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder and the bill of a run that nobody disturbed."""
    with staged(processes, tmp_path_factory.mktemp("judge") / "stage", MIXED) as stage:
        assert stage.worker().wait() == MIXED.exit_code, stage.log()
        return stage.folder, stage.bill()


def sql(statement: str) -> Callable[[Path, dict[str, Any]], None]:
    def spoil(folder: Path, _bill: dict[str, Any]) -> None:
        with closing(sqlite3.connect(folder / "orchestrator.db")) as conn:
            assert conn.execute(statement).rowcount > 0
            conn.commit()

    return spoil


def completed(bill: dict[str, Any]) -> dict[str, Any]:
    return next(task for task in bill["tasks"] if task["status"] == "completed")


def paid_twice(_folder: Path, bill: dict[str, Any]) -> None:
    twin = {**completed(bill), "id": "f" * 32}
    bill["tasks"].append(twin)
    bill["posts"].append({**bill["posts"][0], "task_id": twin["id"]})


def picture(folder: Path) -> Path:
    return min((folder / "outputs").rglob("*.png"))


def picture_lost(folder: Path, _bill: dict[str, Any]) -> None:
    picture(folder).unlink()


def picture_torn(folder: Path, _bill: dict[str, Any]) -> None:
    path = picture(folder)
    path.write_bytes(path.read_bytes()[:-1])


def stray_left(folder: Path, _bill: dict[str, Any]) -> None:
    (folder / "outputs" / ".orchestrator-tmp" / ".part-1-1").write_bytes(b"half")


def cap_passed(_folder: Path, bill: dict[str, Any]) -> None:
    bill["charged_micros"] = MIXED.cap_micros + 1


def key_leaked(_folder: Path, bill: dict[str, Any]) -> None:
    bill["authorization_leaks"] = ["/outputs/x"]


def database_damaged(folder: Path, _bill: dict[str, Any]) -> None:
    path = folder / "orchestrator.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (page,) = conn.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_ledger_attempt_id'"
        ).fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)


SPOILERS = [
    (paid_twice, "has 0 attempts"),
    (picture_lost, "is not on disk"),
    (picture_torn, "is not one of the provider's pictures"),
    (stray_left, "temporary files"),
    (cap_passed, "the cap was"),
    (key_leaked, "the key went to"),
    (database_damaged, "integrity_check"),
    (sql("UPDATE balances SET spent_micros = spent_micros + 1 WHERE period = 'total'"), "the ledger says"),
    (sql("UPDATE attempts SET reservation = 'held' WHERE id = 1"), "reservations"),
    (sql("INSERT INTO ledger SELECT id + 1000, at, attempt_id, run_id, campaign_id, day, kind, held_delta,"
         " 0, 0, note FROM ledger WHERE held_delta < 0"), "ended more than once"),
    (sql("UPDATE attempts SET submitted_at = NULL WHERE id = 1"), "intents"),
    (sql("UPDATE jobs SET state = 'failed' WHERE id = 1"), "jobs are"),
    (sql("UPDATE outputs SET sha256 = 'x' WHERE state = 'stored' AND job_id = 1"), "is not on disk"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "found"), SPOILERS)
def test_a_spoiled_stage_is_not_passed(spoil, found, finished, tmp_path):
    folder, bill = finished
    shutil.copytree(folder, tmp_path / "stage")
    stage, copied = tmp_path / "stage", copy.deepcopy(bill)
    judged = (SqliteStore(stage / "orchestrator.db"), stage / "outputs")
    assert judge_end(*judged, copied, MIXED).problems == []
    spoil(stage, copied)
    assert found in "\n".join(judge_end(*judged, copied, MIXED).problems)
