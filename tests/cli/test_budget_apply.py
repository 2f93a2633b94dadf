"""`budget apply` makes caps what the files say: it shows what changes, asks, and records who did it."""

import pytest
from sqlalchemy import select

from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import acts

CONFIG = "budgets: {account: {day: %s, month: 100}, campaigns: {sale: {total: 40}}}\n"


@pytest.fixture
def decided(shell):
    """The database has other caps than the file, whoever set them."""
    config = shell.folder / "config.yaml"
    config.write_text(CONFIG % 50)
    assert shell("apply", shell.manifest(extra="budget: 1.00")) == ExitCode.DONE
    shell("budget", "set", "account", "--month", "70")
    shell("budget", "set", "campaign:other", "--total", "9")
    config.write_text(CONFIG % 80)
    shell.manifest(extra="budget: 2.00")


def caps(shell):
    assert shell("budget", "show", "--json") == ExitCode.DONE
    return {(row["scope"], row["name"], row["window"]): row["cap_usd"] for row in shell.lines}


def test_it_shows_what_changes_and_without_a_terminal_asks_for_yes(shell, decided):
    before = caps(shell)
    assert shell("budget", "apply") == ExitCode.USAGE
    assert "the day cap of the account: $50.00 -> $80.00   looser; config.yaml" in shell.said
    assert "the month cap of the account: $70.00 -> $100.00   over what a person set" in shell.said
    assert "Add --yes" in shell.said
    assert caps(shell) == before


def test_yes_makes_every_named_cap_what_the_files_say_and_leaves_the_others(shell, decided):
    assert (
        shell("budget", "apply", "hero.yaml", "--yes", "--why", "the client paid", "--json") == ExitCode.DONE
    )
    assert {(item["old"], item["new"], item["change"]) for item in shell.document["changes"]} == {
        ("$50.00", "$80.00", "looser"),
        ("$70.00", "$100.00", "overruled"),
        ("$1.00", "$2.00", "looser"),
    }
    assert caps(shell) == {
        ("account", "account", "day"): "80.00",
        ("account", "account", "month"): "100.00",
        ("campaign", "sale", "total"): "40.00",
        ("campaign", "other", "total"): "9.00",
        ("run", "sale/hero/main", "total"): "2.00",
    }
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock(), look=True)
    with database.read() as tx:
        query = select(acts.c.old, acts.c.new, acts.c.why).where(acts.c.command == "budget apply")
        found = {tuple(row) for row in tx.conn.execute(query)}
    database.close()
    assert found == {
        ("$50.00", "$80.00", "the client paid"),
        ("$70.00", "$100.00", "the client paid"),
        ("$1.00", "$2.00", "the client paid"),
    }
    assert shell("budget", "apply", "hero.yaml") == ExitCode.DONE
    assert "in force already" in shell.said


@pytest.mark.parametrize(("answer", "code", "day"), [("y\n", 0, "80.00"), ("\n", 2, "50.00")])
def test_on_a_terminal_it_asks_and_no_is_the_default(shell, decided, typed, answer, code, day):
    typed(answer)
    assert shell("budget", "apply") == code
    assert caps(shell)["account", "account", "day"] == day


def test_a_stricter_file_counts_over_what_a_person_set_when_he_says_so(shell, decided):
    shell("budget", "set", "account", "--day", "90")
    assert shell("apply", "hero.yaml") == ExitCode.DONE
    assert "was set to $90.00 by a person and stands over the $80.00 of config.yaml" in shell.said
    assert shell("budget", "apply", "--yes") == ExitCode.DONE
    assert caps(shell)["account", "account", "day"] == "80.00"


def test_a_manifest_that_was_never_applied_is_told_so(shell, decided):
    assert shell("budget", "apply", shell.manifest("new", extra="budget: 1.00"), "--yes") == ExitCode.USAGE
    assert "orchestrator apply" in shell.said
    assert caps(shell)["account", "account", "day"] == "50.00"
