"""Caps from the command line: what they are, what they stop, and whether the books agree."""

import pytest
from sqlalchemy import update

from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import balances

SHAPE = ["scope", "name", "window", "cap_usd", "spent_usd", "held_usd", "remaining_usd"]


def caps(shell):
    assert shell("budget", "show", "--json") == ExitCode.DONE
    return {(row["scope"], row["name"], row["window"]): row["cap_usd"] for row in shell.lines}


def test_without_caps_show_says_how_to_set_one(shell):
    shell("db", "upgrade")
    assert shell("budget", "show") == ExitCode.DONE
    assert "orchestrator budget set account --month" in shell.said
    assert shell("budget", "show", "--json") == ExitCode.DONE
    assert shell.out == ""


def test_a_cap_of_each_scope_and_window_is_set_and_shown(shell):
    shell("apply", shell.manifest())
    assert shell("budget", "set", "account", "--month", "800", "--day", "$50.00") == ExitCode.DONE
    assert shell("budget", "set", "campaign:sale", "--total", "400.00") == ExitCode.DONE
    assert shell("budget", "set", "run:sale/hero/main", "--total", "40", "--json") == ExitCode.DONE
    assert [list(row)[: len(SHAPE)] for row in shell.document["budgets"]] == [SHAPE]
    assert caps(shell) == {
        ("account", "account", "day"): "50.00",
        ("account", "account", "month"): "800.00",
        ("campaign", "sale", "total"): "400.00",
        ("run", "sale/hero/main", "total"): "40.00",
    }


def test_none_removes_a_cap(shell):
    shell("budget", "set", "account", "--day", "5")
    assert shell("budget", "set", "account", "--day", "none") == ExitCode.DONE
    assert "has no cap now" in shell.said
    assert caps(shell) == {}


def test_what_is_set_here_stands_over_the_file_until_given_back(shell):
    (shell.folder / "config.yaml").write_text("budgets: {account: {day: 5.00}}\n")
    shell("apply", shell.manifest())
    assert caps(shell) == {("account", "account", "day"): "5.00"}
    shell("budget", "set", "account", "--day", "7")
    assert caps(shell) == {("account", "account", "day"): "7.00"}
    shell("budget", "set", "account", "--day", "config")
    assert caps(shell) == {("account", "account", "day"): "5.00"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["account"], "Say what to set"),
        (["account", "--day", "-1"], "-1"),
        (["account", "--day", "1e3"], "1e3"),
        (["account", "--day", "0.0000001"], "0.0000001"),
        (["account", "--day", "lots"], "lots"),
        (["accuont", "--day", "1"], "is no scope"),
        (["account:x", "--day", "1"], "is no scope"),
        (["campaign:", "--day", "1"], "is no scope"),
        (["run:sale/hero", "--day", "1"], "is no scope"),
        (["run:sale/hero/never", "--day", "1"], "There is no run"),
    ],
)
def test_a_wrong_word_is_refused_with_a_reason_and_sets_nothing(shell, words, says):
    shell("db", "upgrade")
    assert shell("budget", "set", *words) == ExitCode.USAGE
    assert says in shell.said
    assert "Traceback" not in shell.said
    assert caps(shell) == {}


def test_a_cap_stops_with_4_says_which_how_far_and_what_goes_on_and_raising_it_resumes(shell, provider):
    shell("apply", shell.manifest())
    shell("budget", "set", "campaign:sale", "--month", "0.06")
    assert shell("work", "--drain") == ExitCode.BUDGET
    for words in ("the month cap of campaign sale ($0.06)", "$0.004 left", "the next job costs $0.028"):
        assert words in shell.said
    assert "orchestrator budget set campaign:sale --month USD" in shell.said
    assert provider.bill().charged_micros == 56_000
    shell("budget", "set", "campaign:sale", "--month", "1")
    assert shell("work", "--drain") == ExitCode.DONE
    assert provider.bill().charged_micros == 84_000


def test_a_cap_lowered_below_what_is_spent_is_shown_as_used_up(shell, provider):
    shell("run", shell.manifest(), "--yes")
    assert shell("budget", "set", "account", "--total", "0.01", "--json") == ExitCode.DONE
    (row,) = shell.document["budgets"]
    assert (row["spent_usd"], row["remaining_usd"]) == ("0.084", "0.00")


def test_an_audit_of_sound_books_is_0_and_of_edited_ones_1(shell, provider):
    shell("run", shell.manifest(), "--yes")
    assert shell("budget", "audit", "--json") == ExitCode.DONE
    assert shell.document == {
        "entries": 6,
        "balances": 9,
        "attempts": 3,
        "differences": [],
        "passed": [],
        "billed_unlike": {"tasks": 0, "usd": "0.00"},
    }
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    with database.write() as tx:
        tx.conn.execute(update(balances).where(balances.c.scope == "account").values(spent_micros=1))
    database.close()
    assert shell("budget", "audit", "--json") == ExitCode.UNEXPECTED
    assert {row["found"] for row in shell.document["differences"]} == {"(1, 0, 0)"}
    assert shell("budget", "audit") == ExitCode.UNEXPECTED
    assert "the ledger says (84000, 0, 0), found (1, 0, 0)" in shell.said


def test_a_cap_of_a_campaign_that_no_manifest_names_yet_is_set_and_says_so(shell):
    assert shell("budget", "set", "campaign:nope", "--total", "1") == ExitCode.DONE
    assert "Is the name right?" in shell.said
    shell("apply", shell.manifest())
    assert shell("budget", "set", "campaign:sale", "--total", "1") == ExitCode.DONE
    assert "Is the name right?" not in shell.said
