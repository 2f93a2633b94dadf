"""`reconcile` from the command line, against the sandbox's own bill."""

import shutil

import pytest

from orchestrator.core.errors import ExitCode
from orchestrator.ports import Lost
from orchestrator.provider import WaveSpeed

SHAPE = {
    "from",
    "to",
    "agrees",
    "readable",
    "matched",
    "billed_usd",
    "adjusted",
    "surplus",
    "set_aside",
    "refunds",
    "adopted",
    "unknown",
    "possible",
    "billed_unknown",
    "unbilled",
    "in_doubt",
    "balance_usd",
    "unlike",
    "balance_shows",
    "differing",
    "accepted",
    "resumed",
    "passed",
    "other_charges",
    "skipped",
}


def test_books_that_agree_are_0_and_say_so_in_the_documented_shape(shell, provider):
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert set(shell.document) == SHAPE
    assert (shell.document["matched"], shell.document["billed_usd"]) == (3, "0.084")
    assert shell.document["refunds"] == {"seen": 0, "due": 0, "due_usd": "0.00"}
    assert shell.document["balance_usd"] == "99.916"
    assert shell("reconcile") == ExitCode.DONE
    assert "All agrees." in shell.err


@pytest.mark.parametrize("unit", ["usd", "micros"])
def test_both_units_of_the_bill_are_understood(shell, provider, unit):
    provider.change(billing_price_unit=unit)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert (shell.document["billed_usd"], shell.document["adjusted"]) == ("0.084", [])


def test_a_discount_that_was_quoted_leaves_the_bill_nothing_to_correct(shell, provider):
    provider.change(discount_rate=50)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell.document["adjusted"] == []


def test_a_discount_on_the_bill_that_was_not_quoted_is_booked_once(shell, provider, monkeypatch):
    async def silent(self, model, inputs):
        return Lost("no quote today")

    monkeypatch.setattr(WaveSpeed, "quote", silent)
    provider.change(discount_rate=50)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert [row["usd"] for row in shell.document["adjusted"]] == ["-0.014"] * 3
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell.document["adjusted"] == []
    assert shell("budget", "audit") == ExitCode.DONE


@pytest.mark.parametrize("fault", ["refund.oversized", "refund.twice"])
def test_a_refund_larger_than_its_charge_is_5_with_a_line_and_no_command_dies_of_it(shell, provider, fault):
    from orchestrator.sandbox import parse_faults

    provider.change(refund_delay=0)
    provider.use_faults(parse_faults(["task.failed@1", f"{fault}@1"]))
    shell("run", shell.manifest(), "--yes")
    for _ in range(2):
        assert shell("reconcile") == ExitCode.OPERATOR
        assert "refund is larger than the charge of task " in shell.err
        assert "$0.028 extra, look" in shell.err
        assert "Traceback" not in shell.err
    assert shell("reconcile", "--json") == ExitCode.OPERATOR
    assert [row["usd"] for row in shell.document["surplus"]] == ["0.028"]
    assert shell("budget", "audit") == ExitCode.DONE
    assert shell("work", "--drain") == ExitCode.DONE


def test_a_record_that_is_listed_twice_is_billed_once(shell, provider):
    from orchestrator.sandbox import parse_faults

    shell("run", shell.manifest(), "--yes")
    provider.use_faults(parse_faults(["bill.twice=1"]))
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert (shell.document["billed_usd"], shell.document["adjusted"]) == ("0.084", [])


def test_a_bill_that_cannot_be_read_is_5_and_compares_nothing(shell, provider):
    from orchestrator.sandbox import parse_faults

    shell("run", shell.manifest(), "--yes")
    provider.use_faults(parse_faults(["account.error_500=1"]))
    assert shell("reconcile") == ExitCode.OPERATOR
    assert "Try again later" in shell.err


@pytest.mark.parametrize("hours", ["0", "169", "x"])
def test_a_period_outside_the_providers_week_is_refused(shell, hours):
    assert shell("reconcile", "--hours", hours) == ExitCode.USAGE


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
    assert "orchestrator reconcile" in shell.err
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
    assert "orchestrator jobs adopt JOB TASK" in shell.err
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
    assert "does not know" in shell.err
    assert shell("jobs", "adopt", "99", first) == ExitCode.USAGE
    assert shell("jobs", "adopt", "1", first) == ExitCode.USAGE
    assert "Job 1 is not waiting" in shell.err
    assert shell("jobs", "adopt", "2", first) == ExitCode.DONE
    assert shell("jobs", "adopt", "3", first) == ExitCode.USAGE
    assert "holds task" in shell.err
    assert shell("jobs", "adopt", "2", second) == ExitCode.USAGE
    assert shell("budget", "audit") == ExitCode.DONE
