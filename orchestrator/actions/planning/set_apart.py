"""A part that is worked on by itself: what else waits in its runs goes on waiting."""

from collections.abc import Sequence

from orchestrator.actions.planning.apply import Applied
from orchestrator.store.db.database import Database
from orchestrator.store.runs.apart import Apart, set_apart
from orchestrator.store.runs.runs import existing_ids


def apart(database: Database, applied: Sequence[Applied]) -> Apart:
    """Set the jobs that were asked for apart from the others of their runs."""
    with database.write() as tx:
        ids = [job_id for item in applied for job_id in existing_ids(tx, item.run_id, item.keys).values()]
        return set_apart(tx, [item.run_id for item in applied], ids)
