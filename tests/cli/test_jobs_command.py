"""`jobs list`, `show`, `cancel` and `retry`, in the documented shapes."""

from dataclasses import fields
from types import SimpleNamespace

import pytest

from orchestrator.cli.rendering.jobs.job_text import jobs_table
from orchestrator.core.errors import ExitCode
from orchestrator.store.views.jobs.jobs import JobRow

JOB_KEYS = [
    "id", "campaign", "name", "run", "key", "variation", "state", "reason", "params", "tags", "axes",
    "price_usd", "cost_usd", "attempts", "prediction_id", "inference_ms", "outputs", "created_at",
    "finished_at", "verdict", "stars", "note", "superseded_by", "redo_of", "stage",
    "needs_job", "needs_index", "reused_from",
    "charged_usd", "why",
]  # fmt: skip


def test_jobs_list_is_json_lines_of_the_documented_shape(shell):
    shell("apply", shell.manifest())
    assert shell("jobs", "list", "--json") == 0
    assert [list(line) for line in shell.lines] == [JOB_KEYS] * 3
    first = shell.lines[0]
    assert (first["state"], first["price_usd"], first["cost_usd"]) == ("pending", "0.028", "0.00")
    assert (first["tags"], first["outputs"], first["prediction_id"]) == ({"client": "acme"}, [], None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--state", "pending"], 3),
        (["--state", "failed"], 0),
        (["--campaign", "sale"], 3),
        (["--run", "main"], 3),
        (["--run", "hero"], 3),
        (["--tag", "client=acme"], 3),
        (["--limit", "2"], 2),
    ],
)
def test_jobs_are_filtered(shell, words, expected):
    shell("apply", shell.manifest())
    assert shell("jobs", "list", "--json", *words) == 0
    assert len(shell.lines) == expected


def test_a_shown_job_says_why_it_is_not_running(shell):
    shell("apply", shell.manifest())
    assert shell("jobs", "show", "1") == 0
    assert "Ready: a worker takes it" in shell.said
    shell("campaigns", "pause", "sale", "--because", "waiting for the client")
    assert shell("jobs", "show", "1", "--json") == 0
    assert "waiting for the client" in shell.document["why"]


def test_cancel_and_retry_move_jobs_by_filter_and_by_id(shell):
    shell("apply", shell.manifest())
    assert shell("jobs", "cancel", "--campaign", "sale", "--dry-run", "--json") == 0
    assert (shell.document["matched"], shell.document["changed"]) == (3, 0)
    assert shell("jobs", "cancel", "--campaign", "sale", "--json") == 0
    assert shell.document["changed"] == 3
    assert shell("jobs", "retry", "2", "--json") == 0
    assert (shell.document["changed"], shell.document["cost_usd"]) == (1, "0.028")
    assert shell("jobs", "retry", "2") == 0
    assert "job 2 waits already" in shell.said


def test_retry_without_saying_which_jobs_is_refused(shell):
    assert shell("jobs", "retry") == 2
    assert "Nothing was changed" in shell.said


def listed(number, **more):
    values = dict.fromkeys(field.name for field in fields(JobRow))
    output = SimpleNamespace(
        path=None, planned_path=f"sale/SE-{number}/a-rather-long-scene-name-{number}-0.png"
    )
    return JobRow(**{
        **values, "id": number, "campaign": "summer", "name": "s2", "run": "main", "state": "pending",
        "cost_micros": 0, "created_at": 0, "outputs": [output],
        "axes": (("sku", f"SE-{number}"), ("scene", "beach")),
        "params": {"prompt": f"Place @Image1 on a beach at noon, with a long shadow, {number}"}, **more,
    })  # fmt: skip


@pytest.mark.parametrize("columns", [80, 100, 140, 240, None])
def test_rows_of_one_product_differ_at_any_width(columns):
    lines = jobs_table([listed(number) for number in (1001, 1002)], columns).splitlines()
    assert "SE-1001, beach" in lines[1]
    assert "SE-1002, beach" in lines[2]
    assert columns is None or all(len(line) < columns for line in lines)


def test_a_wider_terminal_shows_more_of_path_and_prompt():
    narrow, wide = (jobs_table([listed(1001)], columns) for columns in (80, 240))
    assert "sale/SE-1001/a-rather-long-scene-name-1001-0.png" in wide
    assert "with a long shadow, 1001" in wide
    assert ".." in narrow


def test_no_word_is_said_twice():
    line = jobs_table([listed(1, state="cancelled", reason="cancelled")], None).splitlines()[1]
    assert line.split().count("cancelled") == 1
    line = jobs_table([listed(1, state="cancelled", reason="pruned")], None).splitlines()[1]
    assert "cancelled  pruned" in line


def test_pruned_jobs_say_so(shell):
    shell("apply", shell.manifest())
    shell("apply", shell.manifest(word=" now"), "--prune")
    shell("jobs", "list", "--state", "cancelled", "--json")
    assert {line["reason"] for line in shell.lines} == {"pruned"}


def test_running_what_is_finished_is_one_line(shell, provider):
    assert shell("run", shell.manifest(), "--yes") == 0
    assert shell("run", shell.manifest(), "--yes") == 0
    assert shell.said.splitlines() == ["Nothing to do: all 3 jobs are recorded already."]
    assert provider.bill().post_count == 3


def test_jobs_are_listed_by_when_they_ended_or_were_recorded(shell):
    shell("apply", shell.manifest())
    for words, found in (
        (("--since", "1h"), 3),
        (("--until", "1h"), 0),
        (("--since", "2020-01-01", "--until", "2020-02-01"), 0),
        (("--since", "2020-01-01", "--state", "pending"), 3),
    ):
        assert shell("jobs", "list", "--json", *words) == 0
        assert len(shell.lines) == found
    assert shell("jobs", "list", "--since", "yesterday") == 2
    assert "no moment" in shell.said


@pytest.mark.parametrize(("since", "until"), [("1h", "2h"), ("2026-11-28", "2026-11-01"), ("1h", "1h")])
def test_a_span_that_is_upside_down_is_an_error_that_turns_it_round(shell, since, until):
    shell("apply", shell.manifest())
    assert shell("jobs", "list", "--since", since, "--until", until) == ExitCode.USAGE
    assert f"orchestrator jobs list --since {until} --until {since}" in shell.said


def test_a_wide_list_tells_when_and_verdicts_where_there_are_any(shell, monkeypatch):
    shell("apply", shell.manifest())
    assert shell("jobs", "list") == 0
    assert "when" in shell.out.splitlines()[0]
    assert "verdict" not in shell.out.splitlines()[0]
