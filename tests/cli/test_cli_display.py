"""Progress: six lines on a terminal, one on a narrow one, a line at each step in a log."""

import io

import pytest

from orchestrator.cli.rendering.display import Live, Plain, Silent, choose
from orchestrator.cli.rendering.snapshot import Snapshot, lines, plain
from orchestrator.store.views.progress import Progress


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


def test_a_wide_terminal_shows_progress_money_and_what_happens_now():
    first, money, now, result = lines(snapshot(failed=2, reasons=[("moderated", 2)]), 120)
    assert "12/40  30 %" in first
    assert "47 s left" in first
    assert money == "money   $0.28 spent, $0.028 held"
    assert now == "now     4 in flight, 1 downloading, 28 waiting, 36.0 jobs/min"
    assert result == "result  10 done, 2 failed (2 moderated)"


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
    assert plain(snapshot()) == "10/40 25 %, $0.28 spent, $0.028 held, 4 in flight, 60.0 s left".replace(
        "60.0", "60"
    )
