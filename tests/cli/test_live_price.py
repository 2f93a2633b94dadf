"""Live prices from the command line, against the sandbox: planned, held, stopped by and accepted."""

import pytest

from orchestrator.core.errors import ExitCode

MODEL = "kwaivgi/kling-image-o3/edit"


def said(shell):
    """What a person reads, whichever stream it is on."""
    return shell.said


def totals(shell):
    return shell.document["totals"]


def test_a_plan_shows_the_live_price_with_the_list_price_beside_it(shell, provider):
    provider.change(discount_rate=50)
    assert shell("plan", shell.manifest(), "--json") == 0
    assert (totals(shell)["cost_usd"], totals(shell)["list_usd"]) == ("0.042", "0.084")
    (row,) = shell.document["manifests"]
    assert (row["cost_usd"], row["list_usd"]) == ("0.042", "0.084")
    shell("plan", shell.manifest())
    assert "$0.014 a job (list $0.028, your discount 50 %)" in said(shell)


def test_a_plan_without_a_key_shows_list_prices_and_says_so(shell):
    assert shell("plan", shell.manifest()) == 0
    assert "list price; the live price is asked before anything is bought" in said(shell)


def test_a_plan_beside_a_provider_that_cannot_be_reached_shows_list_prices(shell, provider, monkeypatch):
    monkeypatch.setenv("WAVESPEED_BASE_URL", "http://127.0.0.1:9")
    assert shell("plan", shell.manifest()) == 0
    assert "list price; the live price is asked before anything is bought" in said(shell)


def test_what_waits_is_planned_at_the_live_price_too(shell, provider):
    shell("apply", shell.manifest())
    provider.change(discount_rate=50)
    shell("plan", shell.manifest())
    assert "3 jobs, 3 images, $0.042" in said(shell)


def test_at_half_the_price_a_cap_buys_twice_as_many(shell, provider):
    provider.change(discount_rate=50)
    assert shell("run", shell.manifest(extra="budget: 0.028"), "--yes", "--json") == ExitCode.BUDGET
    assert (shell.document["images"]["stored"], shell.document["spent_usd"]) == (2, "0.028")
    assert provider.bill().charged_micros == 28_000


def test_a_discount_that_appears_after_the_jobs_were_applied_is_what_is_held(shell, provider):
    shell("apply", shell.manifest(extra="budget: 0.028"))
    provider.change(discount_rate=50)
    assert shell("work", "--drain", "--json") == ExitCode.BUDGET
    assert shell.document["images"]["stored"] == 2


def test_a_discount_that_ends_stops_before_money_moves_until_a_person_accepts(shell, provider):
    provider.change(discount_rate=50)
    shell("apply", shell.manifest())
    provider.change(discount_rate=100)
    assert shell("work", "--drain") == ExitCode.OPERATOR
    assert "costs $0.028 for a job that was planned at $0.014" in said(shell)
    assert f"orchestrator resume --model {MODEL}" in said(shell)
    assert provider.bill().post_count == 0
    assert shell("resume", "--model", MODEL, "--why", "it is worth it", "--json") == 0
    assert shell.document == {
        "model": MODEL,
        "changed": True,
        "accepted": [{"old_usd": "0.014", "new_usd": "0.028"}],
    }
    assert shell("work", "--drain") == ExitCode.DONE
    assert provider.bill().charged_micros == 84_000


def test_a_price_above_the_list_is_bought_by_nobody_who_was_not_asked(shell, provider):
    provider.change(discount_rate=150)
    manifest = shell.manifest()
    assert shell("run", manifest, "--yes") == ExitCode.OPERATOR
    assert "a job of kwaivgi/kling-image-o3/edit now costs $0.042, and $0.028 by the list" in said(shell)
    assert provider.bill().post_count == 0
    assert shell("resume", "--model", MODEL) == 0
    assert shell("run", manifest, "--yes") == ExitCode.DONE
    assert shell("run", shell.manifest("other"), "--yes") == ExitCode.DONE  # accepted for later runs too
    assert provider.bill().charged_micros == 6 * 42_000


def test_running_again_at_the_list_price_agrees_to_it_for_what_waits(shell, provider):
    provider.change(discount_rate=50)
    manifest = shell.manifest()
    shell("apply", manifest)
    provider.change(discount_rate=100)
    shell("plan", manifest)
    assert "3 jobs, 3 images, $0.084" in said(shell)
    assert shell("run", manifest, "--yes") == ExitCode.DONE


def test_a_model_that_no_run_uses_has_no_price_to_accept(shell, provider):
    shell("apply", shell.manifest())
    assert shell("resume", "--model", MODEL[:-1]) == ExitCode.USAGE
    assert "did you mean" in said(shell)


def test_a_model_that_was_not_stopped_is_told_so(shell, provider):
    shell("apply", shell.manifest())
    assert shell("resume", "--model", MODEL) == 0
    assert "was not stopped for its price" in said(shell)


@pytest.mark.parametrize("rate", [0, 1])
def test_a_price_of_nothing_is_planned_and_held_at_the_list_price(shell, provider, rate):
    provider.change(discount_rate=rate)
    assert shell("run", shell.manifest(), "--yes", "--json") == ExitCode.DONE
    assert shell.document["spent_usd"] in {"0.084", "0.00", "0.003"}  # the bill may have been read by now
    shell("jobs", "list", "--json")
    assert {line["price_usd"] for line in shell.lines} == {"0.028"}
