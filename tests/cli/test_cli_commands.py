"""Commands end to end on real SQLite, without a network."""

from contextlib import closing

from orchestrator.runtime.clock import SystemClock
from orchestrator.store.account import rate_limits
from orchestrator.store.db.database import Database

PLAN_KEYS = [
    "path", "name", "campaign", "run", "model", "jobs", "images", "new", "existing", "reused",
    "avoided_usd", "under_way", "left_alone", "changed_at_address", "changed_by_model", "cost_usd",
    "list_usd", "others", "copies", "redone", "axes", "variations", "example", "costs", "instead",
    "changes", "left_behind", "skipped_rows", "blank_rows",
]  # fmt: skip


def test_plan_prints_exactly_the_documented_shape(shell):
    assert shell("plan", shell.manifest(), "--json") == 0
    assert list(shell.document) == ["manifests", "totals", "warnings", "forecast", "next_command", "spends"]
    (row,) = shell.document["manifests"]
    assert list(row) == PLAN_KEYS
    assert (row["jobs"], row["images"], row["new"], row["existing"], row["cost_usd"]) == (3, 3, 3, 0, "0.084")
    assert shell.document["totals"] == {
        "jobs": 3,
        "images": 3,
        "new": 3,
        "existing": 0,
        "reused": 0,
        "avoided_usd": "0.00",
        "under_way": 0,
        "left_alone": 0,
        "changed_at_address": 0,
        "changed_by_model": 0,
        "cost_usd": "0.084",
        "list_usd": "0.084",
        "others": {"jobs": 0, "cost_usd": "0.00"},
        "copies": 0,
        "redone": {"jobs": 0, "cost_usd": "0.00"},
        "found": {"jobs": 0, "images": 0, "cost_usd": "0.00"},
    }


def test_plan_writes_nothing_not_even_a_database(shell):
    manifest = shell.manifest()
    before = sorted(shell.folder.iterdir())
    assert shell("plan", manifest) == 0
    assert sorted(shell.folder.iterdir()) == before


def test_a_plan_fits_a_screen_and_names_what_to_do_next(shell):
    assert shell("plan", shell.manifest(extra="budget: 0.05")) == 0
    assert len(shell.said.splitlines()) <= 24
    assert "orchestrator apply hero.yaml" in shell.said
    assert "the cap of run sale/hero/main ($0.05) has $0.05 left" in shell.said
    assert "To submit" in shell.out  # what was asked for goes to stdout, whatever that is


def test_applying_again_adds_only_what_is_new(shell):
    manifest = shell.manifest()
    assert shell("apply", manifest, "--limit", "1", "--json") == 0
    assert (shell.document["manifests"][0]["new"], shell.document["manifests"][0]["existing"]) == (1, 0)
    assert shell("apply", manifest, "--json") == 0
    assert (shell.document["manifests"][0]["new"], shell.document["manifests"][0]["existing"]) == (2, 1)
    assert shell("plan", manifest) == 0
    assert "3 jobs ($0.084) were recorded earlier and are not paid yet" in shell.said


def test_status_prints_exactly_the_documented_shape(shell):
    shell("apply", shell.manifest(extra="budget: 40.00"))
    assert shell("status", "--json") == 0
    assert list(shell.document) == ["runs", "budgets", "stopped", "forecast"]
    assert shell.document["runs"] == [
        {
            "campaign": "sale",
            "name": "hero",
            "run": "main",
            "jobs": {"pending": 3, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0, "reused": 0},
            "in_doubt": 0,
            "images": {"stored": 0, "nsfw": 0},
            "spent_usd": "0.00",
            "held_usd": "0.00",
        }
    ]
    assert shell.document["budgets"] == [
        {
            "scope": "run",
            "name": "sale/hero/main",
            "window": "total",
            "cap_usd": "40.00",
            "spent_usd": "0.00",
            "held_usd": "0.00",
            "remaining_usd": "40.00",
            "over_usd": "0.00",
        }
    ]
    assert shell.document["stopped"] == []


def test_a_cap_that_admits_nothing_is_shown_as_stopped(shell):
    shell("apply", shell.manifest(extra="budget: 0.01"))
    assert shell("status", "--json") == 0
    (stopped,) = shell.document["stopped"]
    assert list(stopped) == ["scope", "reason", "since"]
    assert (stopped["scope"], stopped["reason"]) == ("run sale/hero/main", "budget")
    assert stopped["since"].endswith("Z")


def test_jobs_that_wait_for_the_rate_are_shown_with_when_there_is_room(shell):
    shell("apply", shell.manifest())
    with (
        closing(Database.open("sqlite:///orchestrator.db", SystemClock())) as database,
        database.write() as tx,
    ):
        rate_limits.configure(tx, concurrency=10, submits_per_minute=1)
        rate_limits.grant(tx, 1)
    assert shell("status", "--json") == 0
    (stopped,) = shell.document["stopped"]
    assert list(stopped) == ["scope", "reason", "since"]
    assert (stopped["scope"], stopped["reason"]) == ("account", "rate_limit")
    assert shell("status") == 0
    assert "waiting  account: rate_limit: 1 of 1 submits of the last minute are taken (for" in shell.said
    assert "until" in shell.said


def test_a_paused_campaign_is_listed_as_stopped_until_resumed(shell):
    shell("apply", shell.manifest())
    assert shell("campaigns", "pause", "sale", "--json") == 0
    assert shell.document == {"campaign": "sale", "changed": True}
    shell("status", "--json")
    assert [row["scope"] for row in shell.document["stopped"]] == ["campaign sale"]
    assert shell("campaigns", "resume", "sale", "--json") == 0
    shell("status", "--json")
    assert shell.document["stopped"] == []


def test_two_manifests_that_write_the_same_file_are_refused_before_a_row_is_written(shell):
    first = shell.manifest("first")
    second = shell.manifest("second")
    text = (shell.folder / second).read_text().replace("{{ name }}/", "first/")
    (shell.folder / second).write_text(text)
    assert shell("plan", first, second, "--json") == 2
    assert "path conflict" in shell.document["warnings"][0]
    assert shell("apply", first, second) == 2
    assert "first/beach-0.png is written by sale/first and by sale/second" in shell.said
    shell("apply", first)
    assert shell("apply", second) == 2
    assert shell("plan", second) == 2
    shell("status", "--json")
    assert [row["name"] for row in shell.document["runs"]] == ["first"]


def test_one_run_described_by_two_files_is_refused(shell):
    first = shell.manifest()
    (shell.folder / "copy.yaml").write_text((shell.folder / first).read_text())
    assert shell("plan", first, "copy.yaml") == 2
    assert "both describe run sale/hero/main" in shell.said


def test_models_schemas_and_database_commands_answer_in_json(shell):
    assert shell("models", "list", "--json") == 0
    assert shell.lines[0]["price"]["usd_per_image"] == {"1k": "0.028", "2k": "0.028", "4k": "0.056"}
    for kind in ("manifest", "config"):
        assert shell("schema", kind) == 0
        assert "$schema" in shell.document
    assert shell("db", "upgrade", "--json") == 0
    head = shell.document["head"]
    assert shell("db", "current", "--json") == 0
    assert shell.document == {"current": head, "head": head}
    assert shell("db", "check", "--json") == 0


def test_init_writes_a_start_and_overwrites_nothing(shell):
    (shell.folder / "config.yaml").write_text("# mine\n")
    assert shell("init", "--json") == 0
    assert (shell.folder / "config.yaml").read_text() == "# mine\n"
    assert shell.document["kept"] == [str(shell.folder / "config.yaml")]
    assert (shell.folder / "orchestrator.db").exists()
    assert shell("plan", "jobs/quickstart.yaml", "--json") == 0
    assert shell.document["totals"]["new"] > 0


def test_init_from_a_folder_and_a_table_writes_what_plans_at_once(shell):
    shell.manifest()
    (shell.folder / "photos").mkdir()
    (shell.folder / "photo.png").rename(shell.folder / "photos" / "Größe 1.png")
    (shell.folder / "shop.csv").write_text("sku;Foto\nA-1;Größe 1.png\nA-2;gone.png\n;;\n")
    assert shell("init", "--csv", "shop.csv") == 2
    assert "--csv needs --from" in shell.said
    assert shell("init", "--from", "photos", "--csv", "shop.csv") == 0
    assert "row 3 is left out: there is no file" in shell.said
    assert "2 jobs for $0.056" in shell.said
    assert "normalize: false" in (shell.folder / "config.yaml").read_text()
    assert shell("plan", "photos.yaml", "--json") == 0
    assert shell.document["totals"]["new"] == 2
    assert shell.document["manifests"][0]["skipped_rows"] == [
        {"table": "shop.csv", "row": 3, "reason": 'there is no file "photos/gone.png"'}
    ]
    assert shell.document["manifests"][0]["blank_rows"] == 1
    assert shell("init", "--from", "photos", "--csv", "shop.csv") == 2
    assert "stays as it is" in shell.said


def test_bad_rows_are_skipped_on_demand_and_listed_and_the_hints_keep_the_word(shell):
    name = shell.manifest()
    path = shell.folder / name
    text = path.read_text().replace("matrix:\n", "matrix:\n  p: {csv: shop.csv}\n")
    path.write_text(text.replace("on a {{ scene }}", "on a {{ scene }} by {{ p.by }}"))
    (shell.folder / "shop.csv").write_text("sku,by\nA,me\nB,\n")
    assert shell("plan", name, "--json") == 2
    (problem,) = shell.document["error"]["problems"]
    assert (problem["table"], problem["row"], problem["field"]) == ("shop.csv", 3, "by")
    assert problem["combination"] == {"p.sku": "B", "scene": "beach"}
    assert "{{ p.by }}" in problem["source"]
    assert "3 jobs use it ($0.084)" in problem["message"]
    assert shell("plan", name, "--skip-bad-rows") == 0
    assert "1 row of shop.csv: column by is empty (row 3)" in shell.said
    assert f"orchestrator apply {name} --skip-bad-rows" in shell.said
    assert shell("apply", name, "--skip-bad-rows", "--json") == 0
    assert shell.document["manifests"][0]["new"] == 3
    assert [row["row"] for row in shell.document["manifests"][0]["skipped_rows"]] == [3]


def test_a_demo_leaves_a_folder_of_somebody_elses_alone(shell):
    (shell.folder / "demo").mkdir()
    (shell.folder / "demo" / "thesis.txt").write_text("mine")
    assert shell("demo") == 2
    assert "left alone" in shell.said


def test_in_doubt_list_is_empty_and_calm_at_first(shell):
    shell("db", "upgrade")
    assert shell("in-doubt", "list", "--json") == 0
    assert shell.out == ""
