"""A month's statement from the command line, as a table, as CSV and as JSON; and closing it."""

import csv
import io
from datetime import UTC, datetime

from sqlalchemy import update

from orchestrator.core.errors import ExitCode
from orchestrator.core.month import next_month
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import balances, job_specs

MONTH = f"{datetime.now(UTC):%Y-%m}"  # noqa: TID251 - the command asks the real clock


def change(shell, *statements):
    database = Database.open(f"sqlite:///{shell.folder}/orchestrator.db", SystemClock())
    with database.write() as tx:
        for statement in statements:
            tx.conn.execute(statement)
    database.close()


def cells(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_month_is_told_in_two_views_and_adds_up(shell, provider):
    shell("run", shell.manifest(), "--yes")
    assert shell("report", "month", MONTH) == ExitCode.DONE
    for words in ("booked " + MONTH, "billed " + MONTH, "bridge", "is not over"):
        assert words in shell.out
    assert shell("report", "month", MONTH, "--json") == ExitCode.DONE
    found = shell.document
    assert (found["booked"]["total"]["net"], found["wrong"], found["spends"]) == ("0.084000", [], False)
    assert [row["campaign"] for row in found["booked"]["rows"]] == ["sale"]


def test_csv_has_six_digits_one_view_and_no_formula(shell, provider):
    shell("run", shell.manifest(), "--yes")
    change(shell, update(job_specs).values(tags={"client": "=cmd()"}))
    assert shell("report", "month", MONTH, "--by", "campaign,tag:client", "--csv") == ExitCode.DONE
    (row,) = cells(shell.out)
    assert (row["campaign"], row["tag:client"], row["net"], row["images"]) == (
        "sale",
        "'=cmd()",
        "0.084000",
        "3",
    )
    assert "per_image" not in row
    assert row["cost_per_image"] == "0.028000"
    assert shell("report", "month", MONTH, "--csv", "--view", "billed") == ExitCode.DONE
    assert shell.out.removeprefix("\ufeff").splitlines()[0] == "campaign,charged,refunded,net"


def test_what_earlier_nights_served_stands_in_columns_of_its_own_behind_the_others(shell, provider):
    night = shell.manifest(extra="regenerate: changed")
    for key in ("n1", "n2", "n3"):
        assert shell("run", night, "--run", key, "--yes", "--limit", "1") == 0
    assert shell("report", "month", MONTH, "--by", "run,tag:client", "--csv") == ExitCode.DONE
    rows = cells(shell.out)
    assert [(row["run"], row["net"], row["images"], row["reused"], row["avoided"]) for row in rows] == [
        ("sale/hero/n1", "0.028000", "1", "0", "0.000000"),
        ("sale/hero/n2", "0.000000", "0", "1", "0.028000"),
        ("sale/hero/n3", "0.000000", "0", "1", "0.028000"),
    ]
    assert list(rows[0])[-3:] == ["cost_per_image", "reused", "avoided"]
    assert shell("report", "month", MONTH) == ExitCode.DONE
    assert "avoided" in shell.out
    assert "$0.056" in shell.out
    assert shell("report", "month", "2020-02", "--csv") == ExitCode.DONE
    assert cells(shell.out) == []


def test_a_sum_that_differs_exits_with_1_and_names_the_audit(shell, provider):
    shell("run", shell.manifest(), "--yes")
    change(shell, update(balances).where(balances.c.scope == "account").values(spent_micros=1))
    assert shell("report", "month", MONTH) == ExitCode.UNEXPECTED
    assert "does not add up: spent by the ledger and by the balance of the caps" in shell.out
    assert shell("report", "month", MONTH, "--json") == ExitCode.UNEXPECTED
    assert shell.document["next_command"] == "orchestrator budget audit"


def test_a_month_is_closed_once_it_is_over_and_closing_again_changes_nothing(shell):
    shell("apply", shell.manifest())
    assert shell("report", "close", MONTH) == ExitCode.USAGE
    assert "is not over" in shell.said
    assert shell("report", "close", "2020-02", "--why", "books") == ExitCode.DONE
    assert "2020-02 is closed: 0 lines" in shell.said
    assert shell("report", "close", "2020-02") == ExitCode.DONE
    assert "was closed before" in shell.said
    assert shell("report", "close", "2020-02", "--json") == ExitCode.DONE
    assert (shell.document["already"], shell.document["wrong"]) == (True, [])
    assert shell("report", "month", "2020-02") == ExitCode.DONE
    assert "closed       " in shell.out


def test_what_is_no_month_or_dimension_is_said(shell):
    shell("apply", shell.manifest())
    for words in (("2026-13",), (next_month(MONTH), "--by", "colour"), (MONTH, "--by", ",")):
        assert shell("report", "month", *words) == ExitCode.USAGE
    assert shell("report", "month", MONTH, "--by", "tag:") == ExitCode.USAGE


def test_a_run_is_still_reported_without_another_word(shell, provider):
    shell("run", shell.manifest(), "--yes")
    for words in (("report", "hero"), ("report", "run", "hero"), ("--quiet", "report", "hero")):
        assert shell(*words, "--single", "-o", str(shell.folder / "page.html")) == ExitCode.DONE
        assert (shell.folder / "page.html").is_file()
    assert shell("report", "month") == ExitCode.USAGE
    assert shell("report", "--help") == ExitCode.DONE
    assert "month" in shell.out
