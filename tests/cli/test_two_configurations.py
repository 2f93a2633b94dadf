"""Several configurations on one database: none undoes what another has limited, least of all one that only
looks."""

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
LOOKING = [
    "status --all",
    "jobs list",
    "jobs show 1",
    "budget show",
    "budget audit",
    "campaigns list",
    "workers list",
    "in-doubt list",
    "gallery",
    "plan hero.yaml",
    "db check",
]
CAPS = {("account", "month"): 100_000, ("campaign", "total"): 60_000}


@pytest.fixture
def fleet(shell, database_url, monkeypatch):
    """A shell whose database is shared; `prod.yaml` has set its caps and limits."""
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", database_url)
    (shell.folder / "prod.yaml").write_text(PROD)
    assert shell("--config", "prod.yaml", "apply", shell.manifest()) == ExitCode.DONE
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
    assert (len(before[0]), before[1]) == (2, [(1, 4, 20, "config", "config")])
    monkeypatch.setattr(Database, "write", written)
    for text in OTHERS.values():
        use(fleet, text)
        for words in LOOKING:
            assert (words, fleet(*words.split())) == (words, ExitCode.DONE), fleet.err
            assert tables() == before, words


def test_acting_on_something_else_leaves_caps_and_limits_alone(fleet, tables):
    before = tables()
    for text in OTHERS.values():
        use(fleet, text)
        for words in ("pause", "resume", "campaigns pause sale", "campaigns resume sale", "jobs cancel 1"):
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
    assert fleet.err.count(raises) == 1
    assert fleet.err.count("the month cap of the account ($0.10) stays") == 1
    assert fleet("--config", "prod.yaml", *raises.split()[1:]) == ExitCode.DONE
    fleet("--config", "prod.yaml", "apply", "hero.yaml")
    assert caps()["campaign", "total"] == 400_000_000, "an operator's cap stands over a stricter file"
    assert "orchestrator budget set campaign:sale --total config" in fleet.err


def test_an_apply_under_the_caps_in_force_says_nothing_of_them(fleet):
    assert fleet("--config", "prod.yaml", "apply", "hero.yaml") == ExitCode.DONE
    assert "budget set" not in fleet.err


@pytest.mark.parametrize("text", [None, "limits: {level: gold}\n"])
def test_a_cap_that_a_file_does_not_name_stays(fleet, caps, text):
    use(fleet, text)
    assert fleet("apply", "hero.yaml") == ExitCode.DONE
    assert caps() == CAPS
    assert "budget set" not in fleet.err


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
    assert "orchestrator budget set account --month none" in fleet.err
    assert tables() == before


def test_a_plan_counts_with_the_stricter_of_file_and_database(fleet):
    use(fleet, OTHERS["looser"])
    assert fleet("plan", "hero.yaml") == ExitCode.DONE
    assert "the cap of campaign sale ($0.06) has" in fleet.err or "of $0.06" in fleet.err
    use(fleet, OTHERS["stricter"])
    fleet("plan", "hero.yaml")
    assert "of $0.01" in fleet.err


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
    assert "Nothing was written" in fleet.err
    assert tables() == before
