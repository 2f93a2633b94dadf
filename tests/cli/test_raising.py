"""Who raises a cap or a limit in a file meets one question; where nobody is asked, the stricter stays."""

import pytest

from orchestrator.core.errors import ExitCode

RAISED = "config.yaml raises the day cap of the account from $5.00 to $8.00"


@pytest.fixture
def edited(shell, provider):
    """A cap of the file was taken, and the file was edited since; a limit too."""
    speed = "worker: {poll_min_seconds: 0.05, poll_max_seconds: 0.2}\n"

    def write(day, extra=""):
        (shell.folder / "config.yaml").write_text(
            f"budgets: {{account: {{day: {day}}}}}\nlimits: {{level: gold{extra}}}\n{speed}"
        )

    write(5)
    assert shell("apply", shell.manifest()) == ExitCode.DONE
    write(8)
    return write


def day_cap(shell):
    assert shell("budget", "show", "--json") == ExitCode.DONE
    return {row["window"]: row["cap_usd"] for row in shell.lines}["day"]


def test_run_asks_once_and_yes_raises_it_for_good(shell, edited, typed):
    typed("y\ny\n")
    assert shell("run", "hero.yaml") == ExitCode.DONE, shell.said
    assert shell.said.count(RAISED) == 1
    assert shell.said.count("Type y to raise it") == 1
    assert "of $8.00" in shell.said, "the plan counts with it already"
    assert "stays at" not in shell.said
    assert day_cap(shell) == "8.00"
    typed("y\n")
    assert shell("apply", "hero.yaml") == ExitCode.DONE
    assert "Type y" not in shell.said


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n"])
def test_no_is_the_default_and_the_work_goes_on_under_the_stricter(shell, edited, typed, answer):
    typed(f"{answer}y\n")
    assert shell("run", "hero.yaml") == ExitCode.DONE, shell.said
    assert "the day cap of the account stays at $5.00, although config.yaml says $8.00" in shell.said
    assert day_cap(shell) == "5.00"


def test_a_run_that_is_not_consented_to_has_raised_nothing(shell, edited, typed):
    typed("y\nn\n")
    assert shell("run", "hero.yaml") == ExitCode.USAGE
    assert "Nothing was written" in shell.said
    assert day_cap(shell) == "5.00"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("words", ["run hero.yaml --yes", "work --drain"])
def test_unattended_work_and_yes_raise_nothing_and_say_once_what_decides(
    shell, edited, typed, words, terminal
):
    if terminal:
        typed("")
    assert shell(*words.split()) == ExitCode.DONE, shell.said
    assert shell.said.count("stays at $5.00") == 1
    assert "orchestrator budget apply (or: orchestrator budget set account --day 8.00)" in shell.said
    assert day_cap(shell) == "5.00"


def test_apply_asks_too_and_several_words_are_one_question(shell, edited, typed):
    edited(5, ", concurrency: 4")
    assert shell("apply", shell.manifest(extra="budget: 1.00")) == ExitCode.DONE
    edited(8)
    typed("y\n")
    assert shell("apply", shell.manifest(extra="budget: 2.00")) == ExitCode.DONE
    assert shell.said.count("Type y to raise them") == 1
    assert "hero.yaml raises the cap of run sale/hero/main from $1.00 to $2.00" in shell.said
    assert "config.yaml raises the limit of tasks at once from 4 to 3,000" in shell.said
    assert shell("budget", "show", "--json") == ExitCode.DONE
    assert {row["window"]: row["cap_usd"] for row in shell.lines} == {"day": "8.00", "total": "2.00"}
    assert shell("limits", "show", "--json") == ExitCode.DONE
    assert shell.document["limits"][0]["value"] == 3000


def test_a_manifests_looser_cap_is_a_decision_and_one_that_it_drops_stays(shell, provider):
    shell("apply", shell.manifest(extra="budget: 1.00"))
    shell("apply", shell.manifest(extra="budget: 3.00"))
    assert "the cap of run sale/hero/main stays at $1.00, although" in shell.said
    assert "orchestrator budget apply" in shell.said
    shell("apply", shell.manifest(extra="budget: 0.50"))
    assert "the cap of run sale/hero/main is $0.50 now" in shell.said
    shell("apply", shell.manifest())
    assert "names none any more" in shell.said
    assert "orchestrator budget set run:sale/hero/main --total none" in shell.said
    shell("budget", "show", "--json")
    assert [row["cap_usd"] for row in shell.lines] == ["0.50"]


def test_caps_of_a_file_are_taken_only_after_the_manifest_was_checked(shell, edited):
    edited(3)
    assert shell("apply", shell.manifest(extra="variatoins: 2")) == ExitCode.USAGE
    shell.manifest()
    (shell.folder / "photo.png").unlink()
    assert shell("apply", "hero.yaml") == ExitCode.USAGE
    assert day_cap(shell) == "5.00"


def test_the_sandbox_takes_every_word_since_nothing_costs_anything(shell, typed):
    typed("")
    (shell.folder / "config.yaml").write_text("budgets: {account: {day: 0.03}}\n")
    assert shell("run", shell.manifest(), "--sandbox") == ExitCode.BUDGET
    (shell.folder / "config.yaml").write_text("budgets: {account: {day: 5}}\n")
    assert shell("run", "hero.yaml", "--sandbox") == ExitCode.DONE


def test_the_commands_that_decide_repeat_the_configuration_that_was_named(shell, edited):
    (shell.folder / "config.yaml").rename(shell.folder / "my prod.yaml")
    shell("--config", "my prod.yaml", "apply", "hero.yaml")
    assert "orchestrator budget apply --config 'my prod.yaml'" in shell.said
