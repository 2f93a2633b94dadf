"""A worker dies while a paid request is on its way; what the provider has seen decides what happens next."""

import os
import signal

import pytest

from crashes.judge import judge_end, judge_moment
from crashes.processes import Processes
from crashes.stage import CAPPED, staged
from crashes.wire import Moment, Wire


@pytest.mark.parametrize(
    ("moment", "times", "tasks_left_behind"),
    [
        (Moment.CONNECTED, 3, None),
        (Moment.HALF_SENT, 1, None),
        (Moment.SENT, 2, 1),
        (Moment.HALF_ANSWERED, 1, 1),
    ],
)
def test_nothing_is_lost_or_paid_twice_when_the_worker_dies_while_a_request_is(
    moment, times, tasks_left_behind, processes: Processes, tmp_path
):
    with staged(processes, tmp_path / "stage", CAPPED) as stage, Wire(stage.url) as wire:
        stage.worker_url = wire.url
        worker = stage.worker()
        wire.arm(moment, times, lambda: os.kill(worker.pid, signal.SIGKILL))
        assert worker.wait() == -signal.SIGKILL, stage.log()
        then = stage.bill()
        assert (
            judge_moment(store=stage.database, outputs=stage.outputs, bill=then, scenario=CAPPED).problems
            == []
        )
        assert len(then["tasks"]) >= (tasks_left_behind or 0)
        assert stage.worker().wait() == CAPPED.exit_code, stage.log()
        verdict = judge_end(store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=CAPPED)
        assert verdict.problems == [], stage.log()
        assert verdict.pictures == CAPPED.succeeded
        if moment is not Moment.CONNECTED:
            assert verdict.doubted >= 1
