"""A connection that is lost during a COMMIT leaves the transaction in doubt: it is read back, never guessed.

The proxy lets the COMMIT reach Postgres and swallows the answer. Whatever is repeated then must end as if it
had been done once, with the answer that the first try would have given.
"""

from collections import Counter

import pytest
from support.artifacts import picture
from support.databases import wipe
from support.harness import WorkerHarness
from support.relayed import relayed
from support.world import LEASE_MS, World

from orchestrator.core.errors import DatabaseError
from orchestrator.core.states import AttemptEvent, AttemptState
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import ledger
from orchestrator.worker.durable import write_durably

COMMIT = b"COMMIT"
JOBS = 1
STEP = 3  # every third commit, which a busy machine can afford; 1 for all of them
IGNORED = {"id", "job_id", "number", "token", "prediction_id"}

OPERATIONS = {
    "begin_submit": (
        AttemptState.LEASED,
        lifecycle.begin_submit,
        lambda held: lifecycle.BeginSubmit(held.attempt_id, held.epoch, "digest"),
    ),
    "accept": (
        AttemptState.SUBMITTING,
        lifecycle.accept,
        lambda held: lifecycle.Accept(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            worker="w1",
            prediction_id=f"p{held.attempt_id}",
            status="created",
            lease_ms=LEASE_MS,
        ),
    ),
    "doubt": (
        AttemptState.SUBMITTING,
        lifecycle.mark_in_doubt,
        lambda held: lifecycle.MarkInDoubt(held.attempt_id, held.epoch, "the reply was lost"),
    ),
    "give back": (
        AttemptState.SUBMITTING,
        endings.give_back,
        lambda held: endings.GiveBack(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            event=AttemptEvent.THROTTLED,
            delay_ms=1000,
            reason="throttled",
            message="429",
        ),
    ),
    "reject": (
        AttemptState.SUBMITTING,
        endings.reject,
        lambda held: endings.Reject(
            attempt_id=held.attempt_id, epoch=held.epoch, reason="bad_input", message="no"
        ),
    ),
    "complete": (
        AttemptState.IN_FLIGHT,
        lifecycle.complete,
        lambda held: lifecycle.Complete(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            status="completed",
            outputs=(("https://out.example/a.png", None),),
            inference_ms=900,
        ),
    ),
    "fail": (
        AttemptState.IN_FLIGHT,
        endings.fail,
        lambda held: endings.Fail(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            reason="provider_error",
            message="it failed",
            status="failed",
            code=5000,
            retry_delay_ms=0,
            refund_window_ms=3_600_000,
        ),
    ),
    "finish": (
        AttemptState.FETCHING,
        endings.finish,
        lambda held: outputs.Finish(
            attempt_id=held.attempt_id, epoch=held.epoch, stored=((0, picture("a.png")),), lost=(), expected=1
        ),
    ),
}
ANSWERS_USED = {"begin_submit", "accept", "complete"}


@pytest.fixture
def through(database_url, clock, entropy, provider, artifacts):
    """A workshop whose database is behind a proxy, and the proxy."""
    if database_url.startswith("sqlite"):
        pytest.skip("there is no connection to a file")
    with relayed(database_url) as (proxy, url):
        database = Database.open(url, clock, clock_from_server=False)
        yield WorkerHarness(World(database, clock, entropy), provider, artifacts), proxy
        database.close()


def trace(world, held):
    """What a write left of an attempt, its job and its money, apart from names."""
    attempt, job = world.attempt(held)._mapping, world.job(held)._mapping
    return (
        {name: value for name, value in attempt.items() if name not in IGNORED},
        {name: value for name, value in job.items() if name not in IGNORED | {"key", "ordinal"}},
        Counter(row.kind for row in world.rows(ledger) if row.attempt_id == held.attempt_id),
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_write_whose_commit_was_lost_is_done_once_and_answers_as_the_first_time(through, name):
    harness, proxy = through
    world = harness.world
    state, operation, row_of = OPERATIONS[name]
    world.run(2)
    once, again = (world.until(state) for _ in range(2))
    answer = world.do(operation, row_of(once))
    proxy.lose_answer(COMMIT)
    began = world.clock.now_ms()
    repeated = harness.run(write_durably(harness.deps(), operation, row_of(again)))
    assert (proxy.lost, harness.writer.calls.count(operation.__name__)) == (1, 2)
    world.clock.advance_ms(began - world.clock.now_ms())
    assert trace(world, again) == trace(world, once)
    if name in ANSWERS_USED:
        assert type(repeated) is type(answer)
        assert repeated == answer or [item.url for item in repeated] == [item.url for item in answer]
    world.check_money()


def test_a_submission_is_not_ours_because_somebody_doubts_it_by_now(through):
    """The commit's answer comes so late that another worker has taken the attempt for lost."""
    harness, proxy = through
    world = harness.world
    world.run(1)
    held = world.lease()
    proxy.lose_answer(COMMIT)
    row = lifecycle.BeginSubmit(held.attempt_id, held.epoch, "digest")

    async def late():
        with pytest.raises(Exception, match="cannot be used"):
            await harness.writer.submit(lifecycle.begin_submit, row)
        world.clock.advance_ms(LEASE_MS)
        world.rescue("w2")
        return await harness.writer.submit(
            lifecycle.begin_submit, lifecycle.BeginSubmit(held.attempt_id, held.epoch, "digest", repeat=True)
        )

    assert harness.run(late()) is lifecycle.Send.LATE
    assert world.attempts() == {"in_doubt": 1}


def test_a_submission_that_was_not_repeated_is_never_told_to_go_twice(world):
    world.run(1)
    held = world.lease()
    assert world.send(held) is lifecycle.Send.GO
    assert world.send(held) is lifecycle.Send.LATE


def test_whichever_commit_of_a_batch_is_lost_every_job_is_paid_once_and_none_waits_for_a_lease(through):
    harness, proxy = through
    world = harness.world
    number = tries = 0
    while proxy.lost == tries:
        number, tries = number + STEP, tries + 1
        wipe(world.database)
        world.limit()
        world.run(JOBS, run_key=f"{number}")
        harness.provider.__init__(harness.clock)
        began = harness.clock.monotonic()
        proxy.lose_answer(COMMIT, number)
        try:
            harness.drain()
        except DatabaseError:  # while it arrived or left: then the command says so, and is run again
            assert len(harness.provider.posts) == 0 or world.jobs() == {"succeeded": JOBS}, number
            harness.drain()
        proxy.lose_answer(COMMIT, 0)  # the looks of the test itself are not meant
        assert world.jobs() == {"succeeded": JOBS}, number
        assert len(harness.provider.posts) == JOBS, number
        assert harness.clock.monotonic() - began < LEASE_MS / 1000, number
        world.check_money()
    assert tries > 5


def test_a_server_that_is_away_for_minutes_stops_spending_and_loses_nothing(through):
    """The restart comes while everything is under way: leased, sent, running, being stored."""
    harness, proxy = through
    world = harness.world
    world.run(12)
    harness.change("limits", concurrency=4)
    posts_while_away = []

    def leave(_stop):
        proxy.refuse()
        posts_while_away.append(len(harness.provider.posts))

    def come_back(_stop):
        posts_while_away.append(len(harness.provider.posts))
        proxy.mend()

    harness.run_for(900, (14.0, leave), (14.0 + 400.0, come_back))
    assert world.jobs() == {"succeeded": 12}
    assert len(harness.provider.posts) == 12
    before, after = posts_while_away
    assert after - before <= 4  # whose intent was durable already
    assert {row.epoch for row in world.rows(lifecycle.attempts)} == {1}
    world.check_money()
