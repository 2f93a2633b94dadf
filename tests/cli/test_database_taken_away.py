"""A real process whose database file is deleted or replaced while its requests are on the wire."""

import shutil
import subprocess
import sys
import time

import pytest

from orchestrator.sandbox import parse_faults

CLI = [sys.executable, "-m", "orchestrator.cli.main"]
CONFIG = """\
limits: {level: gold, concurrency: 2}
worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}
"""


def _replaced(path):
    shutil.copyfile(path, path.with_name("backup"))
    path.with_name("backup").replace(path)


@pytest.fixture
def taken_away(shell, provider):
    """Runs three jobs, two at a time, and takes the file away while the first two are being sent."""
    (shell.folder / "config.yaml").write_text(CONFIG)
    provider.change(slow_seconds=0.7)
    provider.use_faults(parse_faults(["submit.slow=1"]))

    def run(how) -> tuple[int, str]:
        command = [*CLI, "run", shell.manifest(), "--yes", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 60
            while provider.bill().post_count < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            how(shell.folder / "orchestrator.db")
            _, err = process.communicate(timeout=60)
        provider.use_faults(parse_faults([]))
        return process.returncode, err

    return run


@pytest.mark.parametrize("how", [lambda path: path.unlink(), _replaced], ids=["deleted", "replaced"])
def test_buying_stops_paid_pictures_arrive_and_the_books_are_saved(shell, provider, taken_away, how):
    code, err = taken_away(how)
    assert code == 1
    assert "Traceback" not in err
    assert "orchestrator db rebuild --from outputs" in err
    assert provider.bill().post_count == 2
    assert len(list((shell.folder / "outputs").rglob("*.png"))) == 2
    (saved,) = shell.folder.glob("orchestrator.db.saved-*")
    for path in shell.folder.glob("orchestrator.db*"):
        if path != saved:
            path.unlink()
    saved.rename(shell.folder / "orchestrator.db")
    assert shell("run", "hero.yaml", "--yes") == 0
    assert provider.bill().post_count == 3


def test_what_was_bought_before_the_file_was_deleted_is_recorded_again_from_its_pictures(
    shell, provider, taken_away
):
    taken_away(lambda path: path.unlink())
    assert shell("run", "hero.yaml", "--yes") == 5
    assert shell("db", "rebuild", "--from", "outputs") == 0
    assert shell("run", "hero.yaml", "--yes") == 0
    assert provider.bill().post_count == 3
