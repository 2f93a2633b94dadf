"""The configuration: defaults that work, every key documented, every mistake located, no key ever shown."""

from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.core.errors import UsageError
from orchestrator.settings import Settings, api_key, config_json_schema, load_settings, webhook_secrets
from orchestrator.yamlio import ProblemsError

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
SECRET = "wsk-0123456789-do-not-show"


def read(tmp_path, text: str, env=None) -> Settings:
    (tmp_path / "config.yaml").write_text(text)
    return load_settings(None, env or {}, tmp_path)


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


def _empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir(exist_ok=True)
    return folder


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


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("databse_url: x", 1, 1, 'did you mean "database_url"'),
        ("database_url: mysql://x", 1, 15, "expected sqlite:///FILE"),
        ("outputs: x", 1, 10, "expected a mapping"),
        ("outputs: {nsfw: blur}", 1, 17, "one of keep, quarantine, discard"),
        ("outputs: {sidecar: yes}", 1, 20, "write true"),
        ("outputs: {root: ''}", 1, 17, "is empty"),
        ("input_roots: photos", 1, 14, "put it in brackets"),
        ("provider: {base_url: 'http://x.example'}", 1, 22, "use https"),
        ("provider: {base_url: 'https://x.example/api'}", 1, 22, "scheme and host only"),
        ("provider: {base_url: 'https://u:p@x.example'}", 1, 22, "scheme and host only"),
        ("provider: {read_timeout_seconds: 0}", 1, 34, "from 0.1 to 3600"),
        ("provider: {read_timeout_seconds: .inf}", 1, 34, "from 0.1 to 3600"),
        ("limits: {level: platinum}", 1, 17, "one of bronze, silver, gold, ultra"),
        ("limits: {concurrency: 0}", 1, 23, "from 1 to 100000"),
        ("limits: {concurrency: true}", 1, 23, "got true"),
        ("budgets: {account: {day: 0}}", 1, 26, "above 0"),
        ("budgets: {account: {day: 5,00}}", 1, 28, "unknown key"),
        ("budgets: {account: {week: 5}}", 1, 21, "allowed here: total, month, day"),
        ("budgets: {campaigns: {'a b': {total: 5}}}", 1, 23, "not a campaign's name"),
        ("budgets: {on_failed: keep}", 1, 22, "one of hold, release"),
        ("budgets: {timezone: Mars}", 1, 21, "name of a time zone"),
        ("webhook: {url: 'http://hooks.example.com/x'}", 1, 16, "https only"),
        ("webhook: {url: 'https://hooks.example.com'}", 1, 16, "with a path"),
        ("webhook: {url: 'https://u:p@hooks.example.com/x'}", 1, 16, "host and path only"),
        ("webhook: {url: 'https://hooks.example.com/x?a=b'}", 1, 16, "host and path only"),
        ("webhook: {url: 'https://hooks.example.com/x y'}", 1, 16, "host and path only"),
        ("webhook: {url: 'ftp://hooks.example.com/x'}", 1, 16, "with a path"),
        ("webhook: {listen: localhost}", 1, 19, "HOST:PORT"),
        ("webhook: {listen: 'localhost:70000'}", 1, 19, "HOST:PORT"),
        ("webhook: {listen: ':8788'}", 1, 19, "HOST:PORT"),
        ("worker: {poll_min_seconds: 20}", 1, 28, "more than poll_max_seconds"),
        ("retry: {max_attempts: 2.5}", 1, 23, "whole number"),
        ("download: {max_bytes: 1}\ndownload: {}", 2, 1, "twice in one mapping"),
        ("[]", 1, 1, "expected a mapping of settings"),
    ],
)
def test_a_mistake_is_reported_where_it_stands(tmp_path, text, line, column, words):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, text)
    found = [
        (item.line, item.column) for item in caught.value.problems if words in f"{item.message} {item.hint}"
    ]
    assert (line, column) in found, str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, "outputs: {nsfw: x}\nlimits: {level: y}\nlimts: {}\n")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"provider: {{api_key: {SECRET}, base_url: 'http://x.example'}}",
        f"api-key: {SECRET}",
        f"provider:\n  token: {SECRET}",
        f"WAVESPEED_API_KEY: {SECRET}",
        f"webhook: {{secret: {SECRET}}}",
        f"webhook: {{secret_env: {SECRET}}}",
        f"provider: {{api_key_env: {SECRET}}}",
        f"provider: {{base_url: 'https://{SECRET}@x.example', api_key: x}}",
    ],
)
def test_a_key_in_the_file_is_refused_and_not_shown(tmp_path, text):
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, text)
    assert SECRET not in str(caught.value)
    assert "key" in str(caught.value)


def test_the_key_comes_from_the_environment_then_from_its_file(tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(f"{SECRET}\n")
    key_file.chmod(0o600)
    settings = read(tmp_path, "provider: {api_key_env: MY_KEY, api_key_file: key}")
    assert api_key(settings, {"MY_KEY": " from-env "}) == "from-env"
    assert api_key(settings, {"WAVESPEED_API_KEY": "other"}) == SECRET
    assert SECRET not in repr(settings)
    assert api_key(load_settings(None, {}, _empty(tmp_path)), {}) is None


def test_a_key_file_that_others_may_read_or_that_holds_no_key_is_refused(tmp_path):
    settings = read(tmp_path, "provider: {api_key_file: key}")
    with pytest.raises(UsageError, match="cannot be read"):
        api_key(settings, {})
    key_file = tmp_path / "key"
    key_file.write_text(SECRET)
    key_file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        api_key(settings, {})
    assert SECRET not in str(caught.value)
    key_file.chmod(0o600)
    for content in ("", f"{SECRET} {SECRET}", f"{SECRET}\n{SECRET}", "ключ"):
        key_file.write_text(content)
        with pytest.raises(UsageError, match="one word") as caught:
            api_key(settings, {})
        assert SECRET not in str(caught.value)


def test_a_webhook_may_be_called_on_this_machine_without_tls(tmp_path):
    settings = read(
        tmp_path, "webhook: {url: 'http://127.0.0.1:8788/hook', listen: '[::1]:0', secret_file: s}"
    )
    assert settings.webhook.url == "http://127.0.0.1:8788/hook"
    assert settings.webhook.secret_file == str(tmp_path / "s")
    assert load_settings(None, {}, _empty(tmp_path)).webhook.url is None


def test_webhook_secrets_come_from_the_environment_then_from_their_file(tmp_path):
    secret_file = tmp_path / "secret"
    secret_file.write_text("whsec_new\nwhsec_old\n")
    secret_file.chmod(0o600)
    settings = read(tmp_path, "webhook: {secret_file: secret}")
    assert webhook_secrets(settings, {"WAVESPEED_WEBHOOK_SECRET": f" {SECRET} "}) == (SECRET,)
    assert webhook_secrets(settings, {}) == ("whsec_new", "whsec_old")
    assert webhook_secrets(load_settings(None, {}, _empty(tmp_path)), {}) == ()
    secret_file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        webhook_secrets(settings, {})


@pytest.mark.parametrize("word", ["whsec_", "Geheimnis-ä", "a\x00b"])
def test_what_is_no_webhook_secret_is_refused_and_not_shown(tmp_path, word):
    with pytest.raises(UsageError, match="does not hold a webhook secret") as caught:
        webhook_secrets(load_settings(None, {}, tmp_path), {"WAVESPEED_WEBHOOK_SECRET": f"{SECRET} {word}"})
    assert SECRET not in str(caught.value)
