"""`jobs list`, `show`, `cancel` and `retry`, in the documented shapes."""

import pytest

JOB_KEYS = [
    "id", "campaign", "name", "run", "key", "variation", "state", "reason", "params", "tags", "price_usd",
    "cost_usd", "attempts", "prediction_id", "inference_ms", "outputs", "created_at", "finished_at",
    "verdict", "stars", "note", "superseded_by", "redo_of", "charged_usd", "why",
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
        (["--campaign", "other"], 0),
        (["--run", "main"], 3),
        (["--run", "hero"], 3),
        (["--tag", "client=acme"], 3),
        (["--tag", "client=other"], 0),
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
