"""Selectors that name nothing are errors and change nothing; `--sandbox` looks at the rehearsal alone."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from looking import LOOKING

from orchestrator.cli import out
from orchestrator.cli.base import Options
from orchestrator.core.errors import ExitCode

READING = [words for name, words in LOOKING.items() if not name.startswith("db ")]


@pytest.fixture
def recorded(shell):
    """Three waiting jobs of the campaign sale, tagged client=acme."""
    assert shell("apply", shell.manifest()) == 0
    return shell


@pytest.fixture
def ended(recorded):
    """One that waits, one that is cancelled, one that has its picture."""
    assert recorded("jobs", "cancel", "2") == 0
    with closing(sqlite3.connect(recorded.folder / "orchestrator.db")) as db, db:
        db.execute("UPDATE jobs SET state = 'succeeded', queue = NULL, finished_at = 1 WHERE id = 3")
    return recorded


NAMED = [
    ("--campaign", "sael", "There is no campaign 'sael'; there are: sale; did you mean \"sale\"?"),
    ("--run", "nix", "There is no run 'nix'; there are: sale/hero/main"),
]
FILTERED = [
    *NAMED,
    ("--tag", "clint=acme", "There is no tag 'clint'; there are: client; did you mean \"client\"?"),
    ("--tag", "client=acne", "There is no job with the tag client 'acne'; there are: acme"),
    ("--reason", "moderated", "There is no job with the reason 'moderated'; there is none at all"),
]


BY_FILTER = [
    ["jobs", "list"],
    ["jobs", "retry"],
    ["jobs", "cancel", "--dry-run"],
    ["jobs", "hold"],
    ["jobs", "release"],
    ["jobs", "prioritise"],
    ["accept", "--yes"],
    ["reject", "--dry-run"],
    ["redo", "--yes"],
    ["redo", "--dry-run"],
    ["export", "--accepted", "shop"],
    ["outputs", "check"],
]


def test_every_command_that_takes_the_filters_of_a_listing_is_held_to_these_rules():
    from orchestrator.cli.root import cli

    context = click.Context(cli)
    found = [(cli.get_command(context, name), [name]) for name in cli.list_commands(context)]
    takes = []
    for command, words in found:
        if isinstance(command, click.Group):
            parts = command.list_commands(context)
            found += [(command.get_command(context, part), [*words, part]) for part in parts]
        if {"tags", "reason"} <= {parameter.name for parameter in command.params}:
            takes.append(words)
    assert [words for words in takes if not any(each[: len(words)] == words for each in BY_FILTER)] == []


@pytest.mark.parametrize("words", BY_FILTER, ids=" ".join)
def test_a_selector_of_nothing_is_an_error_that_says_what_there_is(recorded, words):
    for option, value, said in FILTERED:
        assert recorded(*words, option, value) == ExitCode.USAGE
        assert said in recorded.said
    assert not (recorded.folder / "shop").exists()
    assert recorded("jobs", "list", "--state", "pending", "--json") == 0
    assert len(recorded.lines) == 3


@pytest.mark.parametrize(("option", "value", "words"), NAMED)
def test_a_page_of_nothing_is_not_written_over_a_good_one(recorded, option, value, words):
    assert recorded("gallery") == 0
    page = recorded.folder / "gallery.html"
    before = page.read_bytes()
    assert recorded("gallery", option, value) == ExitCode.USAGE
    assert words in recorded.said
    assert page.read_bytes() == before


def test_selectors_that_name_something_and_meet_in_nothing_are_an_answer(recorded):
    assert recorded("jobs", "list", "--campaign", "sale", "--state", "failed") == 0
    assert "No jobs match" in recorded.said
    assert recorded("jobs", "list", "--run", "sale/hero/main", "--json") == 0
    assert len(recorded.lines) == 3


@pytest.mark.parametrize("words", READING)
def test_without_a_rehearsal_every_reading_verb_says_how_to_make_one(shell, words):
    shell.manifest()
    code = shell(*words.format(elsewhere=shell.folder).split(), "--sandbox")
    if words.startswith("plan"):
        assert code == 0
    else:
        assert code == ExitCode.USAGE
        assert "run MANIFEST --sandbox" in shell.said
    assert not (shell.folder / "sandbox").exists()


def test_every_reading_verb_looks_at_the_rehearsal_and_its_hints_stay_there(recorded):
    rehearsed = recorded.manifest("rehearsal", extra="schedule: {cron: 30 2 * * *}")
    assert recorded("schedule", "add", rehearsed, "--sandbox") == 0
    assert recorded("run", rehearsed, "--sandbox", "--yes", "--limit", "1") == 0
    assert "orchestrator review --sandbox" in recorded.said
    for words in READING:
        there = re.sub(r" hero\b(?!\.yaml)", " rehearsal", words).format(elsewhere=recorded.folder)
        assert recorded(*there.split(), "--sandbox") == 0, words
    assert recorded("status", "--sandbox", "--json") == 0
    assert [run["name"] for run in recorded.document["runs"]] == ["rehearsal"]
    assert recorded("status", "--json") == 0
    assert [run["name"] for run in recorded.document["runs"]] == ["hero"]
    assert recorded("jobs", "retry", "1", "--sandbox") == ExitCode.USAGE
    assert "`orchestrator redo 1 --sandbox` asks for another" in recorded.said
    assert recorded("gallery", "--sandbox") == 0
    page = (recorded.folder / "sandbox" / "gallery.html").read_text()
    assert 'href="outputs/rehearsal/beach-0.png"' in page
    assert (recorded.folder / "sandbox" / "outputs" / "rehearsal" / "beach-0.png").is_file()


def test_a_command_within_a_sentence_is_about_the_same_database():
    given = Options(config=Path("my other.yaml"), sandbox=True)
    assert out.repeated("it is there: `orchestrator redo 5` asks for another; see `pause`", given) == (
        "it is there: `orchestrator redo 5 --sandbox --config 'my other.yaml'` asks for another; see `pause`"
    )
    assert out.repeated("`orchestrator reconcile` lists them", Options(sandbox=True)) == (
        "`orchestrator reconcile` lists them"
    )


def test_a_hint_that_cannot_go_to_the_rehearsal_is_not_given_there():
    from orchestrator.cli.root import cli

    for words in out.REHEARSED:
        context = cli.make_context("orchestrator", [*words.split(), "--help"], resilient_parsing=True)
        found = cli
        for word in words.split():
            found = found.get_command(context, word)
        names = found.list_commands(context) if isinstance(found, click.Group) else ()
        for each in [found.get_command(context, name) for name in names] or [found]:
            assert any(parameter.name == "sandbox" for parameter in each.params), (words, each.name)


def test_what_asks_the_provider_afterwards_says_why_it_has_no_rehearsal(recorded):
    for words in (["reconcile"], ["jobs", "adopt", "1", "task"]):
        assert recorded(*words, "--sandbox") == ExitCode.USAGE
        assert "one running: orchestrator sandbox" in recorded.said
    assert not (recorded.folder / "sandbox").exists()


def test_what_decides_about_a_rehearsal_leaves_real_work_alone(recorded):
    assert recorded("apply", "hero.yaml", "--sandbox") == 0
    for words in (
        ["pause", "--why", "a try"],
        ["campaigns", "pause", "sale"],
        ["budget", "set", "account", "--day", "0"],
    ):
        assert recorded(*words, "--sandbox") == 0
    assert recorded("status", "--sandbox", "--json") == 0
    assert len(recorded.document["stopped"]) > 1
    assert recorded("status", "--json") == 0
    assert recorded.document["stopped"] == []
    assert recorded("resume", "--sandbox") == 0
    assert recorded("campaigns", "resume", "sale", "--sandbox") == 0
    assert recorded("campaigns", "close", "sale", "--sandbox") == 0
    assert "orchestrator campaigns reopen sale --sandbox" in recorded.said
    assert recorded("jobs", "list", "--state", "pending", "--json") == 0
    assert len(recorded.lines) == 3


REFUSED = [
    ["accept", "1"],
    ["reject", "1"],
    ["redo", "1"],
    ["jobs", "retry", "3"],
    ["jobs", "cancel", "3"],
]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["done", "asked"])
@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_job_that_is_named_and_cannot_be_acted_on_is_said_and_ends_with_one_code(ended, words, dry):
    assert ended(*words, *dry) == ExitCode.USAGE
    assert f"job {words[-1]}" in ended.said
    assert ended(*words, *dry, "--json") == ExitCode.USAGE
    found = ended.document
    assert [item["id"] for item in found.get("refused", found.get("left"))] == [int(words[-1])]


@pytest.mark.parametrize("words", [["jobs", "retry", "1"], ["jobs", "cancel", "2"]], ids=" ".join)
def test_a_job_that_is_as_it_should_be_already_is_no_refusal(ended, words):
    assert ended(*words) == ExitCode.DONE
    assert "already" in ended.said


@pytest.mark.parametrize(
    "words", [["accept"], ["reject"], ["redo"], ["jobs", "retry"], ["jobs", "cancel"]], ids=" ".join
)
def test_a_filter_that_finds_nothing_to_do_is_an_answer_of_every_verb(ended, words):
    state = "running" if "retry" not in words else "failed"
    assert ended(*words, "--campaign", "sale", "--state", state) == ExitCode.DONE


def test_a_job_without_an_accepted_picture_that_is_named_is_said_by_the_hand_over(ended):
    assert ended("export", "--accepted", "shop", "3") == ExitCode.USAGE
    assert "job 3 has no picture that is accepted" in ended.said
    assert ended("export", "--accepted", "shop", "3", "--json") == ExitCode.USAGE
    assert ended.document["not_accepted"] == [3]
    assert ended("export", "--accepted", "shop", "99") == ExitCode.USAGE
    assert "There is no job 99" in ended.said
