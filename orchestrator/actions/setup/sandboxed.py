"""The settings of `--sandbox`: the stand-in provider, with a database and an output folder of its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator.core.errors import StorageError
from orchestrator.settings import Settings, Webhook
from orchestrator.settings.model import PRESETS

SANDBOX_FOLDER: Final = "sandbox"
LEVEL: Final = "gold"
"""What both sides of a rehearsal keep to: a stand-in with less would throttle the command that it serves."""
BALANCE_MICROS: Final = 1_000_000_000_000
"""A million dollars of nobody: no rehearsal, however large, ends for want of credit."""


def apart(
    settings: Settings, env: Mapping[str, str], *, url: str, cwd: Path, make: bool
) -> tuple[Settings, Mapping[str, str]]:
    """The same settings against the sandbox at `url`, with a key of nobody and the generous limits. Its
    folder is made on demand alone.
    """
    folder = cwd / SANDBOX_FOLDER
    try:
        if make:
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The sandbox keeps its database and pictures in {folder}, which cannot be made: "
            f"{error.strerror or error}. Run the command in a folder that this user may write to."
        ) from None
    generous = PRESETS[LEVEL]
    changed = replace(
        settings,
        database_url=f"sqlite:///{folder / 'orchestrator.db'}",
        outputs=replace(settings.outputs, root=str(folder / "outputs")),
        provider=replace(settings.provider, base_url=url, api_key_file=None),
        webhook=Webhook(),
        notify={},  # a rehearsal is nobody's news
        limits=replace(
            settings.limits,
            level=LEVEL,
            concurrency=generous.concurrency,
            submits_per_minute=generous.submits_per_minute,
            polls_per_second=generous.polls_per_second,
            defaulted=frozenset(),
        ),
    )
    return changed, {**env, settings.provider.api_key_env: "sandbox-key"}
