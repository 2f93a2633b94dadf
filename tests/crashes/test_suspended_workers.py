"""A worker that is stopped for longer than its lease wakes up late: others have taken over, and it changes
nothing.

One task at a time, so that no second request is on its way to the wire when the worker is stopped: what has
passed the last check cannot be called back by anybody.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from crashes.judge import judge_end
from crashes.processes import Child, Processes
from crashes.stage import CAPPED, CONFIG, staged
from crashes.wire import Moment, Wire


@pytest.mark.parametrize("moment", [Moment.SENT, Moment.HALF_ANSWERED])
def test_a_worker_that_wakes_after_its_lease_changes_nothing(moment, processes: Processes, tmp_path):
    with staged(processes, tmp_path / "stage", CAPPED) as stage, Wire(stage.url) as wire:
        (stage.folder / "config.yaml").write_text(CONFIG.replace("concurrency: 6", "concurrency: 1"))
        stage.worker_url = wire.url
        sleeper = stage.worker()
        wire.arm(moment, 1, lambda: os.kill(sleeper.pid, signal.SIGSTOP))
        wait_until_stopped(sleeper)
        assert stage.worker().wait() == CAPPED.exit_code, stage.log()
        finished = stage.bill()
        assert (
            judge_end(store=stage.database, outputs=stage.outputs, bill=finished, scenario=CAPPED).problems
            == []
        )
        os.kill(sleeper.pid, signal.SIGCONT)
        assert sleeper.wait() == CAPPED.exit_code, stage.log()
        verdict = judge_end(store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=CAPPED)
        assert verdict.problems == [], stage.log()
        assert stage.bill()["posts"] == finished["posts"]


def wait_until_stopped(child: Child) -> None:
    until = time.monotonic() + 60
    while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert child.poll() is None, "the worker has ended"
        assert time.monotonic() < until, "the worker was not stopped"
        time.sleep(0.01)
