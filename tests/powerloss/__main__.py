"""The long run: `python -m tests.powerloss --jobs 40 --torn 20`. Exits with 1 when any image breaks a
promise."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crashes.processes import Processes

from powerloss.plug import pull_the_plug


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.powerloss", description=__doc__)
    parser.add_argument("--jobs", type=int, default=40, help="how many (default: 40; 40 reach a checkpoint)")
    parser.add_argument("--torn", type=int, default=20, help="torn images for each moment (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn by chance")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        found = pull_the_plug(
            processes, Path(folder) / "stage", jobs=chosen.jobs, torn=chosen.torn, seed=chosen.seed
        )
    sys.stdout.write(
        f"{found.images} different images of {found.moments} moments; {found.posts} paid requests,"
        f" {found.answers} answers; problems: {dict(found.problems) or 'none'}\n"
    )
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
