"""Commands that look write nothing: no row, no byte, no file, and they need no right to."""

import os
import subprocess
import sys

import looking
import pytest
from looking import LOOKING

from orchestrator.cli import main
from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.runs import campaigns

NONE_HERE = "There is no database here yet"


@pytest.fixture
def folder(shell, monkeypatch):
    with looking.open_folder() as folder:
        monkeypatch.chdir(folder)
        shell.folder = folder
        shell.manifest(extra="schedule: {cron: 30 2 * * *}")
        yield folder


@pytest.fixture
def elsewhere():
    """A folder that anybody may write to."""
    with looking.open_folder() as folder:
        folder.chmod(0o777)
        yield folder


def make(shell):
    """Every kind of thing that commands look at."""
    assert shell("apply", "hero.yaml") == ExitCode.DONE
    assert shell("schedule", "add", "hero.yaml") == ExitCode.DONE


def words_of(name, elsewhere):
    return LOOKING[name].format(elsewhere=elsewhere).split()


def test_every_command_is_known_to_look_or_to_write():
    known = {*LOOKING, *looking.NO_DATABASE, *looking.DIAGNOSIS, *looking.WRITING}
    assert looking.commands() == known


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("name", LOOKING)
def test_where_there_is_no_database_none_is_made_and_it_is_said(folder, elsewhere, shell, name, json):
    before = looking.contents(folder)
    code = shell(*words_of(name, elsewhere), *(["--json"] if json else []))
    assert looking.contents(folder) == before
    if name in looking.WITHOUT_DATABASE:
        assert code == ExitCode.DONE
        return
    assert code == ExitCode.USAGE
    if name != "db check":
        assert NONE_HERE in shell.said
        assert str(folder / "orchestrator.db") in shell.said
        assert "orchestrator apply MANIFEST" in shell.said
    if json:
        assert shell.document["error"]["code"] == 2


@pytest.mark.parametrize("name", LOOKING)
def test_an_empty_file_is_left_empty(folder, elsewhere, shell, name):
    (folder / "orchestrator.db").touch()
    shell(*words_of(name, elsewhere))
    assert (folder / "orchestrator.db").read_bytes() == b""
    assert "bug" not in shell.said


@pytest.mark.parametrize("name", LOOKING)
def test_a_file_in_a_folder_that_may_not_be_written_is_read(folder, elsewhere, shell, name):
    make(shell)
    shell(*words_of(name, elsewhere))
    before = looking.contents(folder)
    with looking.read_only(folder):
        assert shell(*words_of(name, elsewhere)) == ExitCode.DONE, shell.said
    assert looking.contents(folder) == before


@pytest.mark.parametrize("name", LOOKING)
def test_a_file_that_may_be_written_is_left_as_it_is(folder, elsewhere, shell, name):
    make(shell)
    before = looking.contents(folder)
    assert shell(*words_of(name, elsewhere)) == ExitCode.DONE, shell.said
    assert looking.contents(folder) == before


@pytest.mark.parametrize("may_write", [False, True])
@pytest.mark.parametrize("name", LOOKING)
def test_what_is_in_the_log_alone_is_seen_while_somebody_works(folder, elsewhere, shell, name, may_write):
    make(shell)
    url = f"sqlite:///{folder}/orchestrator.db"
    worker = Database.open(url, SystemClock())
    with worker.write() as tx:
        campaigns.pause(tx, "sale", "only the log knows")
    try:
        before, rows = looking.contents(folder), looking.rows(url)
        assert b"only the log knows" not in before["orchestrator.db"]
        if may_write:
            code = shell(*words_of(name, elsewhere))
        else:
            shell(*words_of(name, elsewhere))
            with looking.read_only(folder):
                code = shell(*words_of(name, elsewhere))
        assert code == ExitCode.DONE, shell.said
        if name in {"status", "campaigns list"}:
            assert "only the log knows" in shell.said
        after = looking.contents(folder)
        assert {name: after[name] for name in before if not name.endswith("-shm")} == {
            name: before[name] for name in before if not name.endswith("-shm")
        }
        assert (after.keys(), looking.rows(url)) == (before.keys(), rows)
    finally:
        worker.close()


def test_what_a_killed_process_left_in_the_log_is_seen_from_a_read_only_folder(folder, shell):
    assert shell("apply", "hero.yaml") == ExitCode.DONE
    script = (
        "import os, sqlite3\n"
        "c = sqlite3.connect('orchestrator.db')\n"
        "c.execute(\"INSERT INTO pauses VALUES ('account', '', 'paused', 'the last word', 1, NULL)\")\n"
        "c.commit()\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=False)
    shell("status")
    before = looking.contents(folder)
    assert before["orchestrator.db-wal"]
    with looking.read_only(folder):
        assert shell("status") == ExitCode.DONE
    assert "the last word" in shell.said
    assert looking.contents(folder) == before


@pytest.fixture
def server_url(_postgres):
    if isinstance(_postgres, str):
        pytest.skip(_postgres)
    with _postgres.fresh_url() as url:
        yield url


def test_every_command_that_looks_works_for_a_user_who_may_only_select(
    folder, elsewhere, shell, server_url, monkeypatch
):
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", server_url)
    make(shell)
    before = looking.rows(server_url)
    with looking.select_only(server_url) as url:
        monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", url)
        for name in LOOKING:
            assert (name, shell(*words_of(name, elsewhere))) == (name, ExitCode.DONE), shell.said
        monkeypatch.setenv("WAVESPEED_API_KEY", "k")
        for words in (
            ["pause"],
            ["jobs", "cancel", "1"],
            ["apply", "hero.yaml", "--run", "other"],
            ["work", "--drain"],
        ):
            assert shell(*words) == ExitCode.UNEXPECTED
            assert not shell.out, "nothing is summed up that never began"
            assert "permission denied" in shell.said
            assert "SELECT" in shell.said
            assert "bug" not in shell.said
    assert looking.rows(server_url) == before


@pytest.mark.parametrize(
    "words", [["pause"], ["jobs", "cancel", "1"], ["workers", "drain", "w1"], ["reconcile"]]
)
def test_a_command_that_changes_what_is_there_makes_no_database(folder, shell, words):
    before = looking.contents(folder)
    assert shell(*words) == ExitCode.USAGE
    assert NONE_HERE in shell.said
    assert looking.contents(folder) == before


def test_the_sandbox_in_a_folder_that_may_not_be_written_says_what_to_do(folder, shell, monkeypatch):
    with monkeypatch.context() as elsewhere, looking.open_folder() as other:
        elsewhere.chdir(other)
        shell("run", str(folder / "hero.yaml"), "--sandbox", "--yes")
    with looking.read_only(folder):
        assert shell("run", "hero.yaml", "--sandbox", "--yes") == ExitCode.UNEXPECTED
    assert "cannot be made" in shell.said
    assert "bug" not in shell.said


def test_doctor_makes_no_database_and_leaves_one_as_it_is(folder, shell, provider):
    before = looking.contents(folder)
    assert shell("doctor") == ExitCode.DONE, shell.said
    assert looking.contents(folder) == before
    assert shell("apply", "hero.yaml") == ExitCode.DONE
    before = looking.contents(folder)
    assert shell("doctor") == ExitCode.DONE, shell.said
    assert looking.contents(folder) == before
    with looking.read_only(folder):
        assert main.run(["doctor"]) == ExitCode.UNEXPECTED
    assert looking.contents(folder) == before
    assert os.geteuid() == os.getuid()
