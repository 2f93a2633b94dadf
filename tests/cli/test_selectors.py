"""Selectors that name nothing are errors and change nothing; `--sandbox` looks at the rehearsal alone."""

from pathlib import Path

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


@pytest.mark.parametrize("verb", ["list", "retry", "cancel"])
@pytest.mark.parametrize(("option", "value", "words"), FILTERED)
def test_a_selector_of_nothing_is_an_error_that_says_what_there_is(recorded, verb, option, value, words):
    assert recorded("jobs", verb, option, value) == ExitCode.USAGE
    assert words in recorded.said
    assert recorded("jobs", "list", "--state", "pending", "--json") == 0
    assert len(recorded.lines) == 3


@pytest.mark.parametrize(("option", "value", "words"), FILTERED)
def test_a_check_of_the_pictures_of_nothing_is_an_error(recorded, option, value, words):
    assert recorded("outputs", "check", option, value) == ExitCode.USAGE
    assert words in recorded.said


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
    rehearsed = recorded.manifest("rehearsal")
    assert recorded("run", rehearsed, "--sandbox", "--yes", "--limit", "1") == 0
    assert "orchestrator review --sandbox" in recorded.said
    for words in READING:
        there = words.replace("report hero", "report rehearsal").format(elsewhere=recorded.folder)
        assert recorded(*there.split(), "--sandbox") == 0, words
    assert recorded("status", "--sandbox", "--json") == 0
    assert [run["name"] for run in recorded.document["runs"]] == ["rehearsal"]
    assert recorded("status", "--json") == 0
    assert [run["name"] for run in recorded.document["runs"]] == ["hero"]
    assert recorded("jobs", "retry", "1", "--sandbox") == 0
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
        assert any(parameter.name == "sandbox" for parameter in found.params), words
