"""A reused job stands for the job whose picture it has: what is said of one is said of the other."""

import json

import pytest
from sqlalchemy import update
from support.world import World

from orchestrator.core.errors import ExitCode
from orchestrator.core.states import AttemptState
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import jobs


@pytest.fixture
def nights(shell, entropy, clock):
    """Job 1 of the first night has a picture, job 4 of the second has the same; job 2 and 5 wait."""
    shell("apply", shell.manifest(), "--run", "n1")
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    world = World(database, clock, entropy)
    world.until(AttemptState.SUCCEEDED)
    shell("apply", "hero.yaml", "--run", "n2")
    with database.write() as tx:
        values = {"state": "reused", "queue": None, "finished_at": tx.now, "reused_from": 1}
        tx.conn.execute(update(jobs).where(jobs.c.id == 4).values(**values))
    yield world
    database.close()


def test_a_verdict_on_a_reused_job_is_given_to_the_job_whose_picture_it_has_and_says_so(shell, nights):
    assert shell("reject", "4", "--note", "too dark") == 0
    assert "Rejected 1 job." in shell.said
    assert "job 4 has the picture of job 1, which is the one that was judged" in shell.said
    assert "orchestrator redo 1 --dry-run" in shell.said
    assert (nights.job(1).verdict, nights.job(4).verdict) == ("rejected", None)
    shell("events", "--acts", "--json")
    assert "job 1" in shell.out


def test_a_reused_job_shows_what_is_said_of_its_picture(shell, nights):
    assert shell("accept", "1", "4", "--stars", "5", "--json") == 0
    assert [(item["id"], item["through"]) for item in shell.document["jobs"]] == [(1, 4)]
    shell("jobs", "list", "--run", "n2", "--state", "reused", "--json")
    ((line),) = shell.lines
    assert (line["verdict"], line["stars"], line["reused_from"]) == ("accepted", 5, 1)


def test_a_filter_means_reused_jobs_where_it_names_them_and_never_by_the_way(shell, nights):
    assert shell("reject", "--run", "n2", "--yes") == 0
    assert "No job that matches has a picture" in shell.said
    assert shell("reject", "--run", "n2", "--state", "reused", "--yes") == 0
    assert nights.job(1).verdict == "rejected"


def test_a_dry_run_asks_about_the_job_whose_picture_it_is(shell, nights):
    assert shell("reject", "4", "--dry-run", "--json") == 0
    assert (shell.document["matched"], shell.document["paid_usd"]) == (1, "0.028")
    assert shell.document["refused"] == []
    assert nights.job(1).verdict is None


def test_another_try_of_a_reused_job_is_one_of_its_original_in_the_run_that_paid(shell, nights):
    assert shell("redo", "4", "--dry-run") == 0
    assert "job 4 has the picture of job 1 of sale/hero/n1" in shell.said
    assert shell("redo", "4", "--json") == 0
    ((made),) = shell.document["jobs"]
    assert (made["redo_of"], nights.job(made["id"]).run_id) == (1, nights.job(1).run_id)
    assert shell("redo", "5") == ExitCode.USAGE


def test_the_sidecar_of_the_picture_is_told_a_verdict_that_was_given_through_another_night(shell, provider):
    manifest = shell.manifest(extra="regenerate: changed")
    for night in ("n1", "n2"):
        assert shell("run", manifest, "--run", night, "--yes", "--limit", "1") == 0
    shell("jobs", "list", "--run", "n2", "--json")
    ((reused),) = shell.lines
    assert reused["state"] == "reused"
    assert shell("accept", str(reused["id"])) == 0
    (sidecar,) = (shell.folder / "outputs").rglob("beach*.json")
    assert json.loads(sidecar.read_text())["choice"]["verdict"] == "accepted"
