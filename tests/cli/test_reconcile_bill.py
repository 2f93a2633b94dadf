"""`reconcile` and a bill that is not what was held: it is told until a person agrees to it."""

import pytest
from sqlalchemy import select

from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.sandbox import parse_faults
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import acts


def acts_of(shell):
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    with database.read() as tx:
        found = tx.conn.execute(select(acts).where(acts.c.command == "reconcile --accept-bill")).all()
    database.close()
    return found


def test_a_surplus_that_a_person_has_seen_is_told_no_more_and_is_an_act(shell, provider):
    provider.change(refund_delay=0)
    provider.use_faults(parse_faults(["task.failed@1", "refund.oversized@1"]))
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile") == ExitCode.OPERATOR
    assert shell("reconcile", "--accept-bill", "--why", "goodwill", "--json") == ExitCode.DONE
    assert (shell.document["accepted"], shell.document["surplus"]) == (1, [])
    assert shell("reconcile") == ExitCode.DONE
    (act,) = acts_of(shell)
    assert (act.command, act.old, act.new, act.why) == (
        "reconcile --accept-bill",
        "$0.028",
        "$0.056",
        "goodwill",
    )


def test_a_dearer_bill_is_5_until_a_person_agrees_and_all_agrees_is_not_said(shell, provider):
    provider.change(charge_percent=200)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile") == ExitCode.OPERATOR
    assert "3 tasks were billed 2 times what was held ($0.056, held $0.028)" in shell.said
    assert "orchestrator reconcile --accept-bill" in shell.said
    assert shell("reconcile", "--accept-bill") == ExitCode.DONE
    assert "All agrees" not in shell.said
    assert "3 tasks were billed $0.084 more than was held: the books follow the bill." in shell.said
    assert shell("budget", "audit") == ExitCode.DONE
    assert "The books agree" not in shell.said


@pytest.mark.parametrize(("percent", "words"), [(1, "at 1 % of"), (10_000, "at 100 times")])
def test_a_bill_in_another_unit_counts_as_held_and_agreeing_keeps_what_the_balance_shows(
    shell, provider, percent, words
):
    provider.change(bill_percent=percent)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile") == ExitCode.OPERATOR
    assert f"3 tasks were billed {words} their price" in shell.said
    assert "the balance fell by what was held" in shell.said
    assert shell("reconcile", "--accept-bill") == ExitCode.DONE
    assert "what was agreed to counts" in shell.said
    assert shell("status", "--json") == ExitCode.DONE
    assert shell.document["runs"][0]["spent_usd"] == "0.084"
    assert shell("reconcile") == ExitCode.DONE


def test_what_other_services_were_charged_and_list_is_told_and_is_no_trouble(shell, provider):
    provider.change(other_charges=1, list_others=2)
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile") == ExitCode.DONE
    assert "other charges on this account: $0.50 in 1 record" in shell.said
    assert "2 entries of the list with an id that no task can have" in shell.said
    assert "All agrees." in shell.said


def test_a_cap_that_was_passed_is_shown_as_passed_and_ends_with_5(shell, provider):
    (shell.folder / "config.yaml").write_text("guards: {price_drift_percent: 100}\n")
    provider.change(charge_percent=150)
    shell("budget", "set", "account", "--total", "0.06")
    shell("run", shell.manifest(), "--yes")
    assert shell("reconcile", "--json") == ExitCode.OPERATOR
    (cap,) = shell.document["passed"]
    assert (cap["spent_usd"], cap["over_usd"], cap["remaining_usd"]) == ("0.084", "0.024", "0.00")
    assert shell("budget", "audit") == ExitCode.OPERATOR
    assert "the cap of the account ($0.06) was passed by $0.024: 140 %" in shell.said
    for words in (["status"], ["budget", "show"]):
        assert shell(*words) == ExitCode.DONE
        assert "over by $0.024" in shell.said
        assert "140 %" in shell.said
    shell("budget", "set", "account", "--total", "1")
    assert shell("reconcile") == ExitCode.DONE
