"""A worker is killed at each named point; the next one finishes as if nothing had happened."""

import pytest

from crashes.cycle import CycleReport, run_cycle
from crashes.points import AFTER_ANOTHER_KILL, AT_FIRST, Case
from crashes.processes import Processes
from crashes.stage import Stage, staged


def told(report: CycleReport) -> str:
    """Why a cycle is wrong, with what the commands said."""
    return "\n".join([*report.problems, *report.missed, report.log[-3000:]])


@pytest.mark.parametrize("case", [*AT_FIRST, *AFTER_ANOTHER_KILL], ids=str)
def test_nothing_is_lost_or_paid_twice_by_a_kill_at(case: Case, processes: Processes, tmp_path):
    report = run_cycle(
        processes=processes,
        folder=tmp_path / "stage",
        scenario=case.scenario,
        kills=case.kills,
        again=case.again,
    )
    assert not report.missed, told(report)
    assert report.killed == len(case.kills)
    assert not report.problems, told(report)
    assert (report.verdict.double_billed, report.verdict.lost) == (0, 0)
    assert report.verdict.pictures > 0


MANY = """\
version: 1
name: mixed
model: kwaivgi/kling-image-o3/edit
matrix: {item: {range: [1, 6000]}}
params: {prompt: "item {{ item }}", images: [https://in.example/a.png]}
output: "{{ item }}.{{ ext }}"
"""


def test_an_apply_killed_at_any_commit_is_completed_by_applying_again(processes: Processes, tmp_path):
    from crashes.stage import MIXED

    with staged(processes, tmp_path / "stage", MIXED) as stage:
        (stage.folder / "many.yaml").write_text(MANY)
        points = ("db.before_commit@1", "db.before_commit@2", "db.after_commit@2", "db.before_commit@3")
        codes = [apply(stage, crash_at=point) for point in points]
        assert codes == [-9] * len(points), stage.log()
        assert apply(stage) == 0, stage.log()
        with stage.database.opened() as reader:
            (counts,) = reader.rows(
                "SELECT (SELECT count(DISTINCT key) FROM jobs) AS keys, (SELECT count(*) FROM jobs) AS jobs,"
                " (SELECT count(*) FROM job_specs) AS specs, (SELECT count(DISTINCT path) FROM outputs) AS "
                "paths"
            )
            assert set(counts.values()) == {6000}
            assert reader.damage() == []
        assert stage.bill()["posts"] == []


def apply(stage: Stage, crash_at: str = "") -> int:
    return stage.command("apply", "many.yaml", crash_at=crash_at).wait()
