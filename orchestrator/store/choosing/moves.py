"""Which pictures are to get another name, and that they have it.

| Step | What is written |
|---|---|
| a later try is stored (`store/attempts/outputs.py`) | its `moving_to`: its cell is to be looked at |
| `settle_choice`, `decide` | `moving_to` of every file of the cell that leaves or comes |
| on the disk | nothing here: `ports.Mover` |
| `record` | where the files lie now, whose the clean name is; `moving_to` of those is cleared |

Between any two of them everything may end. Whoever comes next decides again and finds the files by their
digests, wherever they had got to. So a decision may change before it is carried out, and is then another one:
every picture of the cell is told to the mover then, those too that are to stay, since the decision before may
have moved them. Where files may have moved, the holder of the name has `moving_to` until that is recorded.
Nothing here touches money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, update

from orchestrator.core.paths import is_superseded
from orchestrator.ports import CellMove, CellMoved, PictureKey
from orchestrator.store.choosing import cells, owning
from orchestrator.store.choosing.cells import Cell, CellOutput
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import events, outputs


@dataclass(frozen=True, slots=True)
class MoveDone:
    """What was wanted of a cell, and what came of it on the disk."""

    wanted: CellMove
    moved: CellMoved


def settle_choice(tx: Tx, job_ids: Sequence[int]) -> int:
    """Decide again who has the clean names of the cells of these jobs, after a verdict in this transaction;
    returns how many cells have files that are to move.
    """
    return len(_decide(tx, cells.keys_of_jobs(tx, job_ids)))


def decide(tx: Tx, rows: Sequence[Sequence[bytes]]) -> list[list[CellMove]]:
    """For each row of cells: what is to move in them now."""
    return [_decide(tx, keys) for keys in rows]


def record(tx: Tx, rows: Sequence[MoveDone]) -> list[bool]:
    """Files have moved. What was decided anew meanwhile is decided again, from where they lie now; True where
    something is left to move.
    """
    return [_record(tx, row) for row in rows]


def _decide(tx: Tx, keys: Sequence[bytes]) -> list[CellMove]:
    found = []
    intended: list[dict[str, Any]] = []
    let: list[dict[str, Any]] = []
    for cell in cells.read(tx, keys):
        wanted = _wanted(cell)
        for each in cell.outputs:
            to = wanted.get(each.key)
            if to is None and each.moving_to is not None:
                let.append(_key(each.key))
            elif to is not None and each.moving_to != to:
                intended.append({**_key(each.key), "v_to": to, "v_since": tx.now})
        if wanted and not _is_put_off(cell):
            found.append(_move(cell, wanted))
    dialect.run_many(tx.conn, _INTEND, intended)
    dialect.run_many(tx.conn, _LET, let)
    return found


def _is_put_off(cell: Cell) -> bool:
    """Whether a file may be about to come under the clean name by itself."""
    return cell.holder is not None and cell.holder is not cell.choice and cell.holder.is_arriving


def _wanted(cell: Cell) -> dict[PictureKey, str]:
    """The names that files of the cell are to get."""
    choice = cell.choice
    if choice is None:
        return {}
    leaving = {
        each.key: each.superseded
        for each in cell.outputs
        if each.is_try and each is not choice and not _is_away(each)
    }
    moves = (
        not choice.is_holder
        or _is_away(choice)
        or choice.moving_to is not None  # it was to leave, and may have begun to
    )
    return leaving | ({choice.key: choice.clean} if moves else {})


def _is_away(output: CellOutput) -> bool:
    """Whether it is recorded where it has not the clean name. Rows of old have clean names that lie there."""
    return is_superseded(output.stored_path or "") and not is_superseded(output.clean)


def _move(cell: Cell, wanted: dict[PictureKey, str]) -> CellMove:
    choice = cell.choice
    assert choice is not None, "something moves only where something is chosen"
    return CellMove(
        cell=cell.key,
        coming=choice.moving(choice.clean),
        leaving=tuple(
            each.moving(wanted[each.key])
            for each in cell.outputs
            if each.key in wanted and each.key != choice.key
        ),
        staying=tuple(
            each.moving(each.superseded)
            for each in cell.outputs
            if each.is_try and each.key not in wanted and each.key != choice.key
        ),
    )


def _record(tx: Tx, row: MoveDone) -> bool:
    (cell,) = cells.read(tx, [row.wanted.cell])
    coming = row.wanted.coming
    by_key = {each.key: each for each in cell.outputs}
    told = [
        (by_key[each.key], each, row.moved.places[each.key])
        for each in (*row.wanted.others, coming)
        if each.key in row.moved.places and each.key in by_key and by_key[each.key].sha256 == each.sha256
    ]
    moved = [(output, each.to, place) for output, each, place in told if output.stored_path == each.path]
    late = any(output.stored_path not in {each.path, place} for output, each, place in told)
    came = next((each for each, _to, _place in moved if each.key == coming.key), None)
    if came is not None and cell.holder is not None and cell.holder is not came:
        owning.give_up(tx, cell, cell.holder)
    for output, to, place in moved:
        _have_moved(tx, cell, output=output, to=to, place=place, came=output is came)
    if late and cell.choice is not None:  # another move was recorded meanwhile: both may have moved files
        tx.conn.execute(_INTEND, {**_key(cell.choice.key), "v_to": cell.choice.clean, "v_since": tx.now})
    _note(tx, row, came)
    left = _decide(tx, [cell.key])
    _note_trouble(tx, row, left)
    return bool(left)


def _have_moved(tx: Tx, cell: Cell, *, output: CellOutput, to: str, place: str, came: bool) -> None:
    if came:
        owning.take(tx, cell, output)
    elif not output.is_holder:
        owning.begin_at(tx, cell, output=output, path=to)
    tx.conn.execute(_LIE, {**_key(output.key), "v_place": place})


def _note(tx: Tx, row: MoveDone, came: CellOutput | None) -> None:
    coming = row.wanted.coming
    notes = [
        ("kept_aside", f"{path} was not as it was stored: that file is {kept} now")
        for path, kept in row.moved.aside
    ]
    if came is not None and row.moved.places[coming.key] != coming.path:
        others = ", ".join(
            f"{row.moved.places[each.key]} is that of job {each.key[0]}"
            for each in row.wanted.others
            if each.key in row.moved.places
        )
        notes.append(
            (
                "chosen",
                f"{row.moved.places[coming.key]} is its picture now" + (f"; {others}" if others else ""),
            )
        )
    if notes:
        tx.conn.execute(
            events.insert(),
            [
                {"at": tx.now, "kind": kind, "job_id": coming.key[0], "message": message}
                for kind, message in notes
            ],
        )


def _note_trouble(tx: Tx, row: MoveDone, left: Sequence[CellMove]) -> None:
    """Say on what is left why it is, and once for each reason as an event."""
    for move in left:
        for each in [*move.leaving, move.coming]:
            words = row.moved.trouble or NOT_HERE
            changed = tx.conn.execute(_TROUBLE, {**_key(each.key), "v_words": words}).rowcount
            if changed and row.moved.trouble:
                tx.conn.execute(
                    events.insert().values(
                        at=tx.now,
                        kind="not_moved",
                        job_id=each.key[0],
                        message=f"{each.path} cannot become {each.to} now: {words}",
                    )
                )


NOT_HERE: Final = "its file is not in the output folder where that was looked for"


def _key(key: PictureKey) -> dict[str, int]:
    return {"o_job": key[0], "o_idx": key[1]}


_IS_IT: Final = (outputs.c.job_id == bindparam("o_job")) & (outputs.c.idx == bindparam("o_idx"))
_INTEND: Final = (
    update(outputs)
    .where(_IS_IT)
    .values(moving_to=bindparam("v_to"), moving_since=bindparam("v_since"), moving_trouble=None)
)
_LET: Final = update(outputs).where(_IS_IT).values(moving_to=None, moving_since=None, moving_trouble=None)
_LIE: Final = _LET.values(stored_path=bindparam("v_place"))
_TROUBLE: Final = (
    update(outputs)
    .where(_IS_IT, outputs.c.moving_trouble.is_distinct_from(bindparam("v_words")))
    .values(moving_trouble=bindparam("v_words"))
)
