"""`limits`: how much at once, for every worker, whose word it is and since when."""

import pytest

from orchestrator.core.errors import ExitCode

FILE = "limits: {concurrency: 4, submits_per_minute: 20}\n"


@pytest.fixture
def fleet(shell, database_url, monkeypatch):
    """A database that a configuration has brought its limits to."""
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", database_url)
    (shell.folder / "config.yaml").write_text(FILE)
    assert shell("apply", shell.manifest()) == ExitCode.DONE
    return shell


def limits(shell):
    assert shell("limits", "show", "--json") == ExitCode.DONE
    return {row["key"]: (row["value"], row["source"]) for row in shell.document["limits"]}


def test_show_says_value_word_since_whom_and_what_this_configuration_says(fleet):
    assert limits(fleet) == {"concurrency": (4, "config"), "submits_per_minute": (20, "config")}
    row = fleet.document["limits"][0]
    assert (row["configured"], row["taken"]) == (4, 0)
    assert row["since"]
    assert row["who"]
    assert fleet("limits", "set", "concurrency", "9", "--why", "a launch") == ExitCode.DONE
    (fleet.folder / "config.yaml").unlink()
    assert fleet("limits", "show") == ExitCode.DONE
    for words in ("a person", "a launch", "no opinion", "a configuration"):
        assert words in fleet.said


def test_where_nobody_was_yet_show_says_so(shell):
    shell("db", "upgrade")
    assert shell("limits", "show") == ExitCode.DONE
    assert "No limits are in force yet" in shell.said
    assert shell("limits", "show", "--json") == ExitCode.DONE
    assert shell.document == {"limits": []}


def test_what_is_set_stands_over_the_file_and_config_gives_it_back(fleet):
    assert fleet("limits", "set", "concurrency", "50") == ExitCode.DONE
    assert fleet("apply", "hero.yaml") == ExitCode.DONE
    assert "was set to 50 by a person and stands over the 4 of config.yaml" in fleet.said
    assert "orchestrator limits set concurrency config" in fleet.said
    assert limits(fleet)["concurrency"] == (50, "operator")
    assert fleet("limits", "set", "concurrency", "config", "--json") == ExitCode.DONE
    assert fleet.document["changed"] == ["concurrency"]
    assert limits(fleet)["concurrency"] == (4, "config")


def test_the_number_that_is_in_force_becomes_a_persons_word_once_and_the_act_says_so(fleet):
    for _ in range(2):
        assert fleet("limits", "set", "concurrency", "4") == ExitCode.DONE
    assert "It was so already" in fleet.said
    assert limits(fleet)["concurrency"] == (4, "operator")
    assert fleet("events") == ExitCode.DONE
    assert fleet.said.count("4, a file's word became 4, a person's word") == 1
    assert "4 became 4" not in fleet.said


def test_a_level_sets_both(fleet):
    assert fleet("limits", "set", "level", "silver") == ExitCode.DONE
    assert limits(fleet) == {"concurrency": (300, "operator"), "submits_per_minute": (500, "operator")}
    assert fleet("limits", "set", "level", "silver") == ExitCode.DONE
    assert "It was so already" in fleet.said


def test_the_first_of_all_words_may_be_a_persons(shell):
    assert shell("limits", "set", "concurrency", "9") == ExitCode.DONE
    assert limits(shell) == {"concurrency": (9, "operator"), "submits_per_minute": (2, "default")}
    (shell.folder / "config.yaml").write_text("limits: {submits_per_minute: 500}\n")
    assert shell("apply", shell.manifest()) == ExitCode.DONE
    assert limits(shell) == {"concurrency": (9, "operator"), "submits_per_minute": (500, "config")}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["concurrency", "0"], "from 1 to 100,000"),
        (["concurrency", "many"], "from 1 to 100,000"),
        (["submits_per_minute", "-3"], "from 1 to 1,000,000"),
        (["level", "platinum"], "bronze, silver, gold, ultra"),
        (["downloads", "3"], "downloads"),
    ],
)
def test_a_wrong_word_is_refused_and_changes_nothing(fleet, words, says):
    before = limits(fleet)
    assert fleet("limits", "set", "--", *words) == ExitCode.USAGE
    assert says in fleet.said
    assert limits(fleet) == before


def test_config_where_the_file_has_no_opinion_changes_nothing(fleet):
    (fleet.folder / "config.yaml").unlink()
    assert fleet("limits", "set", "level", "config") == ExitCode.USAGE
    assert "names no level" in fleet.said
    assert limits(fleet)["concurrency"] == (4, "config")
