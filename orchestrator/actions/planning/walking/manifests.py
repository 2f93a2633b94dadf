"""Loading the manifests that a command names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from orchestrator.core.addresses import host_of, nearness_of_host
from orchestrator.core.errors import UsageError
from orchestrator.core.moments import MomentError, local_minute, parse_at
from orchestrator.core.nights import Regenerate
from orchestrator.core.ticks import Dating
from orchestrator.manifest import Manifest, load_manifest
from orchestrator.settings import Settings
from orchestrator.yamlio import Problem, ProblemsError

KEPT_PIXELS: Final = ".orchestrator/pixels.json"
"""In the output folder, with what else the program keeps there."""


def load_manifests(
    paths: Sequence[Path],
    settings: Settings,
    now_ms: int,
    *,
    run_key: str | None = None,
    skip_bad_rows: bool = False,
    at: str | None = None,
    on: Dating | None = None,
    regenerate: Regenerate | None = None,
) -> list[Manifest]:
    """Every manifest of `paths`; raises ProblemsError with the problems of all of them together.

    `{{ date }}` and `{{ tick }}` are those of now, or of the moment `at` as it was typed, in the time zone of
    the manifest's schedule, or else of the budgets; `on` knows better which. Two files for one run are
    refused, because each of them would claim to be the whole of it.
    """
    on = on or _dating(now_ms, at, settings.budgets.timezone)
    roots = [Path(root) for root in settings.input_roots]
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            manifests.append(
                load_manifest(
                    path,
                    input_roots=roots,
                    today=on,
                    run_key=run_key,
                    max_attempts=settings.retry.max_attempts,
                    normalize=settings.inputs.normalize,
                    api=nearness_of_host(host_of(settings.provider.base_url)),
                    skip_bad_rows=skip_bad_rows,
                    regenerate=regenerate,
                    now_ms=now_ms,
                    timezone=settings.budgets.timezone,
                    kept=Path(settings.outputs.root) / KEPT_PIXELS,
                )
            )
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(problems)
    _refuse_twins(manifests)
    return manifests


def _dating(now_ms: int, at: str | None, otherwise: str) -> Dating:
    try:
        moment = datetime.fromtimestamp(now_ms / 1000, tz=UTC) if at is None else parse_at(at)
    except MomentError as error:
        raise UsageError(f"--at: {error}. Nothing was written and nothing was spent.") from None

    def local(zone: str | None) -> str:
        there = moment.astimezone(ZoneInfo(zone or otherwise)) if moment.tzinfo else moment
        return local_minute(there)

    return local


def check_all(manifests: Sequence[Manifest]) -> None:
    """Expand everything once; raises ProblemsError with the problems of all manifests together."""
    problems: list[Problem] = []
    for manifest in manifests:
        try:
            manifest.check()
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(problems)


def _refuse_twins(manifests: Sequence[Manifest]) -> None:
    seen: dict[tuple[str, str, str], Manifest] = {}
    for manifest in manifests:
        spec = manifest.spec
        identity = (spec.campaign, spec.name, spec.run_key)
        if identity in seen:
            raise UsageError(
                f"{seen[identity].path} and {manifest.path} both describe run {'/'.join(identity)}. Give "
                "them different names, or apply one of them under another key with --run. Nothing was "
                "written and nothing was spent."
            )
        seen[identity] = manifest
