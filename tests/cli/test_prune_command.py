"""`plan`, `apply` and `run` after a manifest was edited, or when only a part is asked for: nothing is
bought unsaid."""

import pytest

from orchestrator.core.errors import ExitCode

DROP = "To drop them: orchestrator apply hero.yaml --prune"
LEFT = "3 waiting jobs ($0.084) of this run are not in hero.yaml any more; they will be made too"


@pytest.fixture
def edited(shell):
    """A manifest whose first version is applied, and whose second is not."""
    assert shell("apply", shell.manifest(word=" tabel")) == ExitCode.DONE
    return shell.manifest(word=" table")


def test_a_plan_says_what_an_edit_left_waiting_and_counts_it(shell, edited):
    assert shell("plan", edited) == ExitCode.DONE
    assert f"{LEFT}. {DROP}" in shell.said
    assert "To submit   6 jobs, 6 images, $0.168" in shell.said
    assert "of these 3 jobs ($0.084) are not asked for here" in shell.said
    assert "recorded earlier" not in shell.said
    assert shell("plan", edited, "--json") == ExitCode.DONE
    others = {"jobs": 3, "cost_usd": "0.084"}
    assert shell.document["manifests"][0]["others"] == shell.document["totals"]["others"] == others


def test_an_apply_says_what_an_edit_left_waiting(shell, edited):
    assert shell("apply", edited, "--json") == ExitCode.DONE
    assert shell.document["manifests"][0]["others"] == {"jobs": 3, "cost_usd": "0.084"}
    assert f"{LEFT}. {DROP}" in shell.said


def test_the_command_that_drops_them_names_the_run_key_that_was_given(shell):
    shell("apply", shell.manifest(word=" tabel"), "--run", "monday")
    assert shell("plan", shell.manifest(), "--run", "monday") == ExitCode.DONE
    assert "orchestrator apply hero.yaml --run monday --prune" in shell.said


def test_a_pruned_apply_drops_them_once(shell, edited):
    assert shell("apply", edited, "--prune", "--json") == ExitCode.DONE
    assert (shell.document["manifests"][0]["new"], shell.document["manifests"][0]["pruned"]) == (3, 3)
    assert shell("apply", edited, "--prune", "--json") == ExitCode.DONE
    assert (shell.document["manifests"][0]["new"], shell.document["manifests"][0]["pruned"]) == (0, 0)
    assert shell("plan", edited) == ExitCode.DONE
    assert "To submit   3 jobs, 3 images, $0.084" in shell.said


@pytest.mark.parametrize("command", ["apply", "run"])
@pytest.mark.parametrize("part", ["--limit", "--sample"])
def test_pruning_to_a_part_is_refused(shell, edited, command, part):
    assert shell(command, edited, "--prune", part, "1") == ExitCode.USAGE
    assert "cannot go together with --limit or --sample" in shell.said
    assert shell("status", "--json") == ExitCode.DONE
    assert shell.document["runs"][0]["jobs"]["pending"] == 3


def test_the_money_that_is_asked_for_includes_what_an_edit_left_waiting_and_says_so(shell, edited, provider):
    assert shell("run", edited) == ExitCode.USAGE  # no terminal to ask on
    assert "spend $0.168 (3 jobs of it for $0.084 not in the manifest any more)" in shell.said
    assert provider.bill().post_count == 0


def test_a_pruned_run_buys_the_edited_version_alone(shell, edited, provider):
    assert shell("run", edited, "--prune") == ExitCode.USAGE
    assert "would spend $0.084, and there is no terminal" in shell.said
    assert "--prune cancels them" in shell.said
    assert shell("run", edited, "--prune", "--yes", "--json") == ExitCode.DONE
    assert shell.document["jobs"]["cancelled"] == shell.document["jobs"]["succeeded"] == 3
    assert provider.bill().post_count == 3


@pytest.mark.parametrize("part", ["--limit", "--sample"])
def test_a_part_bounds_what_is_spent_while_others_go_on_waiting(shell, provider, part):
    manifest = shell.manifest()
    shell("apply", manifest)
    assert shell("run", manifest, part, "1", "--yes", "--json") == ExitCode.DONE
    assert shell.document["jobs"] == {
        "pending": 0, "running": 0, "succeeded": 1, "failed": 0, "cancelled": 0, "reused": 0,
    }  # fmt: skip
    assert shell.document["next_command"] == f"orchestrator run {manifest}"
    assert provider.bill().post_count == 1
    assert shell("run", manifest, part, "1", "--yes") == ExitCode.DONE  # it is there already
    assert provider.bill().post_count == 1
    assert shell("run", manifest, "--yes") == ExitCode.DONE
    assert provider.bill().post_count == 3


def test_a_part_of_an_edited_manifest_is_shown_first(shell, edited, provider):
    assert shell("run", edited, "--sample", "1", "--yes") == ExitCode.DONE
    assert "Finished after" in shell.said
    assert "1 done, 0 failed of 1 job" in shell.said
    assert provider.bill().post_count == 1
    shell("status", "--json")
    assert shell.document["runs"][0]["jobs"]["pending"] == 3  # those of the version before the edit


def test_a_sample_of_what_is_not_made_is_another_one_each_time(shell, provider):
    manifest = shell.manifest()
    for made in (1, 2, 3, 3):
        assert shell("run", manifest, "--sample", "1", "--unmade", "--yes") == ExitCode.DONE
        assert provider.bill().post_count == made
    assert shell("run", shell.manifest(word=" now"), "--limit", "2", "--unmade", "--yes") == ExitCode.DONE
    assert provider.bill().post_count == 5
    assert shell("plan", manifest, "--unmade") == ExitCode.USAGE
    assert "add one of them" in shell.said


def test_a_part_that_was_recorded_and_not_finished_goes_on(shell, provider):
    manifest = shell.manifest()
    shell("apply", manifest, "--limit", "2")
    assert shell("run", manifest, "--limit", "2", "--yes") == ExitCode.DONE
    assert provider.bill().post_count == 2
    assert shell("run", manifest, "--yes") == ExitCode.DONE
    assert provider.bill().post_count == 3


def test_a_part_is_planned_with_a_word_about_what_waits_outside(shell):
    manifest = shell.manifest()
    shell("apply", manifest)
    assert shell("plan", manifest, "--limit", "1") == ExitCode.DONE
    assert "2 waiting jobs ($0.056) of this run are outside of --limit or --sample" in shell.said
