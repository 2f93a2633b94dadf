"""`reconcile` from the command line, against the sandbox's own bill."""

import pytest

from orchestrator.core.errors import ExitCode
from orchestrator.ports import Lost
from orchestrator.provider import WaveSpeed
from orchestrator.sandbox import parse_faults

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
    assert "All agrees." in shell.said


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
    config = shell.folder / "config.yaml"
    config.write_text(config.read_text() + "guards: {unanswered_price: known}\n")
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert [row["usd"] for row in shell.document["adjusted"]] == ["-0.014"] * 3
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert shell.document["adjusted"] == []
    assert shell("budget", "audit") == ExitCode.DONE


@pytest.mark.parametrize("fault", ["refund.oversized", "refund.twice"])
def test_a_refund_larger_than_its_charge_is_5_with_a_line_and_no_command_dies_of_it(shell, provider, fault):
    provider.change(refund_delay=0)
    provider.use_faults(parse_faults(["task.failed@1", f"{fault}@1"]))
    shell("run", shell.manifest(), "--yes")
    for _ in range(2):
        assert shell("reconcile") == ExitCode.OPERATOR
        assert "refund is larger than the charge of task " in shell.said
        assert "$0.028 extra, look" in shell.said
        assert "Traceback" not in shell.said
    assert shell("reconcile", "--json") == ExitCode.OPERATOR
    assert [row["usd"] for row in shell.document["surplus"]] == ["0.028"]
    assert shell("budget", "audit") == ExitCode.DONE
    assert shell("work", "--drain") == ExitCode.DONE


def test_a_record_that_is_listed_twice_is_billed_once(shell, provider):
    shell("run", shell.manifest(), "--yes")
    provider.use_faults(parse_faults(["bill.twice=1"]))
    assert shell("reconcile", "--json") == ExitCode.DONE
    assert (shell.document["billed_usd"], shell.document["adjusted"]) == ("0.084", [])


def test_a_bill_that_cannot_be_read_is_5_and_compares_nothing(shell, provider):
    shell("run", shell.manifest(), "--yes")
    provider.use_faults(parse_faults(["account.error_500=1"]))
    assert shell("reconcile") == ExitCode.OPERATOR
    assert "Try again later" in shell.said


@pytest.mark.parametrize("hours", ["0", "169", "x"])
def test_a_period_outside_the_providers_week_is_refused(shell, hours):
    assert shell("reconcile", "--hours", hours) == ExitCode.USAGE
