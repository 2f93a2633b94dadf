"""Small pictures: what making them costs beside bare Pillow, and what they take from a run.

    python -m benchmarks.thumbnails [pictures] [jobs] [--rounds 3]

First the same 2 MB pictures, each made 768 and 256 pixels large and written: by Pillow alone, as anybody
would write it, and by the shelf with everything on (digest compared, upright, profile, a name when whole).
Then the same run with and without `outputs.thumbnails`.
"""

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks import machine, ours, process, scratch, stage, table
from orchestrator.pictures.shelf import ThumbnailShelf

SIDE = 1_500
DISTINCT = 20
ROUNDS = 3
"""The runs alternate, and the best of each counts: the machine may be a shared one."""


def draw(folder: Path, count: int) -> list[Path]:
    """Pictures like photographs: smooth, with some noise."""
    found = []
    for number in range(count):
        noise = Image.effect_noise((SIDE, SIDE), 9 + number % 3)
        colours = (Image.linear_gradient("L").resize((SIDE, SIDE)).rotate(90 * turn) for turn in range(3))
        picture = Image.merge("RGB", [Image.blend(each, noise, 0.15) for each in colours])
        found.append(folder / f"{number}.png")
        picture.save(found[-1], compress_level=1)
    return found


def bare(ready: Callable[[], None], pictures: list[Path], folder: Path) -> None:
    """Pillow alone."""
    ready()
    for number, path in enumerate(pictures):
        with Image.open(path) as picture:
            small = picture.convert("RGB")
        for side in (768, 256):
            small.thumbnail((side, side))
            small.save(folder / f"{number}-{side}.webp", "WEBP", quality=74)


def shelf(ready: Callable[[], None], pictures: list[tuple[Path, str]], folder: Path) -> None:
    """As it is done after a download."""
    ready()
    small = ThumbnailShelf(folder)
    for path, sha256 in pictures:
        small.add(sha256, path, flagged=False)


def cost(count: int) -> None:
    """Print the first table."""
    drawn = draw(scratch.folder(), min(count, DISTINCT))
    paths = [drawn[number % len(drawn)] for number in range(count)]
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn}
    first = process.run(bare, paths, scratch.folder())
    second = process.run(shelf, [(path, digests[path]) for path in paths], scratch.folder())
    ratio = second.cpu_seconds / first.cpu_seconds
    rows = [
        ("bare Pillow", f"{1000 * first.cpu_seconds / count:.1f}", ""),
        ("the shelf", f"{1000 * second.cpu_seconds / count:.1f}", table.at_most(ratio, 1.2)),
    ]
    table.show(("What", "CPU ms/picture", "Ratio"), rows)


def pace(jobs: int, rounds: int) -> None:
    """Print the second table."""
    best = dict.fromkeys(("true", "false"), 0.0)
    for _ in range(rounds):
        for wanted, rate in best.items():
            with stage.sandbox() as sandbox:
                path = ours.project(sandbox.url, jobs, outputs=f"{{thumbnails: {wanted}}}")
                used = process.run(ours.work, path)
                ours.check_all_done(path, jobs)
            best[wanted] = max(rate, jobs / used.wall_seconds)
    ratio = best["true"] / best["false"]
    rows = [
        ("without", f"{best['false']:,.0f}", ""),
        ("with", f"{best['true']:,.0f}", table.at_least(ratio, 0.9)),
    ]
    table.show(("A run", "Jobs/s", "Ratio"), rows)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description="What small pictures cost.")
    parser.add_argument("pictures", nargs="?", type=int, default=200)
    parser.add_argument("jobs", nargs="?", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each run is made")
    given = parser.parse_args()
    print(f"{machine.name()}\n")
    cost(given.pictures)
    print()
    pace(given.jobs, given.rounds)


if __name__ == "__main__":
    main()
