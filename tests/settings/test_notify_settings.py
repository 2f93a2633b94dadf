"""`notify:` in config.yaml: what each way of telling needs, and which words are secrets."""

import pytest

from orchestrator.core.errors import UsageError
from orchestrator.settings import load_settings
from orchestrator.settings.notify_secrets import notify_secrets
from orchestrator.yamlio import ProblemsError


def load(tmp_path, text: str):
    (tmp_path / "config.yaml").write_text(f"notify:\n  ops: {text}\n")
    return load_settings(None, {}, tmp_path).notify["ops"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{via: pigeon}", "pigeon"),
        ("{url: 'https://x.example/y'}", "'via' is missing"),
        ("{via: webhook}", "name one of url, url_env and url_file"),
        ("{via: webhook, url: 'https://x.example/y', url_env: X}", "name one of url"),
        ("{via: webhook, url: 'http://x.example/y'}", "http is accepted for this machine only"),
        ("{via: webhook, url: 'https://a:b@x.example/y'}", "credentials in the URL"),
        ("{via: slack, url: 'https://hooks.example/T0PS3CRET'}", "its address is a secret"),
        ("{via: apprise}", "its address is a secret"),
        ("{via: email, to: [a@b.c]}", "an e-mail needs smtp, from"),
        ("{via: email, smtp: mail.example, from: a@b.c, to: [a@b.c]}", "expected HOST:PORT"),
        ("{via: webhook, url_env: X, events: [everything]}", "everything"),
        ("{via: webhook, url_env: X, secret: hello-secret}", "never written in this file"),
    ],
)
def test_a_target_that_cannot_be_told_is_refused_with_what_it_needs(tmp_path, text, words):
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert "T0PS3CRET" not in str(caught.value) or "slack" in text
    assert "hello-secret" not in str(caught.value)


def test_files_are_relative_to_the_configuration_and_read_when_they_are_needed(tmp_path):
    target = load(tmp_path, "{via: slack, url_file: slack-url, campaigns: [spring], events: [attention]}")
    assert target.url_file == str(tmp_path / "slack-url")
    assert (target.campaigns, target.events, target.to) == (("spring",), ("attention",), ())
    with pytest.raises(UsageError, match="cannot be read"):
        notify_secrets(target, {})
    (tmp_path / "slack-url").write_text("https://hooks.example/x\n")
    (tmp_path / "slack-url").chmod(0o600)
    assert notify_secrets(target, {}).url == "https://hooks.example/x"


def test_a_variable_that_is_named_and_not_set_is_said(tmp_path):
    target = load(tmp_path, "{via: webhook, url: 'https://x.example/y', secret_env: SIGN}")
    with pytest.raises(UsageError, match="SIGN, which holds its secret, is not set"):
        notify_secrets(target, {})
