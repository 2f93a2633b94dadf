"""`campaign_budget:` of a manifest caps its campaign, whatever the run key and whichever manifest buys."""

from orchestrator.core.errors import ExitCode


def caps(shell) -> dict[str, str]:
    shell("budget", "show", "--json")
    return {f"{row['scope']} {row['name']}": row["cap_usd"] for row in shell.lines}


def test_two_run_keys_together_buy_no_more_than_the_campaign_may_spend(shell, provider):
    manifest = shell.manifest(extra="campaign_budget: 0.09")
    assert shell("run", manifest, "--yes", "--run", "one") == ExitCode.DONE
    assert shell("run", manifest, "--yes", "--run", "two") == ExitCode.BUDGET
    shell("jobs", "list", "--json", "--state", "succeeded")
    assert len(shell.lines) == 3  # $0.084; a fourth would be $0.112
    assert caps(shell) == {"campaign sale": "0.09"}


def test_of_two_manifests_the_strictest_word_counts_and_a_looser_one_is_a_persons(shell):
    first = shell.manifest("first", extra="campaign_budget: 0.50")
    second = shell.manifest("second", extra="campaign_budget: 0.20", word=" at night")
    assert shell("apply", first, second) == ExitCode.DONE
    assert caps(shell) == {"campaign sale": "0.20"}
    shell("apply", first)
    assert "first.yaml says $0.50" in shell.said
    assert "orchestrator budget apply" in shell.said
    assert caps(shell) == {"campaign sale": "0.20"}
    assert shell("budget", "apply", first, "--yes") == ExitCode.DONE
    assert caps(shell) == {"campaign sale": "0.50"}


def test_the_configuration_and_a_manifest_together_are_the_stricter_of_both(shell):
    (shell.folder / "config.yaml").write_text("budgets: {campaigns: {sale: {total: 0.30}}}\n")
    assert shell("apply", shell.manifest(extra="campaign_budget: 0.40")) == ExitCode.DONE
    assert caps(shell) == {"campaign sale": "0.30"}
    assert shell("apply", shell.manifest("other", extra="campaign_budget: 0.10")) == ExitCode.DONE
    assert caps(shell) == {"campaign sale": "0.10"}


def test_a_plan_shows_the_cap_before_it_is_in_force(shell):
    manifest = shell.manifest(extra="campaign_budget: 0.06")
    assert shell("plan", manifest) == ExitCode.DONE
    assert "campaign sale total" in shell.out
    assert "covers 2 of 3 pictures" in shell.out
    assert "each run key has its own cap" not in shell.out


def test_a_plan_of_a_run_with_a_cap_names_the_key_that_caps_all_runs(shell):
    shell("plan", shell.manifest(extra="budget: 1.00"))
    assert "`campaign_budget:` in the manifest" in shell.out
