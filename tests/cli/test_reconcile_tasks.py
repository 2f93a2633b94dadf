"""`reconcile` and `jobs adopt` with tasks of which the database knows nothing."""

import shutil

import pytest

from orchestrator.core.errors import ExitCode


@pytest.fixture
def restored(shell, provider):
    """A backup of after the first job, put back after the other self made all three."""

    def restore(*, shows_inputs):
        provider.change(list_inputs=shows_inputs)
        manifest = shell.manifest()
        database = shell.folder / "orchestrator.db"
        assert shell("run", manifest, "--yes", "--limit", "1") == ExitCode.DONE
        shell("apply", manifest)
        shutil.copyfile(database, shell.folder / "backup.db")
        assert shell("run", manifest, "--yes") == ExitCode.DONE
        assert provider.bill().post_count == 3
        for left in ("-wal", "-shm"):
            (shell.folder / f"orchestrator.db{left}").unlink(missing_ok=True)
        shutil.copyfile(shell.folder / "backup.db", database)

    return restore


@pytest.mark.parametrize("evidence", ["inputs in the list", "pictures on disk"])
def test_a_restored_database_refuses_to_spend_then_adopts_and_finishes_with_no_job_paid_twice(
    shell, provider, restored, evidence
):
    restored(shows_inputs=evidence == "inputs in the list")
    if evidence != "pictures on disk":
        shutil.rmtree(shell.folder / "outputs")
    assert shell("work", "--drain") == ExitCode.OPERATOR
    assert "orchestrator reconcile" in shell.said
    assert shell("status", "--json") == ExitCode.DONE
    (stopped,) = shell.document["stopped"]
    if evidence == "pictures on disk":  # and the mark is beside them
        assert (stopped["scope"], stopped["reason"]) == ("account", "unknown_tasks")
    else:  # what the list shows tells which jobs those tasks are
        assert (stopped["scope"].split()[0], stopped["reason"]) == ("run", "unknown_task")
    assert provider.bill().post_count == 3
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert (len(shell.document["adopted"]), shell.document["unknown"]) == (2, [])
    assert shell("work", "--drain") == ExitCode.DONE
    bill = provider.bill()
    assert (bill.post_count, bill.charged_micros) == (3, 84_000)
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell.document["adopted"] == []
    assert shell("budget", "audit") == ExitCode.DONE


@pytest.fixture
def no_notice(shell, restored):
    """The ids of two tasks that were bought for the two waiting jobs, and nothing that says so."""
    restored(shows_inputs=False)
    shutil.rmtree(shell.folder / "outputs")
    assert shell("work", "--drain") == ExitCode.OPERATOR
    for _ in range(2):  # asking again neither changes nor hides anything
        assert shell("reconcile", "--json") == ExitCode.OPERATOR
        assert (shell.document["adopted"], shell.document["unknown"]) == ([], [])
        assert [item["jobs"] for item in shell.document["possible"]] == [[2, 3], [2, 3]]
    return [item["prediction_id"] for item in shell.document["possible"]]


def test_tasks_that_may_be_ours_stop_spending_until_each_has_its_job(shell, provider, no_notice):
    assert shell("reconcile") == ExitCode.OPERATOR
    assert "orchestrator jobs adopt JOB TASK" in shell.said
    assert shell("work", "--drain") == ExitCode.OPERATOR
    assert provider.bill().post_count == 3
    for job, task in zip(("2", "3"), no_notice, strict=True):
        assert shell("jobs", "adopt", job, task) == ExitCode.DONE
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell("work", "--drain") == ExitCode.DONE
    assert (provider.bill().post_count, provider.bill().charged_micros) == (3, 84_000)
    assert shell("budget", "audit") == ExitCode.DONE


def test_tasks_that_are_not_ours_are_listed_once_and_then_spending_goes_on(shell, provider, no_notice):
    assert shell("reconcile", "--not-ours", "--json") == ExitCode.OPERATOR
    assert [item["prediction_id"] for item in shell.document["unknown"]] == no_notice
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell("work", "--drain") == ExitCode.DONE
    assert provider.bill().post_count == 5


def test_a_job_adopts_only_what_exists_is_free_and_of_its_model_and_only_while_it_waits(
    shell, provider, no_notice
):
    first, second = no_notice
    assert shell("jobs", "adopt", "2", "f" * 32) == ExitCode.USAGE
    assert "does not know" in shell.said
    assert shell("jobs", "adopt", "99", first) == ExitCode.USAGE
    assert shell("jobs", "adopt", "1", first) == ExitCode.USAGE
    assert "Job 1 is not waiting" in shell.said
    assert shell("jobs", "adopt", "2", first) == ExitCode.DONE
    assert shell("jobs", "adopt", "3", first) == ExitCode.USAGE
    assert "holds task" in shell.said
    assert shell("jobs", "adopt", "2", second) == ExitCode.USAGE
    assert shell("budget", "audit") == ExitCode.DONE
