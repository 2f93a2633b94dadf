"""`orchestrator apply`: record the jobs."""

from pathlib import Path

from orchestrator.actions.planning.apply import Applied, Taking, apply
from orchestrator.actions.planning.manifests import load_manifests
from orchestrator.actions.planning.part import Part
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.asking import pricing
from orchestrator.cli.base import BUY_AGAIN, PRUNE, manifest_options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.deciding import agreed, file_words, tell
from orchestrator.cli.rendering.plan_documents import others_document
from orchestrator.cli.rendering.unrequested_text import others_text
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode

RENAMED_SHOWN = 3


@declare("apply", short_help="Record the jobs of manifests; spends nothing.")
@manifest_options
@PRUNE
@why_option
@BUY_AGAIN
def command(
    manifests: tuple[Path, ...],
    run_key: str | None,
    limit: int | None,
    sample: int | None,
    *,
    prune: bool,
    why: str | None,
    buy_again: bool,
) -> ExitCode:
    """Record the jobs of MANIFESTs in the database. Spends nothing; `work` or `run` submits them.

    Everything is checked before the first row is written. Applying again adds only what is new; what an
    earlier version of the manifest left waiting is made too, unless --prune cancels it. Pictures that are
    there already and that this database does not know are not bought again without --buy-again (exit 5).
    """
    part = Part(limit, sample)
    with opened(use=Use.MAKE) as app:
        loaded = load_manifests(manifests, app.settings, app.clock.now_ms(), run_key=run_key)
        words = file_words(app, loaded)
        signed = signature_of("apply", why)
        taking = Taking(words=words, signed=signed, raised=agreed(app, words), tell=tell)
        pruner = signature_of("apply --prune", why) if prune else None
        shelf = None if buy_again else app.shelf()
        applied = apply(
            app.database,
            loaded,
            part=part,
            prune=pruner,
            taking=taking,
            shelf=shelf,
            pricing=pricing(app),
        )
    if out.as_json():
        out.document({"manifests": [_document(item) for item in applied]})
    else:
        for item in applied:
            out.answer(applied_text(item))
    for item in applied:
        if not prune:
            path = str(item.manifest.path)
            for sentence in others_text(item.others, path, partial=part.partial, run_key=run_key):
                out.warn(sentence)
        for warning in item.manifest.warnings:
            out.warn(safe(warning))
    out.next_steps([("orchestrator work --drain", "submits what waits"), ("orchestrator status", "shows it")])
    return ExitCode.DONE


def applied_text(item: Applied) -> str:
    """One line for a manifest, and one for each of the first names that change hands."""
    spec = item.manifest.spec
    lines = [
        (
            f"{safe(f'{spec.campaign}/{spec.name}/{spec.run_key}')}: {count(item.new, 'new job')}, "
            f"{item.existing:,} existing"
        )
    ]
    if item.pruned:
        lines.append(f"  {count(item.pruned, 'waiting job')} of an earlier version cancelled")
    for wanted, _given in item.renamed[:RENAMED_SHOWN]:
        lines.append(
            f"  {safe(wanted)} is an earlier job's: once stored, the new picture takes the name, unless that "
            "one is accepted"
        )
    if len(item.renamed) > RENAMED_SHOWN:
        lines.append(
            f"  and {count(len(item.renamed) - RENAMED_SHOWN, 'more name')} change hands in this way"
        )
    return "\n".join(lines)


def _document(item: Applied) -> dict[str, object]:
    spec = item.manifest.spec
    return {
        "path": str(item.manifest.path),
        "campaign": spec.campaign,
        "name": spec.name,
        "run": spec.run_key,
        "new": item.new,
        "existing": item.existing,
        "others": others_document(item.others),
        "pruned": item.pruned,
        "renamed": [{"wanted": wanted, "given": given} for wanted, given in item.renamed],
    }
