"""Every command that is shown as the next repeats the options that this one was given."""

import shlex

import pytest

from orchestrator.cli.commands.run import command as run_command
from orchestrator.cli.invocation import Asked, next_fields


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--sample", "2"],
        ["--limit", "1"],
        ["--limit", "1", "--unmade"],
        ["--run", "try"],
        ["--sample", "2", "--run", "try"],
        ["--config", "other.yaml"],
        ["--config", "my other.yaml", "--limit", "2", "--run", "try"],
    ],
)
def test_a_plan_names_commands_with_the_same_options(shell, options):
    (shell.folder / "other.yaml").write_text("")
    (shell.folder / "my other.yaml").write_text("")
    assert shell("plan", shell.manifest(), *options) == 0
    for verb, line in zip(("apply", "run"), shell.said.splitlines()[-2:], strict=True):
        words = shlex.split(line.removeprefix("Next").strip().split("  ")[0])
        assert words[:2] == ["orchestrator", verb]
        assert all(word in words for word in options)


def test_json_names_the_next_command_and_whether_it_spends(shell):
    assert shell("plan", shell.manifest(), "--json", "--sample", "2") == 0
    assert shell.document["next_command"] == "orchestrator apply hero.yaml --sample 2"
    assert shell.document["spends"] is False
    assert shell("apply", "hero.yaml", "--json", "--sample", "2") == 0
    assert (shell.document["next_command"], shell.document["spends"]) == ("orchestrator work --drain", True)


def test_every_command_that_is_built_can_be_typed():
    asked = Asked(("a b.yaml",), "night 1", 3, sandbox=True)
    words = shlex.split(asked.command("run", "--prune", whole=True))
    assert words == ["orchestrator", "run", "a b.yaml", "--run", "night 1", "--sandbox", "--prune"]
    known = {option for param in run_command.params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert next_fields([]) == {"next_command": None, "spends": False}


def test_json_of_a_rehearsal_names_a_next_command_of_the_rehearsal(shell):
    (shell.folder / "other.yaml").write_text("")
    told = ["--sandbox", "--json", "--config", "other.yaml"]
    for words, follow in (
        (["run", shell.manifest(), "--yes"], "review"),
        (["redo", "1"], "work --drain"),
        (["reject", "1"], "redo 1 --dry-run"),
        (["apply", "hero.yaml"], "work --drain"),
    ):
        assert shell(*words, *told) == 0
        named = shlex.split(shell.document["next_command"])
        assert sorted(named) == sorted(shlex.split(f"orchestrator {follow} --sandbox --config other.yaml")), (
            "without them it would be about real pictures and real money"
        )
