"""Who owns the clean name of a cell: one output has it as its `path`, wherever its file may lie."""

import itertools
from pathlib import PurePosixPath
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from orchestrator.core.paths import fold, path_key
from orchestrator.store.choosing import cells
from orchestrator.store.choosing.cells import Cell, CellOutput
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import outputs


def give_up(tx: Tx, cell: Cell, holder: CellOutput) -> None:
    """Let the holder have its superseded path instead of the clean one."""
    begin_at(tx, cell, output=holder, path=holder.superseded)


def take(tx: Tx, cell: Cell, output: CellOutput) -> None:
    """Let an output have the clean name, which nobody has now."""
    _name(tx, output, path=output.clean, path_key=cell.key, clean_path=None, clean_key=None)


def begin_at(tx: Tx, cell: Cell, *, output: CellOutput, path: str) -> None:
    """Let an output that has not the clean name have this path, or the first numbered one that is free."""
    pure = PurePosixPath(path)
    for number in itertools.count(1):
        own = path if number == 1 else str(pure.with_name(f"{pure.stem}~{number}{pure.suffix}"))
        owner = tx.conn.execute(_OWNER, {"key": path_key(own)}).one_or_none()
        if owner is None or tuple(owner) == output.key:
            break
    _name(tx, output, path=own, path_key=path_key(own), clean_path=output.clean, clean_key=cell.key)


def own_what_lies_there(tx: Tx, job_id: int) -> None:
    """Of rows that were made from files: the picture that lies under the clean name of its cell owns it."""
    for cell in cells.read(tx, cells.keys_of_jobs(tx, [job_id])):
        there = next((each for each in cell.outputs if each.is_try and _lies_there(each)), None)
        if there is None or there.is_holder:
            continue
        if cell.holder is not None:
            give_up(tx, cell, cell.holder)
        take(tx, cell, there)


def _lies_there(output: CellOutput) -> bool:
    """Whether its file has the clean name, but for an extension that was corrected."""
    lies, clean = PurePosixPath(fold(output.stored_path or "")), PurePosixPath(fold(output.clean))
    return lies == clean or lies.with_suffix("") in {clean, clean.with_suffix("")}


def _name(tx: Tx, output: CellOutput, **columns: Any) -> None:
    job_id, index = output.key
    tx.conn.execute(
        _NAME, {"o_job": job_id, "o_idx": index, **{f"v_{name}": columns[name] for name in _COLUMNS}}
    )


_COLUMNS: Final = ("path", "path_key", "clean_path", "clean_key")
_NAME: Final = (
    update(outputs)
    .where((outputs.c.job_id == bindparam("o_job")) & (outputs.c.idx == bindparam("o_idx")))
    .values({name: bindparam(f"v_{name}") for name in _COLUMNS})
)
_OWNER: Final = select(outputs.c.job_id, outputs.c.idx).where(outputs.c.path_key == bindparam("key"))
