"""`orchestrator outputs`: the stored pictures."""

from typing import Any

import click

from orchestrator.actions.reconciling.pictures_check import (
    Finding,
    PicturesChecked,
    PictureStanding,
    check_pictures,
)
from orchestrator.actions.setup.open_database import Use
from orchestrator.cli import out
from orchestrator.cli.base import ROW_ID, SANDBOX, group
from orchestrator.cli.context import need_key, opened
from orchestrator.cli.fetching import fetching, not_fetching
from orchestrator.cli.moving import move as move_files
from orchestrator.cli.moving import tell_moved
from orchestrator.cli.now_and_then import now_and_then
from orchestrator.cli.rendering.words import count, safe
from orchestrator.cli.selecting import filters, wanted_jobs
from orchestrator.core.errors import ExitCode
from orchestrator.store.views.jobs.job_names import require_named


@group("outputs", short_help="Check the stored pictures, and fetch them again.")
def command() -> None:
    """Check the stored pictures, and fetch them again."""


@command.command("check")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@filters
@click.option("--quick", is_flag=True, help="Compare sizes alone, and read no picture.")
@click.option("--fetch", is_flag=True, help="Get again from the provider what is missing or changed.")
@SANDBOX
def check(ids: tuple[int, ...], *, quick: bool, fetch: bool, **words: Any) -> ExitCode:
    """Compare every stored picture with what was recorded of it: its size, then its bytes. Buys nothing.

    Without --fetch nothing is changed. With it, the provider is asked for what is missing or changed, as long
    as it keeps it (7 days); only the recorded bytes are accepted, and a changed file is kept beside under
    another name. With --json one object a line for each picture that is not as it was, then the counts.
    Exits with 3 when pictures are left that are not as they were recorded.
    """
    wanted = wanted_jobs(words, ids)
    with opened(use=Use.CHANGE if fetch else Use.LOOK) as app:
        with app.database.read() as tx:
            require_named(tx, wanted)
        shelf = app.shelf()
        if fetch:
            need_key(app)
            move_files(app)  # what was broken off, before files are compared
        with fetching(app, shelf) if fetch else not_fetching() as getter:
            done = check_pictures(
                app.database,
                shelf,
                wanted,
                tell=_tell,
                progress=now_and_then(app.clock, lambda checked: f"{checked:,} pictures compared"),
                quick=quick,
                fetch=getter,
            )
        sidecars = app.settings.outputs.sidecar
        if done.fetched:
            move_files(app)  # what waited for a file that is there again
    _sum_up(done, fetch=fetch, sidecars=sidecars)
    return ExitCode.SOME_FAILED if done.wrong else ExitCode.DONE


@command.command("move")
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@SANDBOX
def move(ids: tuple[int, ...]) -> ExitCode:
    """Give pictures the names that were decided: the clean name to the chosen one of each cell, a name in
    .superseded/ to the others; and let their sidecars tell the verdicts. Spends nothing, deletes nothing.

    Workers do this by themselves, after each picture and verdict. It is needed where none runs, or where the
    files are in this host's output folder alone. Exits with 3 when pictures are left that wait for a name.
    """
    with opened(use=Use.CHANGE) as app:
        done = move_files(app, ids or None)
    if out.as_json():
        moved = [{"job": job, "path": path} for (job, _index), path in sorted(done.moved.items())]
        aside = [{"path": path, "kept_as": kept} for path, kept in done.aside]
        out.document(
            {
                "moved": moved,
                "kept_aside": aside,
                "waiting": done.waiting,
                "troubles": done.troubles,
                "untold": done.untold,
            }
        )
        return ExitCode.SOME_FAILED if done.waiting else ExitCode.DONE
    tell_moved(done)
    out.answer(f"{count(len(done.moved), 'picture')} moved.")
    if done.waiting:
        out.next_steps([("orchestrator outputs check --fetch", "gets files again that are gone")])
    return ExitCode.SOME_FAILED if done.waiting else ExitCode.DONE


def _tell(finding: Finding) -> None:
    picture = finding.picture
    if out.as_json():
        out.line(
            {
                "job": picture.job_id,
                "path": picture.path,
                "standing": finding.standing.value,
                "message": finding.message,
                "prediction_id": picture.prediction_id,
            }
        )
    else:
        word = "ok" if finding.standing is PictureStanding.FETCHED else finding.standing.value
        out.answer(f"{word:<10}  {safe(picture.path)}  (job {picture.job_id}): {safe(finding.message)}")


def _sum_up(done: PicturesChecked, *, fetch: bool, sidecars: bool) -> None:
    if out.as_json():
        names = ("checked", "missing", "changed", "unreadable", "fetched", "without_sidecar")
        out.line({name: getattr(done, name) for name in names})
    else:
        parts = [
            f"{number:,} {word}"
            for word in ("missing", "changed", "unreadable")
            if (number := getattr(done, word))
        ]
        parts += [f"{done.fetched:,} fetched again"] if done.fetched else []
        out.answer(
            f"{count(done.checked, 'picture')} compared: {', '.join(parts) or 'all as they were stored'}."
        )
    if sidecars and done.without_sidecar:
        out.warn(
            f"{count(done.without_sidecar, 'picture')} without a sidecar: `db rebuild` could not record them."
        )
    if done.wrong and not fetch:
        out.next_steps(
            [("orchestrator outputs check --fetch", "gets them again, as long as the provider keeps them")]
        )
