"""Runs that look back: what an earlier run has made, makes or waits for is not bought again."""

from support.world import World, run_spec, spec

from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState, JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import jobs, outputs
from orchestrator.store.runs import adding, earlier, runs
from orchestrator.store.runs.new_jobs import encode
from orchestrator.store.views.jobs.job_outputs import outputs_of
from orchestrator.store.views.runs.overview import counts_by_state

CHANGED = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL)
CARRY = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CARRY)


def night(world: World, key: str, numbers=range(2), rule: NightRule | None = CHANGED, **more) -> adding.Added:
    """A run whose pictures are named by its key, with jobs that any night would ask for alike."""
    specs = [spec(number, output_paths=(f"{key}/{number}.png",)) for number in numbers]
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(run_key=key, **more))
        return adding.add_encoded(tx, run, [encode(item) for item in specs], rule=rule)


def states(world: World) -> list[str]:
    return [row.state for row in world.rows(jobs)]


def test_the_second_night_reuses_what_the_first_has_made_and_buys_the_rest(world):
    night(world, "n1", range(1))
    made = world.until(AttemptState.SUCCEEDED).job_id
    added = night(world, "n2", range(3))
    assert (added.new, added.reused, added.avoided_micros) == (2, 1, 28_000)
    reused = world.rows(jobs)[-1]
    assert (reused.state, reused.reused_from, reused.cost_micros) == (JobState.REUSED, made, 0)
    assert len(world.rows(outputs)) == 3  # none for the one that points


def test_a_reused_job_is_never_claimed_and_shows_the_pictures_of_the_other(world):
    night(world, "n1", range(1))
    world.until(AttemptState.SUCCEEDED)
    night(world, "n2", range(1))
    assert world.claim() == ()
    reused = world.rows(jobs)[-1]
    with world.database.read() as tx:
        (picture,) = outputs_of(tx, [reused.id])[reused.id]
        assert counts_by_state(tx)[reused.run_id]["reused"] == 1
    assert picture.path == "stored/1-0.png"


def test_nothing_of_a_third_night_points_at_a_job_that_only_points(world):
    for key in ("n1", "n2", "n3"):
        night(world, key, range(1))
        if key == "n1":
            world.until(AttemptState.SUCCEEDED)
    assert [row.reused_from for row in world.rows(jobs)] == [None, 1, 1]


def test_applying_a_night_again_changes_nothing(world):
    night(world, "n1", range(1))
    world.until(AttemptState.SUCCEEDED)
    night(world, "n2", range(2))
    again = night(world, "n2", range(2))
    assert (again.new, again.reused, again.existing) == (0, 0, 2)


def test_what_an_earlier_night_left_waiting_is_bought_once_by_the_later_one(world):
    night(world, "n1")
    added = night(world, "n2")
    assert (added.new, added.superseded) == (2, 2)
    assert states(world) == ["cancelled", "cancelled", "pending", "pending"]
    assert {row.reason for row in world.rows(jobs)[:2]} == {"superseded"}


def test_what_may_be_paid_for_already_is_not_bought_by_a_later_night(world):
    """Invariant 2, over nights: a job that may have a paid prediction is never submitted again."""
    night(world, "n1", range(2))
    world.until(AttemptState.IN_DOUBT)
    world.until(AttemptState.IN_FLIGHT)
    added = night(world, "n2", range(2))
    assert (added.new, added.under_way, added.superseded) == (0, 2, 0)


def test_two_nights_at_once_buy_once_whichever_comes_last(world):
    with world.database.write() as tx:
        for key in ("n1", "n2"):
            runs.ensure_run(tx, run_spec(run_key=key))
    night(world, "n2")
    assert night(world, "n1").under_way == 2  # the later night has them already
    night(world, "n2")
    assert states(world) == ["pending"] * 2


def test_jobs_that_are_carried_stay_in_their_run_and_are_not_asked_for_twice(world):
    night(world, "n1", rule=CARRY)
    added = night(world, "n2", rule=CARRY)
    assert (added.new, added.under_way, added.superseded) == (0, 2, 0)
    assert states(world) == ["pending"] * 2


def test_jobs_that_are_kept_stay_and_the_later_night_asks_for_its_own(world):
    keep = NightRule(Regenerate.CHANGED, leftovers=Leftovers.KEEP)
    night(world, "n1", rule=keep)
    assert night(world, "n2", rule=keep).new == 2
    assert states(world) == ["pending"] * 4


def test_a_rejected_picture_is_made_anew_and_the_one_before_it_serves_where_it_is_good(world):
    night(world, "n1", range(1))
    first = world.until(AttemptState.SUCCEEDED).job_id
    night(world, "n2", range(1), rule=None)
    second = world.until(AttemptState.SUCCEEDED).job_id
    judge(world, second, JobVerdict.REJECTED)
    assert night(world, "n3", range(1)).reused == 1
    assert world.rows(jobs)[-1].reused_from == first
    judge(world, first, JobVerdict.REJECTED)
    assert night(world, "n4", range(1)).new == 1


def test_a_discarded_picture_serves_no_later_night(world):
    night(world, "n1", range(1))
    world.until(AttemptState.SUCCEEDED)
    with world.database.write() as tx:
        tx.conn.execute(outputs.update().values(state="discarded"))
    assert night(world, "n2", range(1)).new == 1


def test_a_failed_job_is_all_that_the_word_failed_makes_anew(world):
    night(world, "n1", range(2))
    world.until(AttemptState.SUCCEEDED)
    world.until(AttemptState.FAILED)
    added = night(world, "n2", range(3), rule=NightRule(Regenerate.FAILED))
    assert (added.reused, added.new, added.left_alone) == (1, 1, 1)


def test_a_rejected_job_is_all_that_the_word_rejected_makes_anew(world):
    night(world, "n1", range(2))
    judge(world, world.until(AttemptState.SUCCEEDED).job_id, JobVerdict.REJECTED)
    world.until(AttemptState.FAILED)
    added = night(world, "n2", range(2), rule=NightRule(Regenerate.REJECTED))
    assert (added.new, added.left_alone) == (1, 1)


def test_a_better_try_that_a_person_asked_for_serves_later_nights(world):
    night(world, "n1", range(1))
    first = world.until(AttemptState.SUCCEEDED).job_id
    judge(world, first, JobVerdict.REJECTED)
    redo(world, of=first)
    assert night(world, "n2", range(1)).under_way == 1  # it waits, and is not bought beside
    tried = world.until(AttemptState.SUCCEEDED).job_id
    assert night(world, "n3", range(1)).reused == 1
    assert world.rows(jobs)[-1].reused_from == tried


def test_other_campaigns_and_names_serve_nothing(world):
    night(world, "n1", range(1))
    world.until(AttemptState.SUCCEEDED)
    assert night(world, "m1", range(1), name="other").new == 1
    assert night(world, "c1", range(1), campaign="autumn").new == 1


def judge(world: World, job_id: int, verdict: JobVerdict) -> None:
    with world.database.write() as tx:
        tx.conn.execute(jobs.update().where(jobs.c.id == job_id).values(verdict=str(verdict)))


def redo(world: World, of: int) -> None:
    """A further try that waits, as `redo` adds it."""
    with world.database.write() as tx:
        run = runs.find_run(tx=tx, campaign="spring", name="hero", run_key="n1")
        item = spec(0, key="f" * 32, output_paths=("n1/0~2.png",))
        (made,) = adding.insert_jobs(tx, run, [encode(item)], agreed={})
        tx.conn.execute(jobs.update().where(jobs.c.id == made).values(redo_of=of))


def test_the_newest_picture_of_a_key_is_one_seek_in_the_index_of_made_jobs(world):
    """Without statistics, too: thirty nights cost no more than one."""
    if not world.database.url.drivername.startswith("sqlite"):
        return
    query = earlier._MADE.format(runs="1, 2, 3").format(each="json_each('[]')")
    with world.database.read() as tx:
        steps = [row[3] for row in tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert any("ix_jobs_made (key=?)" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)
