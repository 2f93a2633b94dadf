"""Keys and webhook secrets: from the environment or a file of their own, and never shown."""

import pytest
from settings_files import SECRET, empty, read

from orchestrator.core.errors import UsageError
from orchestrator.settings import api_key, load_settings, webhook_secrets
from orchestrator.yamlio import ProblemsError


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
    assert api_key(load_settings(None, {}, empty(tmp_path)), {}) is None


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


def test_webhook_secrets_come_from_the_environment_then_from_their_file(tmp_path):
    secret_file = tmp_path / "secret"
    secret_file.write_text("whsec_new\nwhsec_old\n")
    secret_file.chmod(0o600)
    settings = read(tmp_path, "webhook: {secret_file: secret}")
    assert webhook_secrets(settings, {"WAVESPEED_WEBHOOK_SECRET": f" {SECRET} "}) == (SECRET,)
    assert webhook_secrets(settings, {}) == ("whsec_new", "whsec_old")
    assert webhook_secrets(load_settings(None, {}, empty(tmp_path)), {}) == ()
    secret_file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        webhook_secrets(settings, {})


@pytest.mark.parametrize("word", ["whsec_", "Geheimnis-ä", "a\x00b"])
def test_what_is_no_webhook_secret_is_refused_and_not_shown(tmp_path, word):
    with pytest.raises(UsageError, match="does not hold a webhook secret") as caught:
        webhook_secrets(load_settings(None, {}, tmp_path), {"WAVESPEED_WEBHOOK_SECRET": f"{SECRET} {word}"})
    assert SECRET not in str(caught.value)
