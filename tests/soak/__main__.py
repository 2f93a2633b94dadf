"""The soak: `python -m tests.soak --minutes 60 --workers 3 --database postgres --faults 0.03`.

Workers are killed, frozen and restarted, the database crashes, the network breaks, every fault of the
provider strikes, and people go on using it. Every minute it is judged from outside. Exits with 1 on any
breach.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak.outcome import Outcome
from soak.parameters import Parameters
from soak.planted_bugs import PLANTED_BUGS
from soak.run import soak

PROBLEMS_SHOWN = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (default: 3)")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--faults", type=float, default=0.03, help="rate of each usual fault (default: 0.03)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn by chance")
    parser.add_argument(
        "--plant", choices=sorted(PLANTED_BUGS), default="", help="make a breach, which must be found"
    )
    parser.add_argument(
        "--report", type=Path, help="where the JSON summary goes; else into the soak's folder"
    )
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever ends it wants its servers ended too
    parameters = Parameters(
        minutes=chosen.minutes,
        workers=chosen.workers,
        database=chosen.database,
        faults=chosen.faults,
        seed=chosen.seed,
        plant=chosen.plant,
    )
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    say(f"{parameters}\nin {folder}; samples in {folder / 'samples.jsonl'}")
    outcome = soak(parameters, folder, say)
    report = chosen.report or folder / "soak.json"
    report.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    say(summary(outcome))
    say(f"summary: {report}")
    if outcome.passed and chosen.report:
        shutil.rmtree(folder)
    return 0 if outcome.passed else 1


def summary(outcome: Outcome) -> str:
    """For people."""
    figures = outcome.figures
    deeds = "\n".join(f"  {count:6} {what}" for what, count in sorted(outcome.deeds.items()))
    found = outcome.verdict.problems
    problems = "\n".join(f"  BAD {problem}" for problem in found[:PROBLEMS_SHOWN])
    if len(found) > PROBLEMS_SHOWN:
        problems += f"\n  ... and {len(found) - PROBLEMS_SHOWN} more in the summary"
    return (
        f"\n{figures['tasks_billed']} tasks billed of {figures['requests']} requests, {figures['pictures']} "
        "pictures on"
        f" disk, {figures['faults_fired']} faults of {len(outcome.faults)} kinds, {figures['lost_replies']} "
        "lost replies"
        f" resolved, ${figures['charged_usd']:.2f} charged\n"
        f"at most {figures['posts_per_minute_max']} submits in 60 s and {figures['at_once_max']} tasks at "
        "once, by the"
        f" provider's account; finished {figures['seconds_to_finish']} s after the troubles ended;"
        f" {figures['cores']} cores on average\n{deeds}\n{problems}\n"
        f"paid twice {outcome.verdict.double_billed}, lost {outcome.verdict.lost}: "
        f"{'PASSED' if outcome.passed else 'FAILED'}"
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
