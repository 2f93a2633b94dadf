"""Carrying moves out: decide, move on the disk, record, cell by cell; by a worker or by a command."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.ports import CellMoved, Crashpoint, Mover
from orchestrator.store.choosing import moves
from orchestrator.store.choosing.moves import MoveDone

Write = Callable[[Any, Any], Awaitable[Any]]
"""Runs a store operation on one row in a write transaction; what it returns is durable."""


@dataclass(slots=True)
class CarriedOut:
    """What came of moves."""

    moved: list[CellMoved] = field(default_factory=list)
    left: dict[bytes, str] = field(
        default_factory=dict
    )  # cells that wait, and why; empty: their file is elsewhere
    busy: bool = False  # another process moves files of this folder


async def carry_out(
    keys: Sequence[bytes], *, write: Write, mover: Mover, crashpoint: Crashpoint
) -> CarriedOut:
    """Move the files of these cells to where they are to be."""
    done = CarriedOut()
    with mover.alone() as mine:
        if not mine:
            done.busy = True
            return done
        wanted = await write(moves.decide, tuple(keys))
        crashpoint("move.decided")
        for move in wanted:
            moved = await mover.move(move)
            crashpoint("move.moved")
            left = await write(moves.record, MoveDone(move, moved))
            crashpoint("move.recorded")
            if left:
                done.left[move.cell] = moved.trouble
            if moved.places:
                done.moved.append(moved)
        done.left |= dict.fromkeys(set(keys) - {move.cell for move in wanted}, "")
    return done
