"""What `redo` asked for is made by `run` on the manifest, under its cap, and by nothing else."""

from sqlalchemy import select

from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import attempts, jobs, outputs


def test_run_makes_what_was_redone_though_nothing_else_is_new_and_no_more_than_the_cap(shell, provider):
    manifest = shell.manifest(extra="budget: 0.12")
    assert shell("run", manifest, "--yes") == 0
    assert shell("redo", "1", "2", "--prompt", "Sharper @Image1") == 0
    assert shell("plan", manifest) == 0
    assert "of these 2 jobs ($0.056) are other tries, by `redo`" in shell.said
    assert "covers 1 of 2 pictures ($0.028)" in shell.said, "the cap lets one of them through"
    assert shell("plan", manifest, "--json") == 0
    assert shell.document["totals"]["redone"] == {"jobs": 2, "cost_usd": "0.056"}
    assert shell.document["totals"]["affordable"]["jobs"] == 1, (
        "the question names what the cap lets through of them"
    )
    assert shell("plan", manifest, "--sample", "1", "--json") == 0
    found = shell.document["totals"]["redone"], shell.document["totals"]["affordable"]["cost_usd"]
    assert found == ({"jobs": 0, "cost_usd": "0.00"}, "0.00"), "a part leaves other tries waiting"
    assert shell("run", manifest, "--yes") == 4, "the cap lets one of them through"
    assert shell("jobs", "show", "5") == 0
    assert "Waiting for money" in shell.said
    assert shell("status", "--json") == 0
    assert shell.document["stopped"][0]["reason"] == "budget"
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    with database.read() as tx:
        states = dict(tx.conn.execute(select(jobs.c.id, jobs.c.state)).all())
        sent = tx.conn.execute(select(attempts.c.job_id)).scalars().all()
        path = tx.conn.execute(select(outputs.c.stored_path).where(outputs.c.job_id == 4)).scalar_one()
    database.close()
    assert states == {1: "succeeded", 2: "succeeded", 3: "succeeded", 4: "succeeded", 5: "pending"}
    assert sorted(sent) == [1, 2, 3, 4]
    assert (shell.folder / "outputs" / path).is_file()


def test_a_plan_that_fits_counts_what_was_redone_as_paid(shell, provider):
    manifest = shell.manifest(extra="budget: 5.00")
    assert shell("run", manifest, "--yes") == 0
    assert shell("redo", "1") == 0
    assert shell("plan", manifest) == 0
    assert "covers" not in shell.said
    assert "fits with" not in shell.said
    assert shell("plan", manifest, "--json") == 0
    found = shell.document["totals"]["affordable"]
    assert (found["jobs"], found["cost_usd"]) == (1, "0.028"), "what is asked is what may be spent"
