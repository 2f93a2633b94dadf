"""Progress: six lines on a terminal, one on a narrow one, a line at each step in a log."""

import io
from dataclasses import replace

import pytest

from orchestrator.cli.rendering.display import Live, Plain, Silent, choose
from orchestrator.cli.rendering.snapshot import Snapshot, lines, plain
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money.caps import Cap
from orchestrator.store.stops.stops import Stoppage
from orchestrator.store.views.runs.progress import Progress


class DisplayClock:
    seconds = 0.0

    def now_ms(self):
        return 1_795_352_400_000

    def monotonic(self):
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self):
        return True


def snapshot(done=10, failed=0, total=40, elapsed=20.0, reasons=()):
    jobs = {
        "pending": total - done - failed,
        "running": 0,
        "succeeded": done,
        "failed": failed,
        "cancelled": 0,
        "reused": 0,
    }
    progress = Progress(
        jobs=jobs,
        in_doubt=0,
        fetching=1,
        stored=done,
        nsfw=0,
        spent_micros=280_000,
        held_micros=28_000,
        failures=list(reasons),
        runs=[],
    )
    return Snapshot("hero", progress, elapsed, worker={"in_flight": 4})


def test_jobs_that_earlier_pictures_serve_are_none_of_those_to_be_made():
    shown = snapshot(done=10, total=40)
    shown.progress.jobs["reused"] = 1_180
    first, _money, _now, result, _keys = lines(shown, 120)
    assert "10/40  25 %" in first
    assert result == "result  10 done, 1,180 reused"


def test_a_wide_terminal_shows_progress_money_and_what_happens_now():
    first, money, now, result, _keys = lines(snapshot(failed=2, reasons=[("moderated", 2)]), 120)
    assert "12/40  30 %" in first
    assert "47 s left" in first
    assert money == "money   $0.28 spent, $0.028 held"
    assert now == "now     4 in flight, 1 downloading, 28 waiting, 36.0 jobs/min"
    assert result == "result  10 done, 2 failed (2 moderated)"


@pytest.mark.parametrize(
    ("of_list", "says"),
    [
        ((50, 50), ", at 50 % of the list price"),
        ((50, 100), ", at 50 to 100 % of list prices"),
        ((100, 100), ""),
    ],
)
def test_how_prices_stand_to_the_list_is_shown_where_they_differ_and_where_it_fits(of_list, says):
    shown = snapshot()
    shown = replace(shown, progress=replace(shown.progress, of_list=of_list))
    assert lines(shown, 120)[1] == f"money   $0.28 spent, $0.028 held{says}"
    assert lines(shown, 60)[1] in {
        f"money   $0.28 spent, $0.028 held{says}",
        "money   $0.28 spent, $0.028 held",
    }
    assert f"$0.028 held{says}," in plain(shown)


def test_a_narrow_terminal_gets_one_line_that_fits():
    (line,) = lines(snapshot(), 40)
    assert len(line) <= 40


@pytest.mark.parametrize(
    ("done", "elapsed", "known"), [(3, 10.0, False), (10, 10.0, True), (3, 61.0, True), (0, 90.0, False)]
)
def test_time_left_is_told_only_once_there_is_enough_to_judge_by(done, elapsed, known):
    assert (snapshot(done=done, elapsed=elapsed).eta_seconds is not None) is known


def test_a_log_gets_a_line_at_each_step_each_new_cause_and_each_minute(capsys):
    clock = DisplayClock()
    display = Plain(clock)
    for done in range(9):
        display.show(snapshot(done=done))
    at_steps = len(capsys.readouterr().err.splitlines())
    display.show(snapshot(done=8, failed=0))
    quiet = capsys.readouterr().err
    display.show(snapshot(done=8, failed=0, reasons=[("moderated", 1)]))
    new_cause = capsys.readouterr().err
    clock.seconds = 61
    display.show(snapshot(done=8, failed=0, reasons=[("moderated", 1)]))
    assert (at_steps, quiet) == (5, "")
    assert "\r" not in new_cause
    assert len(new_cause.splitlines()) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("stream", "env", "quiet", "kind"),
    [
        (Terminal(), {}, False, Live),
        (Terminal(), {"TERM": "dumb"}, False, Plain),
        (Terminal(), {"CI": "true"}, False, Plain),
        (io.StringIO(), {}, False, Plain),
        (Terminal(), {}, True, Silent),
    ],
)
def test_the_display_degrades_with_what_it_is_shown_on(stream, env, quiet, kind):
    assert type(choose(quiet=quiet, clock=DisplayClock(), stream=stream, env=env)) is kind


def test_the_live_display_draws_and_leaves_nothing_behind():
    stream = Terminal()
    with Live(stream) as display:
        display.show(snapshot())
        display.say("a sentence")
    assert "10/40" in stream.getvalue()
    assert "a sentence" in stream.getvalue()


def test_what_is_stopped_is_part_of_the_plain_line():
    assert plain(
        snapshot()
    ) == "10/40 25 %, $0.28 spent, $0.028 held, 4 in flight, about 60.0 s left".replace("60.0", "60")


def test_per_cent_and_time_are_of_what_the_caps_let_through():
    shown = replace(snapshot(done=40, total=3_564), beyond=3_484)
    assert "40/80  50 %   20 s elapsed, about 20 s left" in lines(shown, 120)[0]
    assert "4 in flight, 1 downloading, 40 waiting, 3,484 beyond the cap" in lines(shown, 120)[2]
    assert plain(shown).startswith("40/80 50 %")


def test_called_off_jobs_are_neither_done_nor_to_do():
    shown = snapshot(done=10, total=50)
    shown.progress.jobs.update(cancelled=30, pending=10)
    assert "10/20  50 %" in lines(shown, 120)[0]
    assert shown.per_second == 0.5


@pytest.mark.parametrize("doubted", [True, False])
def test_no_time_is_guessed_while_something_is_stopped_or_looked_for(doubted):
    stop = Stoppage("run", "1", "a/b/c", reason="budget", message="too little is left", since=0, until=None)
    shown = snapshot()
    shown = (
        replace(shown, progress=replace(shown.progress, in_doubt=1))
        if doubted
        else replace(shown, stops=(stop,))
    )
    assert shown.eta_seconds is None
    assert lines(shown, 120)[0].endswith("20 s elapsed")


@pytest.mark.parametrize("columns", [60, 72, 80, 120])
def test_no_amount_is_what_is_cut(columns):
    cap = Cap(
        scope=Scope.RUN,
        scope_id=1,
        name="summer/summer-hero-with-a-long-name/main",
        window=Window.TOTAL,
        period="",
        cap_micros=10_000_000,
        spent_micros=196_000,
        held_micros=28_000,
        refund_due_micros=0,
        source="manifest",
    )
    shown = replace(snapshot(done=296, total=3_564), cap=cap)
    found = lines(shown, columns)
    assert all(len(line) < columns for line in found)
    assert "$9.776 left of $10.00" in found[1]
    assert "296/3,564" in found[0]
