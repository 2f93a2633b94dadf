"""`orchestrator apply`: record the jobs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from orchestrator.actions.planning.apply import Applied, Taking, apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.asking import asking, pricing
from orchestrator.cli.base import ACCEPT_CHANGES, BUY_AGAIN, PRUNE, SANDBOX, manifest_options, options
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.deciding import agreed, file_words, tell
from orchestrator.cli.given import given
from orchestrator.cli.invocation import Asked, Step, next_fields
from orchestrator.cli.rendering.plans.left_out_text import left_out_document, left_out_lines
from orchestrator.cli.rendering.plans.nights_text import reused_document, reused_words
from orchestrator.cli.rendering.plans.plan_documents import others_document
from orchestrator.cli.rendering.plans.unrequested_text import others_text
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.signature import signature_of, why_option
from orchestrator.core.errors import ExitCode

RENAMED_SHOWN = 3
NEXT: Final[list[Step]] = [
    ("orchestrator work --drain", "submits what waits"),
    ("orchestrator status", "shows it"),
]


@declare("apply", short_help="Record the jobs of manifests; spends nothing.")
@manifest_options
@PRUNE
@why_option
@BUY_AGAIN
@ACCEPT_CHANGES
@SANDBOX
def command(
    manifests: tuple[Path, ...],
    *,
    prune: bool,
    why: str | None,
    buy_again: bool,
    accept_changes: bool,
    **words: Any,
) -> ExitCode:
    """Record the jobs of MANIFESTs, or of a saved plan. Spends nothing; `work` or `run` submits them.

    Everything is checked before the first row is written. Applying again adds only what is new; what an
    earlier version of the manifest left waiting is made too, unless --prune cancels it. Pictures that are
    there already and that this database does not know are not bought again without --buy-again (exit 5).
    """
    what = given(Asked(manifests, sandbox=options().sandbox, **words))
    with opened(use=Use.MAKE) as app:
        loaded = what.load(app)
        if what.saved is not None:
            now = plan(
                loaded,
                app.settings,
                app.database,
                part=what.meant.part,
                ask=asking(app),
                sealed=True,
                addresses=app.addresses,
            )
            what.refuse_drift(now)
        said = file_words(app, loaded)
        signed = signature_of("apply", why)
        taking = Taking(words=said, signed=signed, raised=agreed(app, said), tell=tell)
        pruner = signature_of("apply --prune", why) if prune else None
        shelf = None if buy_again else app.shelf()
        applied = apply(
            app.database,
            loaded,
            part=what.meant.part,
            prune=pruner,
            taking=taking,
            shelf=shelf,
            pricing=pricing(app),
            accept_changes=accept_changes,
            addresses=app.addresses,
        )
    _tell(applied, what.meant, prune=prune)
    for warning in app.addresses.warnings():
        out.warn(safe(warning))
    return ExitCode.DONE


def _tell(applied: list[Applied], asked: Asked, *, prune: bool) -> None:
    if out.as_json():
        out.document({"manifests": [_document(item) for item in applied], **next_fields(NEXT)})
    else:
        for item in applied:
            out.answer(applied_text(item))
    _remark(applied, asked, prune=prune)
    out.next_steps(NEXT)


def _remark(applied: Sequence[Applied], asked: Asked, *, prune: bool) -> None:
    """What was left out, what waits besides, and what looks odd."""
    for item in applied:
        if not prune:
            for sentence in others_text(item.others, str(item.manifest.path), asked):
                out.warn(sentence)
        for line in left_out_lines(item.manifest.left_out):
            out.note(line)
        for warning in item.manifest.warnings:
            out.warn(safe(warning))


def applied_text(item: Applied) -> str:
    """One line for a manifest, and one for each of the first names that change hands."""
    spec = item.manifest.spec
    lines = [
        (
            f"{safe(f'{spec.campaign}/{spec.name}/{spec.run_key}')}: {count(item.new, 'new job')}, "
            f"{item.existing:,} existing"
        )
    ]
    if words := reused_words(item):
        lines.append(f"  {words}")
    if item.again:
        lines.append(f"  {count(item.again, 'job')} to be made again: other pictures were chosen since")
    if item.superseded:
        lines.append(f"  {count(item.superseded, 'waiting job')} of earlier runs superseded")
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
        **reused_document(item),
        "superseded": item.superseded,
        "made_again": item.again,
        "others": others_document(item.others),
        **left_out_document(item.manifest.left_out),
        "pruned": item.pruned,
        "renamed": [{"wanted": wanted, "given": given} for wanted, given in item.renamed],
    }
