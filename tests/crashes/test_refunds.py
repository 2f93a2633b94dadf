"""A worker dies when it has read the bill and before it has written down what it read."""

import signal
import time
from collections.abc import Callable
from dataclasses import replace

from crashes.judge import judge_end
from crashes.processes import Child, Processes
from crashes.stage import MIXED, Stage, staged

LATER = "120"
"""Seconds by which a later worker's clock is ahead: by then the provider's bill is worth reading."""


def booked_micros(stage: Stage) -> int:
    """Refunds that our ledger says were seen."""
    with stage.database.opened() as reader:
        (row,) = reader.rows(
            "SELECT coalesce(-sum(refund_due_delta), 0) AS micros FROM ledger WHERE kind = 'refund_seen'"
        )
    return int(row["micros"])


def test_a_refund_that_was_seen_when_the_worker_died_is_booked_once(processes: Processes, tmp_path):
    quick = replace(MIXED, sandbox={"refund_delay": 0.05})
    with staged(processes, tmp_path / "stage", quick) as stage:
        assert stage.worker().wait() == quick.exit_code, stage.log()
        assert booked_micros(stage) == 0
        killed = stage.command("work", crash_at="bill.read", CLOCK_AHEAD_SECONDS=LATER)
        assert killed.wait() == -signal.SIGKILL, stage.log()
        assert booked_micros(stage) == 0
        second = stage.command("work", CLOCK_AHEAD_SECONDS=LATER)
        refunded = stage.bill()["refunded_micros"]
        wait_until(lambda: booked_micros(stage) == refunded, second)
        second.kill()
        assert refunded > 0
        assert (
            judge_end(store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=quick).problems
            == []
        )


def wait_until(done: Callable[[], bool], child: Child) -> None:
    """Return when it is so; the child has to live until then."""
    until = time.monotonic() + 60
    while not done():
        assert child.poll() is None, "the worker has ended"
        assert time.monotonic() < until, "it does not come to be"
        time.sleep(0.05)
