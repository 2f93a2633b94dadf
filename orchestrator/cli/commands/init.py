"""`orchestrator init`: a folder to start from."""

from pathlib import Path

from orchestrator.actions.setup.examples import Written, config_example, copy_once, copy_quickstart
from orchestrator.actions.setup.mounts import refuse_network_file
from orchestrator.cli import out
from orchestrator.cli.base import command as declare
from orchestrator.cli.base import options
from orchestrator.cli.context import opened
from orchestrator.core.errors import ExitCode
from orchestrator.store.db import migrate
from orchestrator.store.db.database_url import parse_url, shown


@declare("init", short_help="Write config.yaml and an example, create the database.")
def command() -> ExitCode:
    """Write config.yaml and an example manifest with pictures here, and create the database. Overwrites
    nothing.
    """
    here = Path.cwd()
    written = Written()
    copy_once(config_example(), options().config or here / "config.yaml", written)
    manifest = copy_quickstart(here / "jobs", written)
    with opened(need_database=False) as app:
        url = app.settings.database_url
        refuse_network_file(url)
        before = migrate.current(url).current
        migrate.upgrade(url)
    if out.as_json():
        files = {"made": [str(path) for path in written.made], "kept": [str(path) for path in written.kept]}
        address = parse_url(url).render_as_string(hide_password=True)
        out.document(
            {**files, "database": {"url": address, "created": before is None}, "manifest": str(manifest)}
        )
        return ExitCode.DONE
    for path in written.made:
        out.answer(f"  made  {_short(path, here)}")
    for path in written.kept:
        out.answer(f"  kept  {_short(path, here)} (it was there already)")
    out.answer(f"  {'made' if before is None else 'kept'}  {shown(url).removeprefix(f'{here}/')}")
    relative = _short(manifest, here)
    out.next_steps(
        [
            (f"orchestrator plan {relative}", "prices the example, spends nothing"),
            (f"orchestrator run {relative} --sandbox", "runs it without a key and without cost"),
        ]
    )
    return ExitCode.DONE


def _short(path: Path, here: Path) -> str:
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
