"""The database file is deleted or replaced below a worker: nothing is bought twice, and nothing is lost."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crashes.cycle import CycleReport, finish
from crashes.processes import Processes
from crashes.reader import SqliteStore
from crashes.stage import HEAD, Scenario, Stage, staged
from crashes.verdict import Judgement

LONG = Scenario(
    "long",
    HEAD.format(name="long")
    + """\
budget: 1.00
matrix: {scene: {range: [1, 20]}}
params: {prompt: "place {{ scene }}", images: [photo.png]}
output: "{{ scene }}.{{ ext }}"
""",
    cap_micros=1_000_000,
    exit_code=0,
    succeeded=20,
    sandbox={"latency_median": 0.5},
)
"""More than can be under way at once, so that something is left to buy when the file goes."""


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    backup = path.with_name("backup")
    shutil.copyfile(path, backup)
    backup.replace(path)


def without_newest(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def swapped(
    processes: Processes,
    folder: Path,
    swap: Callable[[Path], None],
    *,
    sabotage: str = "",
    recover: Callable[[Stage, Path], None],
) -> tuple[int, CycleReport]:
    """Swap the file below a worker that has sent some requests, recover, work in peace, and judge; returns
    the exit code of that worker."""
    report = CycleReport(Judgement())
    with staged(processes, folder, LONG) as stage:
        assert isinstance(stage.database, SqliteStore)
        path = stage.database.path
        stage.sabotage = sabotage
        worker = stage.worker()
        while len(stage.bill()["posts"]) < 8 and worker.poll() is None:
            time.sleep(0.01)
        swap(path)
        code = worker.wait()
        recover(stage, path)
        finish(report, stage)
    return code, report


def put_saved_back(_stage: Stage, path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    for saved in path.parent.glob(f"{path.name}.saved-*"):
        saved.rename(path)


def rebuild(stage: Stage, _path: Path) -> None:
    words = ("db", "rebuild", "--from", "outputs")
    assert stage.command(*words).wait() == 0


@pytest.mark.parametrize("swap", [deleted, replaced, without_newest])
def test_a_worker_stops_buying_and_its_saved_books_go_on(swap, processes: Processes, tmp_path):
    code, report = swapped(processes, tmp_path / "stage", swap, recover=put_saved_back)
    assert code == 1
    assert report.problems == []


def test_what_was_bought_before_is_rebuilt_from_its_pictures_into_a_new_database(processes, tmp_path):
    code, report = swapped(processes, tmp_path / "stage", deleted, recover=rebuild)
    assert code == 1
    assert report.problems == []


@pytest.mark.parametrize("swap", [deleted, replaced])
def test_a_worker_that_does_not_look_is_found(swap, processes: Processes, tmp_path):
    """The planted mistake: it goes on buying into a file without a name."""
    code, report = swapped(
        processes, tmp_path / "stage", swap, sabotage="do_not_look", recover=put_saved_back
    )
    assert code in {0, 1}  # whatever it says of itself
    assert "attempts" in "\n".join(report.problems)
