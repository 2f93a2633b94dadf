"""One rule says what may run: the claim, draining, every screen and exit codes follow it."""

import random
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import event, update
from support.world import MODEL, PRICE, run_spec, spec

from orchestrator.actions.operator.exit_code import exit_code, facts_of
from orchestrator.actions.operator.explain import why
from orchestrator.core.budget import day_of
from orchestrator.core.errors import ExitCode
from orchestrator.store.account import pauses
from orchestrator.store.claiming.lanes import pending_lanes
from orchestrator.store.claiming.selection import select_jobs
from orchestrator.store.db.schema import Scope, Window, jobs
from orchestrator.store.money.caps import set_cap
from orchestrator.store.runs import adding, runs
from orchestrator.store.stops.outlook import outlook
from orchestrator.store.stops.stops import BUDGET, stops_over, survey
from orchestrator.store.views.jobs.detail import job_detail
from orchestrator.store.views.runs.overview import status
from orchestrator.store.views.runs.owners import campaigns
from orchestrator.store.views.runs.progress import run_progress


class UndoneError(Exception):
    """Ends a transaction without a trace."""


def selected_runs(world, run_ids=None):
    """The runs of which a claim would take a job; nothing is taken."""
    found = set()
    with suppress(UndoneError), world.database.write() as tx:
        picks = select_jobs(tx=tx, want=1, day=day_of(tx.now, "UTC"), run_ids=run_ids)
        found = {pick.lane.run_id for pick in picks}
        raise UndoneError
    return found


def populate(world, chance):
    """Random runs, each with one lane of ready or of waiting jobs, under random pauses and caps; by run,
    whether any of those is over it.
    """
    made, prices = [], {}
    for number in range(chance.randint(1, 6)):
        price = chance.choice([PRICE, 2 * PRICE, 5 * PRICE])
        run = world.run(1, price=price, campaign=chance.choice(["spring", "autumn"]), run_key=f"r{number}")
        if chance.random() < 0.3:
            later(world, run.id)
        made.append(run)
        prices[run.id] = price
    with world.database.write() as tx:
        scopes = [(Scope.ACCOUNT, 0)]
        scopes += [
            scope for run in made for scope in ((Scope.CAMPAIGN, run.campaign_id), (Scope.RUN, run.id))
        ]
        caps = {
            key: chance.randint(0, 6) * PRICE
            for key in chance.sample(scopes, k=chance.randint(0, min(3, len(scopes))))
        }
        for (scope, scope_id), micros in caps.items():
            window = chance.choice(list(Window))
            set_cap(
                tx=tx, scope=scope, scope_id=scope_id, window=window, cap_micros=micros, source="operator"
            )
        paused = [("account", "")] if chance.random() < 0.2 else []
        subjects = [("model", MODEL), ("model", "another/model")]
        subjects += [
            subject for run in made for subject in (("campaign", str(run.campaign_id)), ("run", str(run.id)))
        ]
        paused += chance.sample(subjects, k=chance.choice([0, 0, 1, 2]))
        in_force = set()
        for scope, name in paused:
            until = chance.choice([None, tx.now + 5_000, tx.now - 1])
            if until is None or until > tx.now:
                in_force.add((scope, name))
            pauses.begin(tx, pauses.Pause(scope=scope, name=name, reason="test", message="wait", until=until))
    over = {}
    for run in made:
        mine = {("account", ""), ("model", MODEL), ("campaign", str(run.campaign_id)), ("run", str(run.id))}
        keys = [(Scope.ACCOUNT, 0), (Scope.CAMPAIGN, run.campaign_id), (Scope.RUN, run.id)]
        short = any(caps.get(key, prices[run.id]) < prices[run.id] for key in keys)
        over[run.id] = short or bool(mine & in_force)
    return over


def later(world, run_id):
    """The ready jobs of a run become due in an hour."""
    with world.database.write() as tx:
        tx.conn.execute(
            update(jobs)
            .where(jobs.c.run_id == run_id, jobs.c.queue == "ready")
            .values(queue="waiting", due_at=tx.now + 3_600_000)
        )


@pytest.mark.parametrize("seed", range(60))
def test_a_lane_is_claimable_exactly_when_no_stop_is_over_it_and_draining_agrees(sqlite_world, seed):
    over = populate(sqlite_world, random.Random(seed))
    claimable = set()
    for run_id, stopped in over.items():
        with sqlite_world.database.read() as tx:
            (lane,) = pending_lanes(tx, day_of(tx.now, "UTC"), {run_id})
            stops = stops_over(tx, lane)
            finished = outlook(tx, "UTC", {run_id}).finished
        assert bool(stops) is stopped
        assert finished is any(stop.until is None for stop in stops)
        taken = selected_runs(sqlite_world, {run_id})
        assert taken == ({run_id} if lane.ready and not stopped else set())
        claimable |= taken
    assert bool(selected_runs(sqlite_world)) is bool(claimable)
    assert {claimed.run_id for claimed in sqlite_world.claim(100)} <= claimable
    sqlite_world.check_money()


@pytest.mark.parametrize("seed", range(20))
def test_what_stops_a_lane_is_among_what_is_shown_and_what_is_said_of_its_jobs(sqlite_world, seed):
    populate(sqlite_world, random.Random(seed))
    with sqlite_world.database.read() as tx:
        shown = survey(tx, "UTC")
        over = [stop for lane in shown.lanes for stop in stops_over(tx, lane)]
        assert {(stop.subject, stop.reason) for stop in over} <= {
            (stop.subject, stop.reason) for stop in shown.stops
        }
        for job_id in range(1, len(shown.lanes) + 1):
            detail = job_detail(tx, job_id, "UTC")
            (lane,) = (lane for lane in shown.lanes if lane.run_id == job_id)
            assert [stop for stop in detail.stops if stop.reason != "rate_limit"] == stops_over(tx, lane)


def test_a_job_that_is_due_later_and_that_no_cap_admits_is_stopped_by_the_budget(world):
    run = world.run(1)
    later(world, run.id)
    world.cap(PRICE - 1, Scope.CAMPAIGN, run.campaign_id)
    with world.database.read() as tx:
        assert outlook(tx, "UTC").finished
        (stop,) = survey(tx, "UTC").stops
        progress = run_progress(tx, None)
        said = why(job_detail(tx, 1, "UTC"))
    assert (stop.subject, stop.reason) == ("run spring/hero/main", BUDGET)
    assert exit_code(facts_of(progress, [stop], interrupted=False)) is ExitCode.BUDGET
    assert said.startswith("Waiting for money: the cap of campaign spring ($0.027999) has $0.027999 left")


def test_pauses_are_shown_by_the_names_that_people_gave_also_where_nothing_waits(world):
    run = world.run(0)
    with world.database.write() as tx:
        for scope, name in (
            ("account", ""),
            ("model", MODEL),
            ("campaign", str(run.campaign_id)),
            ("run", str(run.id)),
            ("run", "99"),
        ):
            pauses.begin(tx, pauses.Pause(scope=scope, name=name, reason="paused", message="wait"))
    with world.database.read() as tx:
        subjects = [stop.subject for stop in survey(tx, "UTC").stops]
    assert subjects == [
        "account",
        "campaign spring",
        f"model {MODEL}",
        "run spring/hero/main",
        "run 99",
    ]


def test_a_run_is_stopped_once_by_the_tightest_cap_over_its_cheapest_job(world):
    run = world.run(1, price=3 * PRICE)
    world.run(1, price=2 * PRICE)
    world.cap(PRICE)
    world.cap(PRICE // 2, Scope.RUN, run.id)
    world.cap(1, Scope.RUN, 99)
    with world.database.read() as tx:
        (stop,) = survey(tx, "UTC").stops
    assert (stop.cap.scope, stop.cap.name) == (Scope.RUN, "spring/hero/main")
    assert (
        stop.message == "the cap of run spring/hero/main ($0.014) has $0.014 left; the next job costs $0.056"
    )


@contextmanager
def counted(engine):
    """The statements that an engine executes meanwhile."""
    seen = []

    def note(_conn, _cursor, statement, *_more):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def statements(world, work):
    """How many statements a reading takes."""
    with counted(world.database._reader) as seen, world.database.read() as tx:
        work(tx)
    return len(seen)


def grow(world, count, start=0):
    """Campaigns with a cap each, a run each with its own, and a paused run each; nothing is admitted."""
    with world.database.write() as tx:
        for number in range(start, start + count):
            run = runs.ensure_run(tx, run_spec(campaign=f"c{number}"))
            adding.add_jobs(tx, run, [spec(number, prefix=f"c{number}")])
            for scope, scope_id in ((Scope.CAMPAIGN, run.campaign_id), (Scope.RUN, run.id)):
                set_cap(
                    tx=tx, scope=scope, scope_id=scope_id, window=Window.DAY, cap_micros=1, source="config"
                )
            paused = pauses.Pause(scope="run", name=str(run.id), reason="test", message="wait")
            pauses.begin(tx, paused)


READINGS = {
    "status": lambda tx: status(tx, "UTC"),
    "jobs show": lambda tx: job_detail(tx, 1, "UTC"),
    "the live display": lambda tx: (run_progress(tx, None), survey(tx, "UTC")),
    "draining": lambda tx: outlook(tx, "UTC"),
    "campaigns list": campaigns,
}


@pytest.mark.parametrize("work", READINGS.values(), ids=READINGS)
def test_the_statements_of_a_reading_do_not_grow_with_caps_pauses_and_runs(sqlite_world, work):
    grow(sqlite_world, 2)
    few = statements(sqlite_world, work)
    grow(sqlite_world, 60, start=2)
    assert statements(sqlite_world, work) == few <= 35


def test_a_claim_reads_lanes_pauses_and_caps_once_each_however_many_there_are(sqlite_world):
    grow(sqlite_world, 60)
    sqlite_world.run(3)
    with counted(sqlite_world.database._writer) as seen:
        assert len(sqlite_world.claim(2)) == 2
    reads = [statement for statement in seen if statement.lstrip().startswith("SELECT")]
    for table in ("lanes JOIN runs", "pauses", "budgets"):
        assert sum(f"FROM {table}" in statement for statement in reads) == 1, table
