"""Bugs planted where pictures get the names that were chosen for them."""

from dataclasses import replace

from orchestrator.store.choosing import cells, moves
from orchestrator.store.choosing.cells import CellOutput

from .planting import Mutation, Patch


def acceptance_is_forgotten(patch: Patch) -> None:
    """The newest picture has the name, whatever a person has accepted."""
    genuine = cells._try
    patch(cells, "_try", lambda output: replace(genuine(output), accepted=0))


def broken_off_moves_are_not_found(patch: Patch) -> None:
    """A file is looked for where it was recorded, and nowhere else."""
    genuine = CellOutput.moving

    def moving(self, to):
        return replace(genuine(self, to), may_be=())

    patch(CellOutput, "moving", moving)


def moves_are_not_recorded(patch: Patch) -> None:
    """The database goes on to say where a picture was."""
    genuine = moves._have_moved

    def have_moved(tx, cell, *, output, place, **more):
        genuine(tx, cell, output=output, place=output.stored_path, **more)

    patch(moves, "_have_moved", have_moved)


def later_tries_are_not_looked_at(patch: Patch) -> None:
    """A further picture of a name stays under the one that it began with."""
    patch(moves, "decide", lambda tx, rows: [[] for _keys in rows])


CHOICE_BUGS = (
    Mutation("acceptance is forgotten", acceptance_is_forgotten, "mixed", first=26),
    Mutation(
        name="broken off moves are not found",
        apply=broken_off_moves_are_not_found,
        theme="crashes",
        first=264,
    ),
    Mutation("moves are not recorded", moves_are_not_recorded, "mixed", first=28),
    Mutation("later tries are not looked at", later_tries_are_not_looked_at, "mixed", first=28),
)
