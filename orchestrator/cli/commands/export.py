"""`orchestrator export`: accepted pictures are handed over."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import ROW_ID, SANDBOX
from orchestrator.cli.base import command as declare
from orchestrator.cli.context import opened
from orchestrator.cli.now_and_then import now_and_then
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.selecting import ending, filters, wanted_jobs
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.store.views.jobs.job_names import require_named

if TYPE_CHECKING:
    from orchestrator.actions.choosing import export
    from orchestrator.actions.choosing.withdrawals import Withdrawal

    Withdrawn = Mapping[Withdrawal, Sequence[str]]

SHOWN = 10
WITHDRAWN = {
    "renamed": "removed under their former names",
    "flagged": "withdrawn, flagged and not asked for with --flagged",
    "not_asked": "withdrawn, accepted and not asked for this time",
    "not_accepted": "withdrawn, accepted no longer",
    "unknown": "withdrawn, not handed over any longer",
}


@declare("export", short_help="Hand accepted pictures over: a folder or an archive under clean names.")
@click.argument("target", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@click.option("--accepted", is_flag=True, help="The accepted pictures; the only ones that are handed over.")
@filters
@click.option(
    "--recipe", metavar="NAME", help="Make each by this recipe of the manifest, config.yaml or a ready one."
)
@click.option(
    "--as",
    "template",
    metavar="TEMPLATE",
    help='Name of each, such as "{{ tags.sku }}/{{ stem }}.{{ ext }}".',
)
@click.option("--zip", "archive", is_flag=True, help="One archive, DIR.zip, in place of a folder.")
@click.option("--flagged", is_flag=True, help="Hand over accepted pictures that the provider flagged, too.")
@SANDBOX
def command(
    target: Path,
    ids: tuple[int, ...],
    *,
    accepted: bool,
    recipe: str | None,
    template: str | None,
    archive: bool,
    flagged: bool,
    **words: Any,
) -> ExitCode:
    """Copy the accepted pictures into DIR under their clean names, with handover.csv beside them. Costs
    nothing.

    With --recipe each is changed on the way: size, ratio, background, format, bytes, colours, IPTC fields.
    Run it again after further verdicts: what is there already is kept, what is not handed over any longer
    is withdrawn, with the reason, and files that you put there or changed are never touched. Exits with 3
    when an accepted picture could not be handed over, with 2 when a job that is named by its ID has none.
    """
    from orchestrator.actions.choosing.export import HandedOver, to_archive, to_folder
    from orchestrator.actions.choosing.handover_names import named
    from orchestrator.actions.choosing.handover_record import was_handed_over
    from orchestrator.actions.choosing.withdrawals import why_withdrawn
    from orchestrator.store.views.jobs import accepted as accepted_pictures

    if not accepted:
        raise UsageError(
            f"Say what is to be handed over: orchestrator export --accepted {shlex.quote(str(target))}"
        )
    wanted = wanted_jobs(words, ids)
    with opened(use=Use.LOOK) as app:
        with app.database.read() as tx:
            require_named(tx, wanted)
        found = list(chain.from_iterable(accepted_pictures.pages(app.database, wanted)))
        kept = [picture for picture in found if flagged or not picture.nsfw]
        pictures = named(kept, app.settings.recipes, recipe=recipe, template=template)
        progress = now_and_then(app.clock, lambda done: f"{done:,} of {count(len(pictures), 'picture')}")
        if not found and (archive or not was_handed_over(target)):
            done = HandedOver(target.absolute())
        elif archive:
            name = target if target.suffix == ".zip" else target.with_name(f"{target.name}.zip")
            done = to_archive(app.output_root, pictures, target=name.absolute(), progress=progress)
        else:
            done = to_folder(app.output_root, pictures, target=target.absolute(), progress=progress)
        reasons = why_withdrawn(app.database, done, found)
    missing = sorted(set(ids) - {picture.job_id for picture in found})
    _tell(done, reasons, accepted=len(found), flagged=len(found) - len(kept), missing=missing)
    return ExitCode.SOME_FAILED if done.refused else ending(bool(missing))


def _tell(
    done: "export.HandedOver", reasons: "Withdrawn", *, accepted: int, flagged: int, missing: Sequence[int]
) -> None:
    if out.as_json():
        out.document(
            {
                "target": str(done.target),
                "accepted": accepted,
                "written": done.written,
                "unchanged": done.unchanged,
                "withdrawn": len(done.withdrawn),
                "withdrawn_because": {why.value: len(files) for why, files in reasons.items()},
                "flagged_left_out": flagged,
                "not_accepted": list(missing),
                "left_alone": done.left_alone,
                "refused": [
                    {"job": each.job_id, "file": each.file, "reason": each.reason} for each in done.refused
                ],
                "next_command": "orchestrator review" if not accepted else None,
                "spends": False,
            }
        )
        return
    withdrawn = "".join(f", {len(files):,} {WITHDRAWN[why.value]}" for why, files in reasons.items())
    for job_id in missing[:SHOWN]:
        out.warn(f"job {job_id} has no picture that is accepted: nothing of it is handed over")
    if len(missing) > SHOWN:
        out.warn(f"... and {count(len(missing) - SHOWN, 'more job')} without one; --json lists all")
    if not accepted:
        out.answer(f"No picture is accepted, so nothing is handed over{withdrawn}.")
        out.next_steps([("orchestrator accept ID...", "says that a picture is good; `review` shows them")])
        return
    kept = f", {done.unchanged:,} there already" if done.unchanged else ""
    out.answer(f"{count(done.written, 'picture')} written{kept}{withdrawn}: {done.target}")
    if flagged:
        out.warn(
            f"{count(flagged, 'accepted picture')} left out: the provider flagged it; --flagged takes it "
            "along."
        )
    for each in done.refused[:SHOWN]:
        out.warn(f"not handed over: {safe(each.file)} (job {each.job_id}): {safe(each.reason)}")
    if len(done.refused) > SHOWN:
        out.warn(f"... and {len(done.refused) - SHOWN:,} more; --json lists all")
    for file in done.left_alone[:SHOWN]:
        out.warn(f"left alone, changed since it was handed over: {safe(file)}")
