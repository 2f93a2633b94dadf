"""A worker with a planted mistake does not get through."""

import pytest

from crashes.cycle import At, run_cycle
from crashes.processes import Processes
from crashes.stage import CAPPED


@pytest.mark.parametrize(
    ("sabotage", "point", "found"),
    [
        ("send_again", "submit.answered", "has 0 attempts"),
        ("leave_unowned", "artifact.half_written", "temporary files"),
        ("give_up_fetching", "poll.recorded", "is not on disk"),
    ],
)
def test_a_mistaken_worker_is_found(sabotage, point, found, processes: Processes, tmp_path):
    report = run_cycle(
        processes=processes, folder=tmp_path / "stage", scenario=CAPPED, kills=[At(point)], sabotage=sabotage
    )
    assert report.killed == 1
    assert found in "\n".join(report.problems)
