"""The hot queries use their partial indexes, on both databases: their cost does not grow with finished jobs."""

import pytest
from sqlalchemy import event, text
from support.world import World

from orchestrator.core.states import AttemptState
from orchestrator.store import attempts, claims, outlook

HOT = [
    ("claim", "ix_jobs_ready", lambda world: world.claim(5)),
    ("stage", "ix_jobs_due", lambda world: world.do(lambda tx, rows: [claims.stage(tx)], None)),
    ("slots", "ix_attempts_live", lambda world: world.claim(5)),
    ("rescue", "ix_attempts_live", lambda world: world.rescue()),
    ("lanes", "ix_lanes_open", lambda world: world.claim(5)),
    ("refunds", "ix_attempts_refund", lambda world: world.lapse()),
    (
        "heartbeat",
        "ix_attempts_live",
        lambda world: world.do(attempts.heartbeat, attempts.Heartbeat("w1", 1000)),
    ),
]


@pytest.fixture
def busy_world(world: World) -> World:
    """Many finished jobs, few that live: the shape of a database after a month."""
    world.run(600)
    with world.database.write() as tx:
        tx.conn.execute(
            text("UPDATE jobs SET state = 'cancelled', queue = NULL, finished_at = 1 WHERE id % 20 <> 0")
        )
    for number in range(20):
        world.run(1, run_key=f"old{number}")
        world.until(AttemptState.FAILED)
    for state in (AttemptState.IN_FLIGHT, AttemptState.LEASED):
        world.until(state)
    world.fail(world.until(AttemptState.IN_FLIGHT))
    with world.database.write() as tx:
        tx.conn.execute(text("ANALYZE"))
    return world


@pytest.mark.parametrize(("name", "index", "work"), [pytest.param(*case, id=case[0]) for case in HOT])
def test_a_hot_query_uses_its_partial_index(busy_world, name, index, work):
    plans = _plans(busy_world, work)
    assert any(index in plan for plan in plans), "\n\n".join(plans)


@pytest.mark.parametrize("work", [case[2] for case in HOT], ids=[case[0] for case in HOT])
def test_no_hot_query_scans_all_jobs_or_all_attempts(busy_world, work):
    for plan in _plans(busy_world, work):
        for table in ("jobs", "attempts"):
            assert f"SCAN {table}\n" not in plan + "\n", plan
            assert f"Seq Scan on {table} " not in plan + " ", plan


def test_the_outlook_looks_at_open_work_only(busy_world):
    def look(world):
        with world.database.read() as tx:
            outlook.outlook(tx, "UTC")

    for plan in _plans(busy_world, look):
        assert "SCAN jobs\n" not in plan + "\n", plan


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
            # A few hundred rows fit on a page or two, which is read faster than any index. Make it prove it can.
            tx.conn.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in seen:
            rows = tx.conn.exec_driver_sql(prefix + statement, parameters).all()
            plans.append(statement + "\n" + "\n".join(str(row[-1]) for row in rows))
    return plans
