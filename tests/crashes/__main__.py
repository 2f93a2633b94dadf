"""The long run: `python -m tests.crashes --cycles 200 [--database postgres]`.

Exits with 1 when anything was lost, paid twice or left behind. Cycles spend most of their time waiting (for a
lease to lapse, for a provider's list), so several go on side by side. On Postgres every other cycle has
several workers, which are killed, frozen and cut off, with wrong clocks and a database that crashes.
"""

import argparse
import os
import queue
import random
import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.postgres import OwnPostgres, own_postgres

from crashes.crowd import Crowd, drawn_crowd, fresh_database, run_crowd
from crashes.cycle import CycleReport, run_cycle
from crashes.points import AFTER_ANOTHER_KILL, AT_FIRST, POINTS, Case, drawn
from crashes.processes import Processes
from crashes.stage import CAPPED, CROWDED, LOSSY, MIXED
from crashes.totals import Totals, say
from crashes.verdict import Judgement

Work = tuple[int, Case | Crowd]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--cycles", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn by chance")
    parser.add_argument("--only", default="", help="only cases whose words hold this text")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--lanes", type=int, default=4, help="cycles side by side (default: 4)")
    chosen = parser.parse_args()
    crowds = chosen.database == "postgres"
    work: queue.Queue[Work] = queue.Queue()
    for entry in enumerate(_cases(chosen.cycles, chosen.seed, chosen.only, crowds=crowds), start=1):
        work.put(entry)
    totals = Totals()
    lanes = [
        threading.Thread(target=_lane, args=(number, chosen.database, chosen.seed, work, totals))
        for number in range(chosen.lanes)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    say(totals.summary())
    return 1 if totals.bad or totals.cycles < chosen.cycles else 0


def _cases(cycles: int, seed: int, only: str, *, crowds: bool) -> list[Case | Crowd]:
    """Each written case first, then drawn ones: points and times, up to three kills in a row, any work."""
    dice = random.Random(seed)
    points = tuple(point for point in POINTS if not point.startswith("migrate."))
    cases: list[Case | Crowd] = [case for case in (*AT_FIRST, *AFTER_ANOTHER_KILL) if only in str(case)][
        :cycles
    ]
    while len(cases) < cycles:
        if crowds and dice.random() < 0.6:
            case: Case | Crowd = drawn_crowd(dice, (MIXED, CAPPED, LOSSY, CROWDED, CROWDED), points)
        else:
            case = drawn(dice)
        if only in str(case):
            cases.append(case)
    return cases


def _lane(number: int, database: str, seed: int, work: "queue.Queue[Work]", totals: Totals) -> None:
    """Cycles one after another, with a fork server (and a Postgres, which may crash) for this lane alone."""
    with ExitStack() as stack:
        processes = stack.enter_context(Processes())
        server = stack.enter_context(own_postgres()) if database == "postgres" else None
        while True:
            try:
                cycle, case = work.get_nowait()
            except queue.Empty:
                return
            folder = Path(tempfile.mkdtemp(prefix="crash-"))
            try:
                report = _run(
                    processes=processes,
                    server=server,
                    folder=folder,
                    case=case,
                    seed=seed * 100_000 + cycle,
                    lane=number,
                )
            except AssertionError as error:
                report = CycleReport(Judgement([f"{type(error).__name__}: {error}"]))
            totals.add(cycle, case, report=report, folder=folder)
            if not report.problems:
                shutil.rmtree(folder)


def _run(
    processes: Processes, server: OwnPostgres | None, folder: Path, case: Case | Crowd, seed: int, lane: int
) -> CycleReport:
    if server is None:
        assert isinstance(case, Case)
        return run_cycle(
            processes=processes, folder=folder, scenario=case.scenario, kills=case.kills, seed=seed
        )
    with fresh_database(server, f"cycle_{os.getpid()}_{lane}") as store:
        if isinstance(case, Case):
            return run_cycle(
                processes=processes,
                folder=folder,
                scenario=case.scenario,
                kills=case.kills,
                seed=seed,
                database=store,
            )
        return run_crowd(
            processes=processes, server=server, store=store, folder=folder, crowd=case, seed=seed
        )


if __name__ == "__main__":
    sys.exit(main())
