"""Several workers on one database at once: threads with connections of their own, and whole processes."""

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from support.artifacts import picture
from support.times import FakeEntropy
from support.world import PRICE, World, run_spec, spec

from orchestrator.core.states import AttemptState
from orchestrator.store.account import rate_limits, rate_window
from orchestrator.store.attempts import endings, lifecycle, outputs
from orchestrator.store.db.schema import JOB_READY, rate_grants
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.doubts import adoption
from orchestrator.store.money.ledger import CapRacedError
from orchestrator.store.runs import adding, jobs, runs

CLAIMER = """
import sys
from orchestrator.runtime.clock import SystemClock, SystemEntropy
from orchestrator.store.claiming import claim
from orchestrator.store.db.database import Database
database = Database.open(sys.argv[1], SystemClock())
token = SystemEntropy().token
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    with database.write() as tx:
        (result,) = claim.claim(tx, [claim.ClaimRequest(sys.argv[2], 3, 60_000, "UTC", token)])
    for claimed in result.claimed:
        print(claimed.job_id, flush=True)
database.close()
"""


def test_processes_that_claim_at_once_never_exceed_slots_rate_or_cap_and_share_no_job(database_url, world):
    world.run(40)
    world.limit(concurrency=30, submits_per_minute=28)
    world.cap(PRICE * 25)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, database_url, f"w{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(claimed) == len(set(claimed)) == 25
    world.check_money()


def _together(count, work):
    """Run `work(number)` in threads that start at one moment; returns what each answered or raised."""
    barrier = threading.Barrier(count)

    def begin(number):
        barrier.wait(10)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.fixture
def worlds(world, open_database, clock):
    """Three worlds on one database, each with connections of its own."""
    return [world, *(World(open_database(), clock, FakeEntropy(seed)) for seed in (2, 3))]


def _claim_some(world, number):
    got = []
    for _ in range(8):
        try:
            got.extend(world.claim(2, f"w{number}"))
        except CapRacedError:
            continue
    return got


@pytest.mark.parametrize("bound", ["slots", "rate", "cap"])
def test_threads_that_claim_at_once_stop_at_the_bound(worlds, bound):
    world = worlds[0]
    for number in range(4):
        world.run(15, campaign=f"c{number % 2}", run_key=f"{number}")
    if bound == "cap":
        world.cap(PRICE * 17)
    else:
        world.limit(**{"slots": {"concurrency": 17}, "rate": {"submits_per_minute": 17}}[bound])
    got = [item for claimed in _together(3, lambda n: _claim_some(worlds[n], n)) for item in claimed]
    assert len(got) == len({item.job_id for item in got}) == 17
    assert sum(row.granted for row in world.rows(rate_grants)) == 17
    world.check_money()


def test_whole_lives_at_once_keep_the_books(worlds):
    world = worlds[0]
    world.run(20, campaign="a")
    world.run(20, campaign="b")
    world.cap(PRICE * 30)

    def live(number):
        mine = worlds[number]
        ends = [mine.finish, lambda held: mine.finish(held, 0, lost=((0, "gone"),))]
        for turn in range(10):
            for held in mine.claim(1, f"w{number}"):
                mine.send(held)
                mine.accept(held, f"p{number}-{turn}", f"w{number}")
                if turn % 3 == 2:
                    mine.fail(held, refund_ms=0)
                    continue
                mine.complete(held)
                ends[turn % 2](held)

    _together(3, live)
    world.check_money()
    assert set(world.attempts()) <= {"succeeded", "failed"}
    assert sum(world.attempts().values()) == 30


def test_two_rescuers_share_no_attempt(worlds):
    world = worlds[0]
    world.run(30)
    for _ in range(30):
        world.until(AttemptState.IN_FLIGHT)
    world.clock.advance_ms(60_000)
    taken = _together(3, lambda n: [item.attempt_id for item in worlds[n].rescue(f"w{n}").taken_over])
    found = Counter(attempt_id for ids in taken for attempt_id in ids)
    assert set(found.values()) == {1}
    assert sum(found.values()) + sum(len(world.rescue().taken_over) for _ in range(2)) == 30


def test_the_same_ending_at_once_happens_once(worlds):
    world = worlds[0]
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    assert sorted(_together(3, lambda n: worlds[n].finish(held))) == [False, False, True]
    world.check_money()


def test_two_applies_at_once_add_every_job_once(worlds):
    added = _together(3, lambda n: worlds[n].apply([spec(number) for number in range(20)]))
    assert sum(one.new for one in added) == 20
    assert worlds[0].jobs() == {"pending": 20}


def test_two_manifests_applied_at_once_get_their_own_jobs(worlds):
    def apply(number):
        return worlds[number].apply([spec(n, prefix=f"m{number}") for n in range(20)], name=f"m{number}")

    assert [one.new for one in _together(3, apply)] == [20, 20, 20]


@pytest.mark.parametrize("way", ["retry", "apply"])
def test_a_job_made_ready_while_a_claim_closes_its_lane_is_found(worlds, way):
    """The claim has seen no ready job and closes the lane; the job becomes visible only after that."""
    world, other, _ = worlds
    world.run(1)
    held = world.until(AttemptState.FAILED)
    with ThreadPoolExecutor(1) as pool:
        with world.database.write() as tx:
            if way == "retry":
                jobs.retry(tx, [held.job_id])
            else:
                adding.add_jobs(tx, runs.ensure_run(tx, run_spec()), [spec(9)])
            closing = pool.submit(other.claim)
            threading.Event().wait(0.2)  # the claim is at the lane now, and must wait there
        early = closing.result(10)
    assert len(early) + len(world.claim()) == 1


@pytest.mark.parametrize("write", ["finish", "fail", "send after a while", "accept after a while"])
def test_nobody_waits_for_a_transaction_that_has_not_come_to_its_shared_rows(worlds, write):
    """One worker has taken the account's row to claim and has finished a job: the other's writes go on
    meanwhile."""
    world, other, _ = worlds
    if world.database.url.get_backend_name() == "sqlite":
        pytest.skip("a file has one writer at a time")
    world.run(3)
    mine = world.until(AttemptState.FETCHING)
    states = {"finish": AttemptState.FETCHING, "fail": AttemptState.IN_FLIGHT}
    held = world.until(
        states.get(write, AttemptState.SUBMITTING if "accept" in write else AttemptState.LEASED)
    )
    world.clock.advance_ms(rate_window.ANSWERED_WITHIN_MS + 1)
    writes = {
        "finish": lambda: other.finish(held),
        "fail": lambda: other.fail(held),
        "send after a while": lambda: other.send(held) is lifecycle.Send.GO,
        "accept after a while": lambda: other.accept(held, "another") == held.epoch,
    }
    with ThreadPoolExecutor(1) as pool, world.database.write() as tx:
        rate_limits.allowance(tx)
        assert endings.finish(tx, [outputs.Finish(mine.attempt_id, mine.epoch, ((0, picture()),))]) == [True]
        assert pool.submit(writes[write]).result(10)
    world.check_money()
    granted = sum(row.granted for row in world.rows(rate_grants))
    assert granted == 2, "each of the two attempts counts once, whenever it was granted"


def test_a_job_that_is_cancelled_at_that_moment_adopts_nothing(worlds):
    world, other, _ = worlds
    world.run(1)

    def adopt():
        with other.database.write() as tx:
            return adoption.assign(tx, 1, "task", status="created", token="token", timezone="UTC")

    with ThreadPoolExecutor(1) as pool:
        with world.database.write() as tx:
            assert jobs.cancel(tx, [1]).now == [1]
            adopting = pool.submit(adopt)
            threading.Event().wait(0.2)  # it is at the job now, and must wait there
        assert adopting.result(10) is False
    assert (world.jobs(), world.attempts()) == ({"cancelled": 1}, {})


def test_a_reader_sees_one_moment_while_others_write(worlds):
    world, other, _ = worlds
    world.run(2)
    with world.database.read() as tx:
        count = select(job_table.c.id).where(JOB_READY)
        before = len(tx.conn.execute(count).all())
        other.claim()
        assert len(tx.conn.execute(count).all()) == before == 2
