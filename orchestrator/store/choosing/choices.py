"""Which job's picture has the clean name of a cell."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import OutputState, outputs


def superseded_by(tx: Tx, job_ids: Sequence[int]) -> dict[int, int]:
    """Of these jobs those with a stored picture whose clean name a stored picture of another job has, with
    that job.
    """
    return {row.job_id: row.owner for row in tx.conn.execute(_OWNERS, {"ids": job_ids})} if job_ids else {}


_OWN: Final = outputs.alias("own")
_OWNERS: Final = (
    select(outputs.c.job_id, func.min(_OWN.c.job_id).label("owner"))
    .join_from(outputs, _OWN, _OWN.c.path_key == outputs.c.clean_key)
    .where(
        outputs.c.job_id.in_(bindparam("ids", expanding=True)),
        outputs.c.clean_key.is_not(None),
        outputs.c.state == OutputState.STORED.value,
        _OWN.c.state == OutputState.STORED.value,
        _OWN.c.job_id != outputs.c.job_id,
    )
    .group_by(outputs.c.job_id)
)
