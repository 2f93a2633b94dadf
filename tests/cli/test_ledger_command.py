"""`orchestrator ledger export`: every movement, and proof that they come to what caps are held against."""

import csv
import io
import sqlite3
from contextlib import closing

import pytest

from orchestrator.core.errors import ExitCode
from orchestrator.sandbox import parse_faults


@pytest.fixture
def spent(shell, provider):
    """Three jobs, of which some failed."""
    provider.use_faults(parse_faults(["task.failed=0.5"]))
    shell("run", shell.manifest(), "--yes")
    return shell


def change(shell, statement: str) -> None:
    with closing(sqlite3.connect(shell.folder / "orchestrator.db")) as db, db:
        db.execute(statement)


def rows(shell) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shell.out.removeprefix("\ufeff"))))


def test_the_movements_come_to_what_is_spent(spent):
    assert spent("ledger", "export") == ExitCode.DONE
    found = rows(spent)
    assert {row["kind"] for row in found} > {"reserve", "settle"}
    assert {row["campaign"] for row in found} == {"sale"}
    total = sum(round(float(row["spent_usd"]) * 1_000_000) for row in found)
    spent("budget", "audit", "--json")
    assert spent("ledger", "export", "--json") == ExitCode.DONE
    assert total == sum(round(float(line["spent_usd"]) * 1_000_000) for line in spent.lines) > 0
    assert f"spent ${total / 1_000_000:.2f}" in spent.said


def test_a_period_a_campaign_or_a_run_narrows_it(spent):
    assert spent("ledger", "export", "--period", "1999-01") == ExitCode.DONE
    assert rows(spent) == []
    day = spent("ledger", "export", "--json") == ExitCode.DONE and spent.lines[0]["day"]
    for words in (("--period", day[:7]), ("--period", day), ("--campaign", "sale"), ("--run", "hero")):
        assert spent("ledger", "export", *words) == ExitCode.DONE
        assert rows(spent)


@pytest.mark.parametrize(
    "words",
    [
        ("--campaign", "nix"),
        ("--run", "nix"),
        ("--period", "2026"),
        ("--period", "2026-13"),
        ("--period", "%"),
    ],
)
def test_what_names_nothing_is_an_error(spent, words):
    assert spent("ledger", "export", *words) == ExitCode.USAGE
    assert words[1] in spent.said


def test_a_balance_that_says_otherwise_is_named_and_ends_with_5(spent):
    change(spent, "UPDATE balances SET spent_micros = spent_micros + 1 WHERE scope = 'account'")
    assert spent("ledger", "export") == ExitCode.OPERATOR
    assert "orchestrator budget audit" in spent.said
    assert rows(spent)


def test_a_note_that_a_spreadsheet_would_run_is_text_and_amounts_below_zero_are_numbers(spent):
    change(spent, "UPDATE ledger SET note = '=1+1' WHERE id = 1")
    spent("ledger", "export")
    found = rows(spent)
    assert found[0]["note"] == "'=1+1"
    assert any(row["held_usd"].startswith("-0.") for row in found)
