"""Paid tasks are recorded from what their sidecars say, beside whatever the database knows and does."""

from dataclasses import replace

import pytest
from support.world import PRICE, run_spec, spec

from orchestrator.store.db.schema import attempts, balances, jobs, ledger, outputs, runs
from orchestrator.store.doubts.paid_tasks import PaidPicture, PaidTask
from orchestrator.store.doubts.rebuilding import Recorded, record


def paid(
    name: str = "task", *, number: int = 1, images: int = 1, have: int | None = None, **more
) -> PaidTask:
    """A task of job 1 of run spring/hero/main, with so many of its pictures."""
    job = spec(1, images=images)
    tag = f"-{name}"
    pictures = tuple(
        PaidPicture(
            index=index, path=job.output_paths[index], stored_path=f"hero/{tag}{index}.png", sha256="a" * 64,
            bytes=10, media_type="image/png", width=1, height=1, nsfw=index == 1, stored_at=5_000,
        )
        for index in range(images if have is None else have)
    )  # fmt: skip
    return PaidTask(
        **{
            "run": run_spec(), "job": job, "number": number, "prediction_id": name, "day": "2026-01-02",
            "submitted_at": 1_000, "accepted_at": 2_000, "completed_at": 5_000, "inference_ms": 900,
            "pictures": pictures, "token": f"token{tag}", **more,
        }
    )  # fmt: skip


def recorded(world, *tasks: PaidTask) -> list[Recorded]:
    with world.database.write() as tx:
        return record(tx, tasks)


def test_an_unknown_task_makes_run_job_attempt_picture_and_money(world):
    assert recorded(world, paid(images=2)) == [Recorded.ADDED]
    (job,), (attempt,), (run,) = world.rows(jobs), world.rows(attempts), world.rows(runs)
    assert (job.state, job.cost_micros, job.attempts, job.queue) == ("succeeded", PRICE, 1, None)
    assert (attempt.state, attempt.reservation, attempt.day) == ("succeeded", "settled", "2026-01-02")
    assert (run.name, run.pictures_stored, run.pictures_flagged) == ("hero", 2, 1)
    assert [(row.state, row.nsfw) for row in world.rows(outputs)] == [("stored", False), ("stored", True)]
    assert {row.spent_micros for row in world.rows(balances)} == {PRICE}
    world.check_money()


def test_a_task_is_recorded_once(world):
    assert recorded(world, paid()) == [Recorded.ADDED]
    assert recorded(world, paid()) == [Recorded.KNOWN]
    assert len(world.rows(ledger)) == 2


def test_a_job_that_waits_has_succeeded_and_is_not_claimed_any_more(world):
    world.apply([spec(1), spec(2)])
    assert recorded(world, paid()) == [Recorded.ADDED]
    assert world.jobs() == {"succeeded": 1, "pending": 1}
    assert len(world.claim(10)) == 1
    world.check_money()


def test_a_job_that_a_worker_holds_is_left_to_it(world):
    world.apply([spec(1)])
    world.claim(1)
    assert recorded(world, paid()) == [Recorded.BUSY]
    assert (world.jobs(), len(world.rows(attempts))) == ({"running": 1}, 1)
    world.check_money()


def test_the_pictures_of_an_earlier_attempt_are_kept_beside_those_of_the_newest(world):
    newest, earlier = paid("second", number=2), paid("first", number=1)
    assert recorded(world, newest, earlier) == [Recorded.ADDED] * 2
    (job,) = world.rows(jobs)
    assert (job.state, job.cost_micros, job.attempts) == ("succeeded", 2 * PRICE, 2)
    assert [(row.idx, row.stored_path) for row in world.rows(outputs)] == [
        (0, "hero/-second0.png"),
        (1000, "hero/-first0.png"),
    ]
    world.check_money()


def test_a_picture_that_nobody_has_is_lost_until_its_sidecar_is_found(world):
    assert recorded(world, paid(images=2, have=1)) == [Recorded.ADDED]
    assert [row.state for row in world.rows(outputs)] == ["stored", "lost"]
    assert world.rows(jobs)[0].reason == "fewer_outputs"
    assert recorded(world, paid(images=2)) == [Recorded.COMPLETED]
    assert [row.state for row in world.rows(outputs)] == ["stored", "stored"]


def test_more_pictures_than_were_asked_for_are_recorded_too(world):
    more = paid(images=1)
    extra = replace(more.pictures[0], index=1, path="hero/extra.png", stored_path="hero/extra.png")
    assert recorded(world, replace(more, pictures=(*more.pictures, extra))) == [Recorded.ADDED]
    assert [row.stored_path for row in world.rows(outputs)] == ["hero/-task0.png", "hero/extra.png"]


def test_a_name_of_another_manifest_is_left_to_it(world):
    world.apply([spec(1)], name="other")
    assert recorded(world, paid()) == [Recorded.TAKEN]
    assert world.jobs() == {"pending": 1}


@pytest.mark.parametrize("ended", ["cancelled", "failed"])
def test_a_job_that_has_ended_without_pictures_has_succeeded_after_all(world, ended):
    world.apply([spec(1)])
    with world.database.write() as tx:
        tx.conn.execute(jobs.update().values(state=ended, queue=None, finished_at=1))
    assert recorded(world, paid()) == [Recorded.ADDED]
    assert world.jobs() == {"succeeded": 1}


def test_money_that_is_spent_counts_though_it_passes_a_cap(world):
    world.cap(PRICE)
    assert recorded(world, paid("a"), replace(paid("b"), job=spec(2))) == [Recorded.ADDED] * 2
    assert max(row.spent_micros for row in world.rows(balances)) == 2 * PRICE
