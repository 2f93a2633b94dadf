"""A worker that works on everything fires, expands and ends ticks; no trouble with them stops it."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from support.nights import Nights

from orchestrator.core.errors import DatabaseError
from orchestrator.runtime.network import DIRECT, Network
from orchestrator.runtime.pinging import ping
from orchestrator.store.schedules import expanding
from orchestrator.store.schedules.expanding import Expanded, TickVerdict, TickWhy
from orchestrator.worker.stop import Stop
from orchestrator.worker.upkeep import nights as upkeep


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """In virtual time a thread would be slower than any deadline."""

    async def inline(work, *words):
        return work(*words)

    monkeypatch.setattr(upkeep, "in_thread", inline)


@pytest.fixture
def nights(harness):
    found = Nights(harness.world)
    found.expanded = []

    def expand(order):
        found.expanded.append(order.tick.local)
        run = harness.world.run(2, campaign="spring", name="hero", run_key=order.tick.firing.word)
        return Expanded(TickVerdict.APPLIED, run_id=run.id, message="2 new jobs")

    harness.expander = expand
    return found


@pytest.fixture(autouse=True)
def _readable(monkeypatch):
    monkeypatch.setattr(upkeep, "is_readable", lambda path: "elsewhere" not in path)


def test_a_standing_worker_makes_each_night_when_it_comes(harness, nights):
    nights.add(cron="*/5 * * * *")
    harness.run_for(700)
    assert nights.ticks() == [("11-22T12:05", "done", None), ("11-22T12:10", "done", None)]
    assert harness.world.jobs() == {"succeeded": 4}
    assert len(harness.notices) == 2


def test_a_tick_begins_within_a_minute_of_its_time(harness, nights):
    nights.add()
    nights.until("2026-11-23T02:28")
    harness.run_for(180)
    (tick,) = harness.world.rows(expanding.ticks)
    assert tick.taken_at - tick.at < 20_000


def test_a_worker_on_certain_runs_leaves_schedules_alone(harness, nights):
    nights.add(cron="* * * * *")
    run = harness.world.run(1)
    harness.clock.advance(120)
    harness.drain(run_ids=frozenset({run.id}))
    assert nights.ticks() == []


def test_a_draining_worker_makes_what_is_due_and_leaves_when_its_end_is_noted(harness, nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    harness.drain()
    assert nights.ticks() == [("11-23T02:30", "done", None)]


def test_a_draining_worker_does_not_wait_for_a_manifest_it_cannot_read(harness, nights):
    nights.add("spring/elsewhere")
    nights.until("2026-11-23T02:30")
    harness.drain()
    assert nights.ticks() == [("11-23T02:30", "due", None)]
    assert nights.expanded == []


def test_a_manifest_that_no_worker_reads_is_told_after_ten_minutes(harness, nights):
    nights.add("spring/elsewhere")
    nights.until("2026-11-23T02:30")
    nights.fire()
    for seconds, expected in ((595, []), (10, ["tick_unread"])):
        harness.clock.advance(seconds)
        harness.run_for(1)
        assert [stop.reason for stop in attention(harness)] == expected
    (stop,) = attention(harness)
    assert stop.name == "spring/elsewhere"
    assert "/jobs/spring/elsewhere.yaml" in stop.message


def attention(harness):
    from orchestrator.store.stops.attention import attention as found

    with harness.world.database.read() as tx:
        return found(tx)


def test_an_invalid_manifest_is_something_to_look_at_and_work_goes_on(harness, nights):
    nights.add()
    harness.world.run(1)
    harness.expander = lambda order: Expanded(
        TickVerdict.FAILED, why=TickWhy("manifest_invalid", "a.yaml:1:1: no\na.yaml:2:1: no")
    )
    nights.until("2026-11-23T02:29")
    harness.run_for(120)
    assert harness.world.jobs() == {"succeeded": 1}
    (stop,) = attention(harness)
    assert stop.reason == "tick_failed"
    assert "a.yaml:1:1: no; a.yaml:2:1: no" in stop.message


@pytest.mark.parametrize(("point", "begun"), [("tick.taken", 1), ("tick.expanded", 2)])
def test_a_tick_is_made_by_the_next_worker_when_one_dies_over_it(harness, nights, point, begun):
    class Died(BaseException):
        """The process ends here."""

    def die(name):
        if name == point:
            raise Died

    nights.add()
    nights.until("2026-11-23T02:30")
    harness.crashpoint = die
    dying = upkeep.TickKeeper(harness.deps(), worker_id="w1", everything=True)
    with pytest.raises(Died):
        harness.run(dying.tick(Stop()))
    harness.crashpoint = lambda name: None
    assert nights.ticks() == [("11-23T02:30", "expanding", None)]
    harness.run_for(200)
    assert nights.expanded == ["2026-11-23T02:30"] * begun
    assert nights.ticks() == [("11-23T02:30", "done", None)]
    assert harness.world.jobs() == {"succeeded": 2}


def test_a_drain_that_looks_at_the_moment_a_tick_is_taken_does_not_end_over_it(harness, nights):
    nights.add()
    nights.until("2026-11-23T02:30")
    keeper = upkeep.TickKeeper(harness.deps(), worker_id="w1", everything=True)
    seen, submit = [], harness.writer.submit

    async def look(operation, row):
        answer = await submit(operation, row)
        if operation.__name__ in {"_take", "_finish"}:
            with harness.world.database.read() as tx:
                seen.append(keeper.settled(tx))
        return answer

    harness.writer.submit = look
    harness.run(keeper.tick(Stop()))
    assert seen == [False, False]


def test_a_database_that_is_away_while_a_tick_is_expanded_costs_time_and_no_tick(harness, nights):
    made = harness.expander
    troubles = [DatabaseError("away", transient=True)]

    def flaky(order):
        if troubles:
            raise troubles.pop()
        return made(order)

    harness.expander = flaky
    nights.add()
    nights.until("2026-11-23T02:30")
    harness.run_for(200)
    assert nights.ticks() == [("11-23T02:30", "done", None)]


def test_what_is_told_of_a_tick_is_its_start_and_its_code(harness, nights):
    heard = []
    harness.ping = lambda url: bool(heard.append(url) or True)
    nights.add(ping="https://hc.example/abc")
    nights.until("2026-11-23T02:30")
    harness.run_for(60)
    assert heard == ["https://hc.example/abc/start", "https://hc.example/abc/0"]


def test_an_address_that_never_answers_stops_nothing(harness, nights):
    heard = []
    harness.ping = lambda url: bool(heard.append(url))
    nights.add(ping="https://hc.example/abc")
    nights.until("2026-11-23T02:30")
    harness.run_for(200)
    assert nights.ticks() == [("11-23T02:30", "done", None)]
    assert len(heard) in {3, 4, 5}


def test_a_worker_that_is_told_to_stop_begins_no_tick(harness, nights):
    nights.add()
    nights.until("2026-11-23T02:29:50")
    harness.run_for(60, (1, lambda stop: stop.request()))
    assert nights.expanded == []


class Listener(BaseHTTPRequestHandler):
    """Answers with the status that the path names, and notes it."""

    def do_GET(self):
        self.server.heard.append((self.path, self.headers.get("Authorization")))
        self.send_response(int(self.path.rsplit("=", 1)[-1]))
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def listener():
    server = HTTPServer(("127.0.0.1", 0), Listener)
    server.heard = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_address_is_told_once_without_credentials_and_its_answer_counts(listener):
    at = f"http://127.0.0.1:{listener.server_port}/abc/start?status="
    assert [ping(f"{at}{status}", DIRECT) for status in (200, 204, 302, 404, 500)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [auth for _path, auth in listener.heard] == [None] * 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://", "ftp://x.example/", "http://[::bad/"])
def test_an_address_that_cannot_be_reached_is_no_error(url):
    assert not ping(url, DIRECT)


def test_an_address_is_reached_through_the_proxy_of_the_process(listener):
    network = Network(http_proxy=f"http://127.0.0.1:{listener.server_port}")
    assert ping("http://hc.example/abc/start?status=200", network)
    assert listener.heard[0][0] == "http://hc.example/abc/start?status=200"
