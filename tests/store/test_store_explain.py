"""The hot queries use their partial indexes, on both databases: their cost does not grow with finished
jobs."""

import pytest
from sqlalchemy import event, select, text
from support.world import World, spec

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import leases, lifecycle, releases
from orchestrator.store.choosing import acceptance
from orchestrator.store.claiming import staging
from orchestrator.store.db.schema import jobs, runs
from orchestrator.store.runs import unrequested
from orchestrator.store.stops import outlook, stops
from orchestrator.store.views.jobs import walk
from orchestrator.store.views.jobs.walk import JobFilter
from orchestrator.store.views.runs import overview

LIVE = {"ix_attempts_live", "uq_attempts_live_job"}
HOT = {
    "claim": ({"ix_jobs_ready"}, lambda world: world.claim(5)),
    "stage": ({"ix_jobs_due"}, lambda world: world.do(lambda tx, rows: [staging.stage(tx)], None)),
    "slots": (LIVE, lambda world: world.claim(5)),
    "rescue": (LIVE, lambda world: world.rescue()),
    "release": (LIVE, lambda world: world.do(lambda tx, rows: [releases.release_unsent(tx)], None)),
    "refunds": ({"ix_attempts_refund"}, lambda world: world.lapse()),
    "heartbeat": (LIVE, lambda world: world.do(leases.extend_leases, leases.ExtendLeases("w1", 1000))),
}


@pytest.fixture
def busy_world(world: World) -> World:
    """Many finished jobs, few that live: the shape of a database after a month."""
    world.run(300)
    with world.database.write() as tx:
        tx.conn.execute(
            text("UPDATE jobs SET state = 'cancelled', queue = NULL, finished_at = 1 WHERE id % 20 <> 0")
        )
        _add_old_attempts(tx)
    for number in range(5):
        world.run(1, run_key=f"old{number}")
        world.until(AttemptState.FAILED)
    for state in (AttemptState.IN_FLIGHT, AttemptState.LEASED):
        world.until(state)
    world.fail(world.until(AttemptState.IN_FLIGHT))
    with world.database.write() as tx:
        tx.conn.execute(text("ANALYZE"))
    return world


def _add_old_attempts(tx):
    (job,) = tx.conn.execute(
        select(jobs.c.id, jobs.c.run_id).where(jobs.c.state == "cancelled").limit(1)
    ).all()
    old = {
        "job_id": job.id,
        "run_id": job.run_id,
        "campaign_id": tx.conn.execute(select(runs.c.campaign_id).where(runs.c.id == job.run_id)).scalar(),
        "state": "abandoned",
        "worker": "w0",
        "epoch": 1,
        **dict.fromkeys(("lease_expires_at", "rate_granted_at", "leased_at", "finished_at"), 1),
        "reservation": "released",
        "day": "2026-11-01",
        "price_micros": 1,
    }
    tx.conn.execute(
        lifecycle.attempts.insert(), [{**old, "number": n, "token": f"old{n}"} for n in range(1, 2001)]
    )


def test_hot_queries_use_their_partial_indexes(busy_world):
    for name, (indexes, work) in HOT.items():
        plans = _plans(busy_world, work)
        assert any(index in plan for plan in plans for index in indexes), (name, plans)


def test_no_hot_query_scans_all_jobs_or_all_attempts(busy_world):
    for _, work in HOT.values():
        _scan_nothing(_plans(busy_world, work))


def test_the_outlook_looks_at_open_work_only(busy_world):
    def look(world):
        with world.database.read() as tx:
            outlook.outlook(tx, "UTC")

    for plan in _plans(busy_world, look):
        assert "SCAN jobs\n" not in plan + "\n", plan


def test_why_jobs_wait_for_the_rate_is_read_from_open_work_only(busy_world):
    busy_world.limit(submits_per_minute=1)

    def look(world):
        with world.database.read() as tx:
            assert stops.rate_stop(tx, stops.survey(tx, "UTC").lanes) is not None

    plans = _plans(busy_world, look)
    assert any("ix_jobs_ready" in plan for plan in plans), plans
    _scan_nothing(plans)


LISTINGS = {
    "everything": JobFilter(),
    "a state": JobFilter(states=("failed",)),
    "a campaign": JobFilter(campaign="spring"),
    "a run and two states": JobFilter(run="main", states=("cancelled", "pending")),
}


@pytest.mark.parametrize("wanted", LISTINGS.values(), ids=LISTINGS)
def test_a_page_of_jobs_is_read_along_an_index_and_nothing_is_sorted(busy_world, wanted):
    def look(world):
        with world.database.read() as tx:
            walk.page_ids(tx, wanted, limit=5)

    for plan in _plans(busy_world, look):
        _, _, steps = plan.rpartition("\n\n")
        if "FROM jobs" in plan:
            assert "ix_jobs_run_id_state_id" in steps or "PRIMARY KEY" in steps or "pk_jobs" in steps, plan
            assert "TEMP B-TREE" not in steps, plan
            assert "Sort" not in steps, plan


def test_jobs_are_counted_from_the_index_alone(busy_world):
    _vacuum(busy_world)

    def look(world):
        with world.database.read() as tx:
            overview.counts_by_state(tx)

    (plan,) = _plans(busy_world, look)
    assert (
        "COVERING INDEX ix_jobs_run_id_state_id" in plan
        or "Index Only Scan using ix_jobs_run_id_state_id" in plan
    ), plan


def test_verdicts_are_counted_and_further_tries_found_from_their_indexes_alone(busy_world):
    _judge_some(busy_world)

    def look(world):
        with world.database.read() as tx:
            acceptance.by_run(tx)
            unrequested.tries_at_prices(tx, 1)
            unrequested.turns_of_tries(tx, 1)

    plans = [plan for plan in _plans(busy_world, look) if "FROM jobs" in plan]
    (counted, tries, turns) = plans
    assert (
        "COVERING INDEX ix_jobs_verdict" in counted or "Index Only Scan using ix_jobs_verdict" in counted
    ), counted
    assert "ix_jobs_redone" in tries, tries
    assert "ix_jobs_redone" in turns, turns
    _scan_nothing(plans)


@pytest.mark.parametrize(
    "wanted", [JobFilter(verdict="rejected"), JobFilter(verdict="rejected", campaign="spring")]
)
def test_a_page_of_judged_jobs_is_read_along_their_index(busy_world, wanted):
    _judge_some(busy_world)

    def look(world):
        with world.database.read() as tx:
            assert walk.page_ids(tx, wanted, limit=5)

    plans = [plan for plan in _plans(busy_world, look) if "FROM jobs" in plan]
    for plan in plans:
        _, _, steps = plan.rpartition("\n\n")
        assert "ix_jobs_verdict" in steps, plan
        assert "TEMP B-TREE" not in steps, plan
        assert "Sort" not in steps, plan


def _judge_some(world):
    """A few of the jobs have verdicts, and some are further tries."""
    with world.database.write() as tx:
        tx.conn.execute(text("UPDATE jobs SET verdict = 'rejected' WHERE id % 10 = 0"))
        tx.conn.execute(text("UPDATE jobs SET redo_of = id - 1 WHERE id % 50 = 0"))
        tx.conn.execute(text("ANALYZE"))
    _vacuum(world)


def test_keys_and_paths_are_looked_up_by_their_indexes(busy_world):
    for plan in _plans(busy_world, lambda world: world.apply([spec(1), spec(2)])):
        for table in ("jobs", "outputs"):
            assert f"SCAN {table}\n" not in plan + "\n", plan
            assert f"Seq Scan on {table} " not in plan + " ", plan


def _scan_nothing(plans):
    """Neither all jobs nor all attempts are read."""
    for plan in plans:
        if "ORDER BY attempts.id DESC" in plan:
            continue  # the newest attempt: one step from the end of the table
        for table in ("jobs", "attempts"):
            assert f"SCAN {table}\n" not in plan + "\n", plan
            assert f"Seq Scan on {table} " not in plan + " ", plan


def _vacuum(world):
    """What autovacuum does in time; without it, the cost of a scan of an index alone on a server is a
    matter of luck."""
    if world.database.url.get_backend_name() != "sqlite":
        with world.database._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM ANALYZE"))


def _plans(world, work):
    """The plan of every SELECT and UPDATE that `work` runs."""
    seen = []
    engines = (world.database._writer, world.database._reader)

    def note(_conn, _cursor, statement, parameters, _context, executemany):
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE")):
            seen.append((statement, parameters[0] if executemany else parameters))

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    work(world)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    sqlite = world.database.url.get_backend_name() == "sqlite"
    prefix = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    plans = []
    with world.database.write() as tx:
        if not sqlite:
            # A few hundred rows fit on a page or two, which is read (and sorted) faster than along any index.
            # Make it prove that it can.
            tx.conn.execute(text("SET LOCAL enable_seqscan = off"))
            tx.conn.execute(text("SET LOCAL enable_bitmapscan = off"))
        for statement, parameters in seen:
            rows = tx.conn.exec_driver_sql(prefix + statement, parameters).all()
            plans.append(statement + "\n\n" + "\n".join(str(row[-1]) for row in rows))
    return plans
