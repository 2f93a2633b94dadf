"""`orchestrator init`: a folder to start from."""

from pathlib import Path
from typing import Any

import click

from orchestrator.actions.setup.examples import (
    Written,
    config_example,
    copy_config,
    copy_once,
    copy_quickstart,
)
from orchestrator.actions.setup.first_manifest import FirstManifest, needs_conversion, write_first_manifest
from orchestrator.actions.setup.mounts import refuse_network_file
from orchestrator.actions.setup.open_database import mark_new
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.base import options
from orchestrator.cli.context import opened
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.core.budget import day_of
from orchestrator.core.errors import ExitCode, UsageError
from orchestrator.core.money import format_usd
from orchestrator.store.db import migrate
from orchestrator.store.db.database_url import parse_url, shown


@declare("init", short_help="Write config.yaml and an example, create the database.")
@click.option(
    "--from",
    "photos",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Write a manifest for the pictures in FOLDER instead of the example.",
)
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="With --from: a table (CSV, XLSX or JSONL) whose rows name those pictures.",
)
def command(photos: Path | None, table: Path | None) -> ExitCode:
    """Write config.yaml and an example manifest with pictures here, and create the database. Overwrites
    nothing.

    With --from, a manifest for your own pictures, which can be planned at once: how the table is separated,
    which column names the pictures and which the articles is found out; rows and pictures that cannot be used
    are left out, and named.
    """
    if table is not None and photos is None:
        raise UsageError("--csv needs --from FOLDER, the folder of the pictures. Nothing was written.")
    here = Path.cwd().resolve()
    written = Written()
    config = options().config or here / "config.yaml"
    first = None
    if photos is None:
        copy_once(config_example(), config, written)
        manifest = copy_quickstart(here / "jobs", written)
    else:
        normalize = needs_conversion(photos.resolve())
        copy_config(config, written, normalize=normalize)
    with opened(need_database=False) as app:
        if photos is not None:
            first = _first(app, here, photos, table=table)
            manifest = first.path
            written.made.append(manifest)
        url = app.settings.database_url
        refuse_network_file(url)
        before = migrate.current(url).current
        made = migrate.upgrade(url)
        mark_new(url, app.clock, made=made, mark=app.mark())
    made_database = before is None
    if out.as_json():
        files = {"made": [str(path) for path in written.made], "kept": [str(path) for path in written.kept]}
        address = parse_url(url).render_as_string(hide_password=True)
        database = {"url": address, "created": made_database}
        out.document({**files, "database": database, "manifest": str(manifest), **_document(first)})
        return ExitCode.DONE
    _tell_files(written, here)
    out.answer(f"  {'made' if made_database else 'kept'}  {shown(url).removeprefix(f'{here}/')}")
    _tell(first)
    relative = _short(manifest, here)
    what = "the example" if first is None else "it"
    out.next_steps(
        [
            (f"orchestrator plan {relative}", f"prices {what}, spends nothing"),
            (f"orchestrator run {relative} --sandbox", "runs it without a key and without cost"),
        ]
    )
    return ExitCode.DONE


def _first(app: App, here: Path, photos: Path, *, table: Path | None) -> FirstManifest:
    settings = app.settings
    return write_first_manifest(
        here,
        photos.resolve(),
        table.resolve() if table else None,
        today=day_of(app.clock.now_ms(), settings.budgets.timezone),
        input_roots=[Path(root) for root in settings.input_roots],
        normalize=settings.inputs.normalize,
    )


def _tell_files(written: Written, here: Path) -> None:
    for path in written.made:
        out.answer(f"  made  {_short(path, here)}")
    for path in written.kept:
        out.answer(f"  kept  {_short(path, here)} (it was there already)")


def _tell(first: FirstManifest | None) -> None:
    if first is not None:
        for line in first.words:
            out.answer(f"        {safe(line)}")
        out.answer(f"        {count(first.jobs, 'job')} for {usd(first.micros)}, which is its cap")


def _document(first: FirstManifest | None) -> dict[str, Any]:
    if first is None:
        return {}
    return {"jobs": first.jobs, "cost_usd": format_usd(first.micros), "notes": first.words}


def _short(path: Path, here: Path) -> str:
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
