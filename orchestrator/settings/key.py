"""Where the provider's key and the webhook secret come from. Values are returned, never kept, logged or
shown.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.errors import UsageError
from orchestrator.core.webhooks import SECRET_PREFIX
from orchestrator.settings.model import Settings
from orchestrator.settings.secret_files import read_secret


def api_key(settings: Settings, env: Mapping[str, str]) -> str | None:
    """The key from the environment variable, else from the key file; None when neither is there.

    Raises UsageError when the key file cannot be read, may be read by others, or does not hold one word.
    """
    provider = settings.provider
    if key := env.get(provider.api_key_env, "").strip():
        return _one_word(key, f"the environment variable {provider.api_key_env}")
    if provider.api_key_file is None:
        return None
    return _one_word(
        read_secret(Path(provider.api_key_file), "key", env), f"the key file {provider.api_key_file}"
    )


def key_fingerprint(settings: Settings, env: Mapping[str, str]) -> str:
    """12 hex digits that tell one key at one provider from another, and nothing of the key; empty without
    one.
    """
    key = api_key(settings, env)
    if key is None:
        return ""
    named = f"{settings.provider.base_url} {key}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(named).hexdigest()[:12]


def webhook_secrets(settings: Settings, env: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets that a webhook may be signed with: one, or two while one replaces the other; empty when
    there is none.

    Raises UsageError when the file cannot be read or may be read by others, or a word is no secret.
    """
    webhook = settings.webhook
    text, where = env.get(webhook.secret_env, ""), f"the environment variable {webhook.secret_env}"
    if not text.strip() and webhook.secret_file is not None:
        text, where = (
            read_secret(Path(webhook.secret_file), "secret", env),
            f"the secret file {webhook.secret_file}",
        )
    words = tuple(text.split())
    if any(
        not word.isascii() or not word.isprintable() or not word.removeprefix(SECRET_PREFIX) for word in words
    ):
        raise UsageError(f"{where} does not hold a webhook secret such as {SECRET_PREFIX}...")
    return words


def _one_word(key: str, where: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"{where} does not hold a key: one word without spaces is expected")
    return key
