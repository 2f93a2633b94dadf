"""One cycle: workers that are killed, then one that is not, then the judge."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crashes.always import files_in
from crashes.judge import judge_end, judge_moment
from crashes.processes import Processes
from crashes.reader import Store
from crashes.stage import Scenario, Stage, staged
from crashes.verdict import Judgement

SIGKILLED = -9


@dataclass(frozen=True)
class At:
    """The worker kills itself at the n-th passing of a point."""

    point: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.point}@{self.times}"


@dataclass(frozen=True)
class After:
    """The worker is killed from outside, so long after it was started."""

    seconds: float

    def __str__(self) -> str:
        return f"after {self.seconds:.3f} s"


Kill = At | After


@dataclass
class CycleReport:
    """What one cycle found."""

    verdict: Judgement
    killed: int = 0
    missed: list[str] = field(default_factory=list)  # kills whose worker had ended before
    seconds: float = 0.0
    seconds_to_finish: float = 0.0
    log: str = ""

    @property
    def problems(self) -> list[str]:
        return self.verdict.problems


def run_cycle(
    processes: Processes,
    folder: Path,
    scenario: Scenario,
    kills: Sequence[Kill],
    *,
    seed: int = 1,
    again: bool = False,
    sabotage: str = "",
    database: Store | None = None,
) -> CycleReport:
    """Kill a worker at each of `kills` in turn, finish in peace, judge.

    With `again`, see that nothing is left to do. With a `sabotage`, every worker makes that mistake.
    """
    began = time.monotonic()
    report = CycleReport(Judgement())
    with staged(processes=processes, folder=folder, scenario=scenario, seed=seed, database=database) as stage:
        stage.sabotage = sabotage
        for kill in kills:
            _killed_worker(report, stage, kill)
            report.verdict += judge_moment(
                store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=scenario
            )
        finish(report, stage)
        if again:
            _nothing_is_left(report, stage)
        report.log = stage.log()
    report.seconds = time.monotonic() - began
    return report


def _killed_worker(report: CycleReport, stage: Stage, kill: Kill) -> None:
    if isinstance(kill, At):
        code = stage.worker(crash_at=str(kill)).wait()
    else:
        worker = stage.worker()
        time.sleep(kill.seconds)
        code = worker.kill()
    if code == SIGKILLED:
        report.killed += 1
    else:
        report.missed.append(str(kill))


def finish(report: CycleReport, stage: Stage) -> None:
    """A worker that nobody disturbs, and the judge."""
    began = time.monotonic()
    code = stage.worker().wait()
    report.seconds_to_finish = time.monotonic() - began
    wanted = stage.scenario.exit_code
    report.verdict.blame(code == wanted, f"the last worker left with {code}, should be {wanted}")
    report.verdict += judge_end(
        store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=stage.scenario
    )


def _nothing_is_left(report: CycleReport, stage: Stage) -> None:
    before = _files(stage.outputs)
    posts = len(stage.bill()["posts"])
    stage.worker().wait()
    report.verdict.blame(len(stage.bill()["posts"]) == posts, "another run has sent something")
    report.verdict.blame(_files(stage.outputs) == before, "another run has touched files")


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files_in(folder)}
