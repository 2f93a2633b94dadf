"""Each exit code is reached once, through the program's own door."""

import io
import json
from contextlib import contextmanager

from sqlalchemy import update

from orchestrator.cli.commands import status as status_command
from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.sandbox import Fault, Faults, Scripted
from orchestrator.store.attempts.lifecycle import AMBIGUOUS
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import attempts, jobs

IN_DOUBT = {
    "job_id": 1,
    "run_id": 1,
    "campaign_id": 1,
    "number": 1,
    "state": "in_doubt",
    "token": "t",
    "worker": "w",
    "epoch": 1,
    "lease_expires_at": 0,
    "rate_granted_at": 0,
    "leased_at": 1_000,
    "submitted_at": 2_000,
    "message": "the line broke",
    "reservation": "held",
    "day": "2026-11-22",
    "price_micros": 28_000,
}


@contextmanager
def writing(folder):
    database = Database.open(f"sqlite:///{folder}/orchestrator.db", SystemClock())
    try:
        with database.write() as tx:
            yield tx
    finally:
        database.close()


def test_0_a_batch_that_finishes_is_done_and_pays_once(shell, provider):
    manifest = shell.manifest()
    assert shell("run", manifest, "--yes", "--json") == ExitCode.DONE
    document = shell.document
    assert document["exit"] == {"code": 0, "reason": "done"}
    assert document["jobs"]["succeeded"] == 3
    assert document["images"] == {"stored": 3, "nsfw": 0}
    assert (document["spent_usd"], document["held_usd"]) == ("0.084", "0.00")
    assert shell("run", manifest, "--json") == ExitCode.DONE  # nothing to pay: no question
    assert provider.bill().post_count == 3
    assert shell("gallery", "-o", "sheet.html", "--json") == ExitCode.DONE
    assert (shell.document["pictures"], shell.document["shown"], shell.document["missing"]) == (3, 3, 0)


def test_1_an_unexpected_error_is_a_sentence_and_a_traceback_only_on_request(shell, monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError("oh")

    shell("db", "upgrade")
    monkeypatch.setattr(status_command.overview, "status", broken)
    assert shell("status", "--json") == ExitCode.UNEXPECTED
    assert "Traceback" not in shell.said
    assert "This is a bug" in shell.said
    assert shell.document["error"]["code"] == 1
    monkeypatch.setenv("ORCHESTRATOR_DEBUG", "1")
    shell("status")
    assert "Traceback" in shell.said


def test_2_a_manifest_with_problems_lists_them_on_both_streams(shell):
    path = shell.manifest(extra="prioritty: 3")
    assert shell("plan", path, "--json") == ExitCode.USAGE
    assert "Nothing was written and nothing was spent." in shell.said
    error = shell.document["error"]
    assert (error["code"], error["kind"]) == (2, "usage")
    assert (error["problems"][0]["file"], error["problems"][0]["line"]) == ("hero.yaml", 5)


def test_2_a_run_that_cannot_ask_is_refused_and_names_the_flag(shell, provider, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert shell("run", shell.manifest()) == ExitCode.USAGE
    assert "Add --yes" in shell.said
    assert provider.bill().post_count == 0
    shell("status", "--json")
    assert shell.document["runs"] == []


def test_2_usage_errors_under_json_are_a_document(shell):
    shell("db", "upgrade")
    assert shell("--json", "jobs", "show", "x") == ExitCode.USAGE
    assert json.loads(shell.out)["error"]["kind"] == "usage"
    assert shell("jobs", "show", "4711") == ExitCode.USAGE
    assert "There is no job 4711" in shell.said
    assert shell("statsu") == ExitCode.USAGE
    assert 'did you mean "status"?' in shell.said


def test_3_failed_jobs_are_summed_up_with_the_command_to_retry_them(shell, provider):
    provider.use_faults(Faults(script=(Scripted("task", 1, Fault.TASK_TIMEOUT),)))
    assert shell("run", shell.manifest(extra="retry: {max_attempts: 1}"), "--yes") == ExitCode.SOME_FAILED
    assert "1 provider_timeout" in shell.said
    retry = "orchestrator jobs retry --state failed --reason provider_timeout --campaign sale --run main"
    assert retry in shell.said


def test_3_a_retry_is_not_proposed_for_what_would_be_refused_again(shell, provider):
    provider.use_faults(Faults(script=(Scripted("task", 1, Fault.TASK_MODERATED),)))
    assert shell("run", shell.manifest(), "--yes") == ExitCode.SOME_FAILED
    assert "1 moderated" in shell.said
    assert "jobs retry" not in shell.said
    assert "orchestrator jobs list --state failed --campaign sale --run main" in shell.said
    assert "orchestrator redo --reason moderated --campaign sale --run main --prompt TEXT" in shell.said


def test_4_a_budget_stops_with_jobs_left(shell, provider):
    assert shell("run", shell.manifest(extra="budget: 0.06"), "--yes", "--json") == ExitCode.BUDGET
    assert shell.document["exit"]["reason"] == "budget"
    assert (shell.document["jobs"]["succeeded"], shell.document["jobs"]["pending"]) == (2, 1)
    assert provider.bill().post_count == 2


def test_5_without_a_key_nothing_is_recorded(shell):
    assert shell("run", shell.manifest(), "--yes", "--json") == ExitCode.OPERATOR
    assert "WAVESPEED_API_KEY is not set" in shell.said
    shell("status", "--json")
    assert shell.document["runs"] == []


def test_5_a_refused_key_stops_the_run_and_keeps_the_jobs(shell, provider, monkeypatch):
    monkeypatch.setenv("WAVESPEED_API_KEY", "wrong")
    assert shell("run", shell.manifest(), "--yes", "--json") == ExitCode.OPERATOR
    assert "refused" in shell.document["error"]["message"]
    assert "refused" in shell.said
    assert shell.document["jobs"]["pending"] == 3
    assert shell("doctor", "--json") == ExitCode.OPERATOR
    verdicts = {check["name"]: check["verdict"] for check in shell.document["checks"]}
    assert (verdicts["key"], verdicts["provider"]) == ("fail", "ok")


def test_5_an_attempt_in_doubt_is_listed_with_the_money_it_holds(shell):
    shell("apply", shell.manifest())
    with writing(shell.folder) as tx:
        tx.conn.execute(update(jobs).where(jobs.c.id == 1).values(state="running", queue=None, attempts=1))
        tx.conn.execute(attempts.insert().values(IN_DOUBT))
    assert shell("in-doubt", "list", "--json") == ExitCode.DONE  # it is being looked for
    with writing(shell.folder) as tx:
        tx.conn.execute(update(attempts).values(reason=AMBIGUOUS))
    assert shell("in-doubt", "list", "--json") == ExitCode.OPERATOR
    (line,) = shell.lines
    assert (line["job"], line["held_usd"], line["message"]) == (1, "0.028", "the line broke")
    assert shell("jobs", "show", "1") == ExitCode.DONE
    assert "In doubt: attempt 1 may have been accepted and paid" in shell.said
    assert shell("status", "--json") == ExitCode.DONE
    assert shell.document["runs"][0]["in_doubt"] == 1


def test_130_an_interrupt_is_told_and_counted(shell, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    shell("db", "upgrade")
    monkeypatch.setattr(status_command.overview, "status", interrupted)
    assert shell("status") == ExitCode.INTERRUPTED
    assert "Nothing that was done is lost" in shell.said
