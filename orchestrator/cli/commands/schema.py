"""`orchestrator schema`: JSON Schema for editors."""

from orchestrator.cli import out
from orchestrator.cli.base import group
from orchestrator.core.errors import ExitCode


@group("schema", short_help="JSON Schema of manifests and of the configuration.")
def command() -> None:
    """JSON Schema, for completion and checks in an editor."""


@command.command("manifest")
def manifest() -> ExitCode:
    """The schema of a manifest, always as JSON on stdout."""
    from orchestrator.manifest import manifest_json_schema

    out.document(manifest_json_schema())
    return ExitCode.DONE


@command.command("config")
def config() -> ExitCode:
    """The schema of config.yaml, always as JSON on stdout."""
    from orchestrator.settings import config_json_schema

    out.document(config_json_schema())
    return ExitCode.DONE
