"""Switching stable names: read, switch on the disk, record, one after the other; by a worker or by a command.

All of it happens while nobody else moves files of the folder, so that a slow process never puts an older
picture under a name that another one has switched meanwhile.
"""

import json
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from orchestrator.ports import Mover, StableDone, StableNames
from orchestrator.store.db.database import Database
from orchestrator.store.runs import stable_names
from orchestrator.store.runs.stable_names import DirtyName, NameSwitched

Write = Callable[[Any, Any], Awaitable[Any]]


async def switch_names(
    database: Database,
    names: StableNames,
    mover: Mover,
    *,
    write: Write,
    most: int,
    passed_over: Collection[bytes] = (),
) -> list[NameSwitched]:
    """Switch up to `most` of the names that are dirty, but for those that are passed over."""
    done: list[NameSwitched] = []
    with mover.alone() as mine:
        if not mine:
            return done
        with database.read() as tx:
            found = stable_names.dirty(tx, most + len(passed_over))
        for name in found:
            if name.key not in passed_over:
                switched = NameSwitched(name, await _switch(database, names, name))
                await write(stable_names.record, switched)
                done.append(switched)
    return done


async def _switch(database: Database, names: StableNames, name: DirtyName) -> StableDone:
    if not name.is_index:
        return await names.switch(name.switch)
    with database.read() as tx:
        lines = [json.dumps(line) + "\n" for line in stable_names.listed(tx, name.key)]
    return await names.write_index(name.switch.path, lines)
