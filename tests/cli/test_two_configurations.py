"""Several configurations on one database: none undoes what another has limited, least of all one that only
looks."""

import looking
import pytest
from sqlalchemy import select
from support.times import FakeClock

from orchestrator.core.errors import ExitCode
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.account import rate_limits
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.db.schema import limits as limit_table

PROD = """\
limits: {concurrency: 4, submits_per_minute: 20}
budgets: {account: {month: 0.10}, campaigns: {sale: {total: 0.06}}}
"""
OTHERS = {
    "no configuration": None,
    "one without caps": "limits: {level: gold}\n",
    "looser": (
        "limits: {level: gold}\nbudgets: {account: {month: 800, day: 50}, campaigns: {sale: {total: 400}}}\n"
    ),
    "stricter": (
        "limits: {level: bronze}\nbudgets: {account: {month: 0.01}, campaigns: {sale: {total: 0.01}}}\n"
    ),
}
NIGHTLY = "schedule: {cron: 30 2 * * *}"
LOOKING = [words.replace("{elsewhere}/", "") for words in looking.LOOKING.values()]
CAPS = {("account", "month"): 100_000, ("campaign", "total"): 60_000}


@pytest.fixture
def fleet(shell, database_url, monkeypatch):
    """A shell whose database is shared; `prod.yaml` has set its caps and limits."""
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", database_url)
    (shell.folder / "prod.yaml").write_text(PROD)
    assert shell("--config", "prod.yaml", "apply", shell.manifest(extra=NIGHTLY)) == ExitCode.DONE
    assert shell("schedule", "add", "hero.yaml") == ExitCode.DONE
    database = Database.open(database_url, FakeClock(), clock_from_server=False)
    with database.write() as tx:
        rate_limits.configure(tx, concurrency=4, submits_per_minute=20)
    database.close()
    return shell


@pytest.fixture
def tables(database_url):
    """Every row of the caps and the limits."""

    def look():
        database = Database.open(database_url, SystemClock())
        with database.read() as tx:
            found = [
                [tuple(row) for row in tx.conn.execute(select(table).order_by(*table.primary_key.columns))]
                for table in (budget_table, limit_table)
            ]
        database.close()
        return found

    return look


@pytest.fixture
def caps(tables):
    return lambda: {(row[0], row[2]): row[3] for row in tables()[0]}


def use(shell, text):
    path = shell.folder / "config.yaml"
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)


def test_a_command_that_looks_writes_nothing_whatever_its_configuration(fleet, tables, monkeypatch):
    def written(*_):
        raise AssertionError("it began a write transaction")

    before = tables()
    assert (len(before[0]), before[1]) == (2, [(1, 4, 20, "config", "config", None, None)])
    monkeypatch.setattr(Database, "write", written)
    for text in OTHERS.values():
        use(fleet, text)
        for words in LOOKING:
            assert (words, fleet(*words.split())) == (words, ExitCode.DONE), fleet.said
            assert tables() == before, words


def test_every_command_is_known_to_leave_caps_and_limits_alone_or_to_bring_words():
    names = looking.commands()
    alone = {" ".join(words.split()[: len(name.split())]) for words in looking.ACTING for name in names}
    bring = {"apply", "run", "work", "demo", "limits set", "db rebuild", "serve", "review"}
    bring |= {"budget set", "budget apply", "budget move"}
    known = {*looking.LOOKING, *looking.NO_DATABASE, *(alone & looking.commands()), *bring}
    assert known == looking.commands()


def test_acting_on_something_else_leaves_caps_and_limits_alone(fleet, provider, tables):
    before = tables()
    for text in OTHERS.values():
        use(fleet, text)
        for words in looking.ACTING:
            fleet(*words.split())
            assert tables() == before, words


@pytest.mark.parametrize("command", ["apply hero.yaml", "run hero.yaml --yes", "work --drain"])
def test_a_looser_cap_is_not_taken_and_it_is_said_with_what_raises_it(
    fleet, provider, caps, command, monkeypatch
):
    use(fleet, OTHERS["looser"])
    fleet(*command.split())
    assert caps() == {**CAPS, ("account", "day"): 50_000_000}
    raises = "orchestrator budget set campaign:sale --total 400.00"
    assert fleet.said.count(raises) == 1
    assert (
        fleet.said.count("the month cap of the account stays at $0.10, although config.yaml says $800") == 1
    )
    assert fleet.said.count("orchestrator budget apply (or: ") == 2
    assert "the limit of tasks at once stays at 4" in fleet.said
    assert "orchestrator limits set concurrency 3000" in fleet.said
    assert fleet("--config", "prod.yaml", *raises.split()[1:]) == ExitCode.DONE
    fleet("--config", "prod.yaml", "apply", "hero.yaml")
    assert caps()["campaign", "total"] == 400_000_000, "an operator's cap stands over a stricter file"
    assert "orchestrator budget set campaign:sale --total config" in fleet.said


def test_an_apply_under_the_caps_in_force_says_nothing_of_them(fleet):
    assert fleet("--config", "prod.yaml", "apply", "hero.yaml") == ExitCode.DONE
    assert "budget set" not in fleet.said


@pytest.mark.parametrize("text", [None, "limits: {level: gold}\n"])
def test_a_cap_that_a_file_does_not_name_stays(fleet, caps, text):
    use(fleet, text)
    assert fleet("apply", "hero.yaml") == ExitCode.DONE
    assert caps() == CAPS
    assert "budget set" not in fleet.said


def test_a_stricter_cap_counts_at_once(fleet, caps):
    use(fleet, OTHERS["stricter"])
    assert fleet("apply", "hero.yaml") == ExitCode.DONE
    assert caps() == {("account", "month"): 10_000, ("campaign", "total"): 10_000}


def test_a_removed_cap_comes_back_with_the_file_that_names_it(fleet, caps):
    assert fleet("budget", "set", "account", "--month", "none") == ExitCode.DONE
    assert ("account", "month") not in caps()
    fleet("apply", "hero.yaml")
    assert ("account", "month") not in caps()
    fleet("--config", "prod.yaml", "apply", "hero.yaml")
    assert caps() == CAPS


def test_config_as_the_amount_takes_the_files_cap_also_when_it_is_looser(fleet, caps):
    use(fleet, OTHERS["looser"])
    assert fleet("budget", "set", "account", "--month", "config") == ExitCode.DONE
    assert caps() == {**CAPS, ("account", "month"): 800_000_000}
    fleet("--config", "prod.yaml", "apply", "hero.yaml")
    assert caps() == CAPS, "it is a configuration's cap, so a stricter file counts"


def test_config_as_the_amount_removes_no_cap_that_the_file_lacks(fleet, tables):
    before = tables()
    assert fleet("budget", "set", "account", "--month", "config") == ExitCode.USAGE
    assert "orchestrator budget set account --month none" in fleet.said
    assert tables() == before


def test_a_plan_counts_with_the_stricter_of_file_and_database(fleet):
    use(fleet, OTHERS["looser"])
    assert fleet("plan", "hero.yaml") == ExitCode.DONE
    assert "the cap of campaign sale ($0.06) has" in fleet.said or "of $0.06" in fleet.said
    use(fleet, OTHERS["stricter"])
    fleet("plan", "hero.yaml")
    assert "of $0.01" in fleet.said


def test_a_worker_at_its_cap_stays_there_after_others_have_looked(fleet, provider, caps):
    use(fleet, PROD + "worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}\n")
    assert fleet("work", "--drain") == ExitCode.BUDGET
    assert provider.bill().charged_micros == 56_000
    for text in (None, OTHERS["looser"]):
        use(fleet, text)
        for words in LOOKING:
            fleet(*words.split())
        assert fleet("work", "--drain") == ExitCode.BUDGET
    assert provider.bill().charged_micros == 56_000


def test_a_refused_run_has_not_touched_the_caps(fleet, provider, tables):
    before = tables()
    use(fleet, OTHERS["stricter"])
    assert fleet("run", "hero.yaml") == ExitCode.USAGE
    assert "Nothing was written" in fleet.said
    assert tables() == before


@pytest.mark.parametrize("command", ["apply hero.yaml", "run hero.yaml --yes", "work --drain"])
def test_the_stricter_limits_of_a_file_count_for_all_and_the_looser_do_not(fleet, provider, tables, command):
    use(fleet, "limits: {concurrency: 40, submits_per_minute: 5}\n")
    fleet(*command.split())
    assert tables()[1] == [(1, 4, 5, "config", "config", None, None)]
    assert "the limit of submits a minute is 5 now, as config.yaml says (before: 20)" in fleet.said
    use(fleet, None)
    fleet(*command.split())
    assert tables()[1] == [(1, 4, 5, "config", "config", None, None)]


def test_a_worker_at_its_cap_stays_there_while_another_with_a_looser_file_starts(fleet, provider, caps):
    slow = "worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}\n"
    (fleet.folder / "prod.yaml").write_text(PROD + slow)
    assert fleet("--config", "prod.yaml", "work", "--drain") == ExitCode.BUDGET
    before = caps()
    use(fleet, OTHERS["looser"] + slow)
    assert fleet("work", "--drain") == ExitCode.BUDGET
    assert fleet("run", "hero.yaml", "--yes") == ExitCode.BUDGET
    assert provider.bill().charged_micros == 56_000
    assert {key: caps()[key] for key in before} == before


def test_status_plan_and_doctor_say_where_file_and_database_differ(fleet, provider):
    use(fleet, OTHERS["looser"])
    for words in ("status", "plan hero.yaml"):
        assert fleet(*words.split()) == ExitCode.DONE
        assert "config.yaml says $800.00 for the month cap of the account, $0.10 is in force" in fleet.said
        assert "config.yaml says 3,000 for the limit of tasks at once, 4 is in force" in fleet.said
    assert fleet("status", "--json") == ExitCode.DONE
    differences = {
        item["subject"]: (item["wanted"], item["in_force"]) for item in fleet.document["differences"]
    }
    assert differences["the cap of campaign sale"] == ("$400.00", "$0.06")
    assert differences["the day cap of the account"] == ("$50.00", None)
    fleet("doctor")
    assert "config.yaml says $400.00 for the cap of campaign sale; in force: $0.06" in fleet.said
    use(fleet, None)
    assert fleet("status") == ExitCode.DONE
    assert "in force" not in fleet.said


def test_a_plan_takes_as_long_as_the_limits_in_force_allow(fleet):
    """Three jobs at two a minute."""
    assert fleet("limits", "set", "submits_per_minute", "2") == ExitCode.DONE
    use(fleet, OTHERS["looser"])
    assert fleet("plan", "hero.yaml") == ExitCode.DONE
    assert "limit: 2 submits a minute (in force for all workers)" in fleet.said
