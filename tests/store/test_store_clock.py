"""Time comes from one clock: the database's, where it has one."""

import time

from support.times import FakeClock

from orchestrator.store.db.database import Database
from orchestrator.store.db.server_clock import STEADY_MS, ServerClock

TEN_YEARS_MS = 10 * 365 * 86_400_000


def test_a_host_whose_clock_is_wrong_goes_by_the_databases(database_url):
    host = FakeClock(TEN_YEARS_MS)
    database = Database.open(database_url, host)
    with database.read() as tx:
        now = tx.now
    if database.url.get_backend_name() == "sqlite":
        assert now == database.clock.now_ms() == host.now_ms()
    else:
        assert abs(now - time.time() * 1000) < 60_000
        assert abs(database.clock.now_ms() - now) <= STEADY_MS
    database.close()


def test_a_clock_that_is_right_is_not_moved_by_answers_that_take_their_time():
    host = FakeClock()
    clock = ServerClock(host)
    clock.observe(host.now_ms() - STEADY_MS)
    assert clock.now_ms() == host.now_ms()


def test_a_host_clock_that_is_set_right_is_followed():
    host = FakeClock()
    clock = ServerClock(host)
    clock.observe(host.now_ms() - 3_600_000)
    assert clock.now_ms() == host.now_ms() - 3_600_000
    host.advance_ms(-3_600_000)
    clock.observe(host.now_ms())
    assert clock.now_ms() == host.now_ms()
