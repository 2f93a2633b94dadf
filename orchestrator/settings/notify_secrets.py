"""The secrets of those who are told: an address, what a webhook is signed with, a password."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.errors import UsageError
from orchestrator.settings.model import NotifyTarget
from orchestrator.settings.secret_files import read_secret


@dataclass(frozen=True, slots=True)
class NotifySecrets:
    """What was found; never logged or shown."""

    url: str | None
    secret: str | None
    password: str | None


def notify_secrets(target: NotifyTarget, env: Mapping[str, str]) -> NotifySecrets:
    """The secrets of a target; UsageError for a variable that is not set, or a file that cannot be read or
    may be read by others.
    """

    def one(kind: str, variable: str | None, file: str | None) -> str | None:
        if variable is not None:
            if found := env.get(variable, "").strip():
                return found
            raise UsageError(f"the environment variable {variable}, which holds its {kind}, is not set")
        return None if file is None else read_secret(Path(file), kind, env)

    return NotifySecrets(
        url=target.url or one("URL", target.url_env, target.url_file),
        secret=one("secret", target.secret_env, target.secret_file),
        password=one("password", target.password_env, target.password_file),
    )
