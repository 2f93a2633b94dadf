"""The configuration: defaults that work, every key documented, the file found and read."""

from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from settings_files import empty, read

from orchestrator.settings import Limits, config_json_schema, load_settings
from orchestrator.settings.model import polls_a_second
from orchestrator.yamlio import ProblemsError

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_without_a_file_the_defaults_hold(tmp_path):
    settings = load_settings(None, {}, tmp_path)
    assert settings.origin is None
    assert settings.database_url == f"sqlite:///{tmp_path}/orchestrator.db"
    assert settings.outputs.root == str(tmp_path / "outputs")
    assert (settings.limits.concurrency, settings.limits.submits_per_minute) == (2, 2)
    assert settings.budgets.account == {}


def test_the_example_shows_every_key_with_its_default(tmp_path):
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text())
    shown = load_settings(None, {}, tmp_path)
    (tmp_path / "config.yaml").unlink()
    assert asdict(replace(shown, origin=None)) == asdict(load_settings(None, {}, tmp_path))
    assert _keys(yaml.safe_load(EXAMPLE.read_text())) == _schema_keys(config_json_schema())


def _keys(data, prefix="") -> set[str]:
    found = set()
    for name, value in data.items():
        found.add(prefix + name)
        if isinstance(value, dict):
            found |= _keys(value, f"{prefix}{name}.")
    return found


def _schema_keys(schema, prefix="") -> set[str]:
    found = set()
    for name, value in schema.get("properties", {}).items():
        found.add(prefix + name)
        found |= _schema_keys(value, f"{prefix}{name}.")
    return found


def test_every_key_of_the_example_says_why():
    for line in EXAMPLE.read_text().splitlines():
        if ":" in line and line.startswith("  ") and not line.strip().startswith("#"):
            assert "#" in line, line


def test_the_schema_accepts_the_example():
    jsonschema.Draft7Validator.check_schema(config_json_schema())
    jsonschema.Draft7Validator(config_json_schema()).validate(yaml.safe_load(EXAMPLE.read_text()))


def test_the_file_is_found_by_argument_then_environment_then_name(tmp_path):
    for name, level in [("a.yaml", "silver"), ("b.yaml", "gold"), ("config.yaml", "ultra")]:
        (tmp_path / name).write_text(f"limits: {{level: {level}}}")
    env = {"ORCHESTRATOR_CONFIG": "b.yaml"}
    assert load_settings(Path("a.yaml"), env, tmp_path).limits.level == "silver"
    assert load_settings(None, env, tmp_path).limits.level == "gold"
    assert load_settings(None, {}, tmp_path).limits.level == "ultra"
    assert load_settings(None, {"ORCHESTRATOR_CONFIG": ""}, tmp_path).limits.level == "ultra"
    with pytest.raises(ProblemsError, match="no such file"):
        load_settings(Path("none.yaml"), {}, tmp_path)


def test_the_environment_stands_over_the_file(tmp_path):
    env = {
        "ORCHESTRATOR_DATABASE_URL": "postgresql+psycopg://h/db",
        "WAVESPEED_BASE_URL": "http://127.0.0.1:9/",
    }
    settings = read(tmp_path, "database_url: sqlite:///x.db", env)
    assert settings.database_url == "postgresql+psycopg://h/db"
    assert settings.provider.base_url == "http://127.0.0.1:9"
    with pytest.raises(ProblemsError, match="environment variable WAVESPEED_BASE_URL: http is accepted"):
        read(tmp_path, "{}", {"WAVESPEED_BASE_URL": "http://x.example"})


def test_paths_are_relative_to_the_file(tmp_path):
    inner = tmp_path / "conf"
    inner.mkdir()
    (inner / "c.yaml").write_text(
        "database_url: sqlite:///d/x.db\noutputs: {root: ../out}\ninput_roots: [photos, /abs]\nprovider: "
        "{api_key_file: key}"
    )
    settings = load_settings(Path("conf/c.yaml"), {}, tmp_path)
    assert settings.database_url == f"sqlite:///{inner}/d/x.db"
    assert settings.outputs.root == str(tmp_path / "out")
    assert settings.input_roots == (str(inner / "photos"), "/abs")
    assert settings.provider.api_key_file == str(inner / "key")


def test_a_level_sets_the_limits_and_explicit_numbers_win(tmp_path):
    limits = read(tmp_path, "limits: {level: silver, concurrency: 7}").limits
    assert (limits.concurrency, limits.submits_per_minute, limits.polls_per_second) == (7, 500, 50.0)


@pytest.mark.parametrize(
    ("text", "unnamed"),
    [
        ("", {"concurrency", "submits_per_minute", "polls_per_second"}),
        ("limits: {level: null, downloads: 3}", {"concurrency", "submits_per_minute", "polls_per_second"}),
        ("limits: {concurrency: 2}", {"submits_per_minute", "polls_per_second"}),
        ("limits: {level: bronze}", set()),
        ("limits: {level: gold, concurrency: 2}", set()),
    ],
)
def test_a_limit_that_neither_a_number_nor_a_level_names_is_known_as_a_default(tmp_path, text, unnamed):
    limits = read(tmp_path, text).limits
    assert limits.defaulted == unnamed
    assert limits.concurrency == 2


def test_budgets_are_read_from_their_digits(tmp_path):
    budgets = read(
        tmp_path, "budgets: {account: {day: 50.00, month: 0.1}, campaigns: {summer-sale: {total: '400'}}}"
    ).budgets
    assert budgets.account == {"day": 50_000_000, "month": 100_000}
    assert budgets.campaigns == {"summer-sale": {"total": 400_000_000}}


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "limits: ~", "limits: {}"])
def test_an_empty_file_or_section_means_defaults(tmp_path, text):
    assert read(tmp_path, text).limits.level == "bronze"


def test_a_webhook_may_be_called_on_this_machine_without_tls(tmp_path):
    settings = read(
        tmp_path, "webhook: {url: 'http://127.0.0.1:8788/hook', listen: '[::1]:0', secret_file: s}"
    )
    assert settings.webhook.url == "http://127.0.0.1:8788/hook"
    assert settings.webhook.secret_file == str(tmp_path / "s")
    assert load_settings(None, {}, empty(tmp_path)).webhook.url is None


@pytest.mark.parametrize(
    ("named", "in_force", "polls"),
    [
        (True, 3000, 5.0),
        (False, None, 5.0),
        (False, 2, 5.0),
        (False, 3, 50.0),
        (False, 3000, 200.0),
        (False, 10**6, 400.0),
    ],
)
def test_a_pace_of_polls_that_is_not_named_is_that_of_the_limit_in_force(named, in_force, polls):
    limits = Limits(defaulted=frozenset() if named else frozenset({"polls_per_second"}))
    assert polls_a_second(limits, in_force) == polls
