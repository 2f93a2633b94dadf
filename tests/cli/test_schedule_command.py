"""Schedules from the command line: added, looked at, decided about, each decision recorded."""

import json

import pytest

from orchestrator.core.ticks import TickKind
from orchestrator.runtime.clock import SystemClock
from orchestrator.store.db.database import Database
from orchestrator.store.schedules import expanding, firing, schedules
from orchestrator.store.schedules.expanding import TickWhy
from orchestrator.store.schedules.ticks import insert

NIGHTLY = "schedule: {cron: 30 2 * * *, timezone: Europe/Vienna}"


@pytest.fixture
def nightly(shell):
    shell.manifest("night", extra=NIGHTLY)
    assert shell("schedule", "add", "night.yaml") == 0
    return shell


@pytest.fixture
def database(nightly):
    found = Database.open(f"sqlite:///{nightly.folder}/orchestrator.db", SystemClock())
    yield found
    found.close()


def hold(database, reason="change_flood"):
    """A tick of now that a guard holds."""
    with database.write() as tx:
        schedule = schedules.find(tx, "night")
        upcoming = schedule.timetable.between(tx.now - 2 * 86_400_000, tx.now)[-1]
        insert(tx, upcoming, schedule_id=schedule.id, revision=1, kind=TickKind.BACKFILL)
        order = expanding.take(tx, "w1", [schedule.id])
        expanding.held(tx, order, TickWhy(reason, "980 of 1,000 jobs changed.", 5))
        return upcoming.local


def test_a_schedule_is_added_once_and_says_when_it_fires(nightly):
    assert "Schedule sale/night is new: 30 2 * * * in Europe/Vienna." in nightly.said
    assert nightly.said.count("T02:30") == 3
    assert "no worker runs now" in nightly.said
    assert nightly("schedule", "add", "night.yaml") == 0
    assert "is as it was" in nightly.said
    nightly.manifest("night", extra=NIGHTLY.replace("30 2", "0 4"))
    assert nightly("schedule", "add", "night.yaml", "--json") == 0
    (item,) = nightly.document["schedules"]
    assert (item["new"], item["changed"], item["revision"], item["cron"]) == (False, True, 2, "0 4 * * *")
    assert (nightly.document["next_command"], nightly.document["spends"]) == ("orchestrator work", True)
    assert nightly("events", "--acts", "--json") == 0
    assert [line["kind"] for line in nightly.lines] == ["schedule add", "schedule add"]


def test_a_manifest_without_a_schedule_or_with_a_wrong_one_is_refused(shell):
    shell.manifest("plain")
    assert shell("schedule", "add", "plain.yaml") == 2
    assert "plain.yaml: there is no schedule: in it" in shell.said
    shell.manifest("wrong", extra="schedule: {cron: 30 2 * *, timezone: Europe/Viena}")
    assert shell("schedule", "add", "wrong.yaml") == 2
    assert "4 fields, and 5 are needed" in shell.said
    assert 'did you mean "Europe/Vienna"?' in shell.said


def test_a_schedule_whose_jobs_are_off_is_refused_before_its_first_night(shell):
    shell.manifest("night", extra=NIGHTLY, word=" {{ nobody }}")
    assert shell("schedule", "add", "night.yaml") == 2
    assert shell("schedule", "list") == 0
    assert "No schedules yet" in shell.said


def test_list_and_show_say_what_comes_and_what_was(nightly):
    assert nightly("schedule", "list") == 0
    assert "sale/night  30 2 * * * Europe/Vienna" in nightly.said
    assert nightly("schedule", "show", "night", "--json") == 0
    found = nightly.document
    assert (found["schedule"], found["last"], found["open"]) == ("sale/night", None, [])
    assert found["catchup"] == {"mode": "latest", "max_age_seconds": 43200}
    assert nightly("schedule", "show", "sale/night") == 0
    assert "catch up  latest, not older than 12 h" in nightly.said
    assert nightly("schedule", "show", "sale/nihgt") == 2
    assert 'did you mean "sale/night"?' in nightly.said


def test_an_address_that_is_pinged_is_never_shown_whole(nightly):
    nightly.manifest("night", extra=NIGHTLY.replace("}", ', ping: "https://hc.example/geheim"}'))
    nightly("schedule", "add", "night.yaml")
    for words in (
        ["schedule", "show", "night"],
        ["schedule", "show", "night", "--json"],
        ["events"],
        ["status"],
    ):
        assert nightly(*words) == 0
        assert "geheim" not in nightly.out + nightly.said
    nightly("schedule", "show", "night", "--json")
    assert nightly.document["ping"] == "hc.example"


def test_run_now_makes_a_tick_and_says_who_spends(nightly):
    assert nightly("schedule", "run-now", "night", "--why", "a launch", "--json") == 0
    (tick,) = nightly.document["ticks"]
    assert (tick["state"], tick["kind"]) == ("due", "run_now")
    assert nightly.document["next_command"] == "orchestrator work"
    assert nightly("schedule", "run-now", "night") == 0
    assert "was asked for before, and is made once." in nightly.said
    assert nightly("schedule", "history", "night") == 0
    assert nightly.said.count("run_now  due") == 1
    assert nightly("events", "--acts", "--json") == 0
    assert nightly.lines[-1]["why"] == "a launch"


def test_pause_and_resume_are_said_once(nightly):
    for words, said in (
        (["pause", "night", "--why", "a holiday"], "is paused."),
        (["pause", "night"], "was paused already."),
        (["resume", "night"], "fires again."),
        (["resume", "night"], "was not paused."),
    ):
        assert nightly("schedule", *words) == 0
        assert said in nightly.said
    nightly("schedule", "pause", "night", "--why", "a holiday")
    nightly("schedule", "list")
    assert "paused: a holiday" in nightly.said


def test_a_removed_schedule_is_gone_from_the_list_and_may_come_back(nightly):
    assert nightly("schedule", "remove", "night") == 0
    assert nightly("schedule", "list") == 0
    assert "No schedules yet" in nightly.said
    assert nightly("schedule", "remove", "night") == 2
    assert nightly("schedule", "add", "night.yaml") == 0
    assert "is new" in nightly.said


def test_a_backfill_names_its_ticks_and_leaves_alone_what_is_under_way(nightly):
    assert nightly("schedule", "backfill", "night", "2026-03-28", "2026-03-30", "--json") == 0
    assert [tick["tick"] for tick in nightly.document["ticks"]] == [
        "2026-03-28T02:30",
        "2026-03-29T02:30",
        "2026-03-30T02:30",
    ]
    assert nightly("schedule", "backfill", "night", "2026-03-29T02:30", "--json") == 0
    assert (nightly.document["ticks"], len(nightly.document["left"])) == ([], 1)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (["2020-01-01", "2020-12-31"], "31 at a time can be made"),
        (["2099-01-01"], "has no tick there that is past"),
        (["2026-03-28T05:00"], "has no tick there that is past"),
        (["last-week"], "write one such as 2026-11-28T02:30"),
        (
            ["2026-03-30", "2026-03-28"],
            "2026-03-30 is later than 2026-03-28. Say the earlier one first: orchestrator schedule backfill",
        ),
    ],
)
def test_a_backfill_that_means_nothing_or_too_much_is_refused(nightly, span, said):
    assert nightly("schedule", "backfill", "night", *span) == 2
    assert said in nightly.said
    assert nightly("schedule", "history", "night") == 0
    assert "No tick has fired yet." in nightly.said


def test_what_a_guard_holds_is_shown_and_goes_on_when_a_person_agrees(nightly, database):
    local = hold(database)
    assert nightly("status") == 0
    assert f"schedule sale/night: tick_waiting: the tick of {local} waits for a person: 980" in nightly.said
    assert "orchestrator schedule approve sale/night" in nightly.said
    assert nightly("status", "--json") == 0
    ((stop),) = nightly.document["stopped"]
    assert (stop["scope"], stop["reason"]) == ("schedule sale/night", "tick_waiting")
    (row,) = nightly.document["schedules"]
    assert [tick["state"] for tick in row["open"]] == ["waiting_approval"]
    assert nightly("schedule", "approve", "night", "--why", "a new season", "--json") == 0
    assert [tick["tick"] for tick in nightly.document["ticks"]] == [local]
    assert nightly("schedule", "approve", "night") == 0
    assert "Nothing of it waits." in nightly.said


def test_what_a_guard_holds_may_be_refused(nightly, database):
    hold(database)
    assert nightly("schedule", "refuse", "night", "--why", "it was an export") == 0
    assert nightly("schedule", "history", "night", "--json") == 0
    assert [(line["state"], line["reason"], line["message"]) for line in nightly.lines] == [
        ("skipped", "refused", "it was an export")
    ]


def test_doctor_says_when_nobody_is_there(nightly, database):
    nightly("doctor", "--json")
    found = [check for check in nightly.document["checks"] if check["name"] == "schedules"]
    assert [check["verdict"] for check in found] == ["warn", "ok"]
    assert "no worker runs" in found[0]["message"]
    assert "sale/night next " in found[1]["message"]
    (nightly.folder / "night.yaml").unlink()
    nightly("doctor", "--json")
    assert any("cannot be read on this host" in check["message"] for check in nightly.document["checks"])
    with database.read() as tx:
        assert firing.next_look(tx) is not None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("partial", "a tick of its schedule makes what fits, every product first (when_short: partial)"),
        ("skip", "a tick of its schedule is skipped then, and makes nothing (when_short: skip)"),
    ],
)
def test_a_plan_says_what_a_tick_does_whose_money_is_too_little(shell, word, said):
    night = 'run: "{{ date }}"\n' + NIGHTLY.replace("}", f", budget: 0.06, when_short: {word}}}")
    assert shell("plan", shell.manifest("night", extra=night)) == 0
    assert "covers 2 of 3 pictures" in shell.said
    assert said in shell.said
    assert shell("plan", "night.yaml", "--json") == 0
    assert shell.document["manifests"][0]["when_short"] == word
    assert shell("plan", shell.manifest("night", extra=night.replace("0.06", "6"))) == 0
    assert "when_short" not in shell.said


def test_a_run_of_another_moment_is_planned_applied_and_saved_alike(shell):
    shell.manifest("night", extra='run: "{{ tick }}"\n' + NIGHTLY)
    assert shell("plan", "night.yaml", "--at", "2026-11-28T02:30", "--json", "-o", "night.plan") == 0
    assert shell.document["manifests"][0]["run"] == "2026-11-28T02-30"
    assert shell("apply", "night.plan", "--json") == 0
    assert shell.document["manifests"][0]["run"] == "2026-11-28T02-30"
    assert shell("plan", "night.yaml", "--at", "2026-11-28T02:31") == 0
    assert "orchestrator apply night.yaml --at 2026-11-28T02:31" in shell.said
    assert shell("plan", "night.yaml", "--at", "soon") == 2
    assert shell("apply", "night.plan", "--at", "2026-11-28") == 2
    assert json.loads((shell.folder / "night.plan").read_text())["at"] == "2026-11-28T02:30"
