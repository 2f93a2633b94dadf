"""Selectors of jobs that name nothing: an error that says what there is, before anything is done."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import bindparam, select

from orchestrator.core.errors import NotFoundError
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs
from orchestrator.store.views.happened.happening_names import named_campaign, named_job, named_runs, nothing
from orchestrator.store.views.jobs.walk import JobFilter, count_up_to

_SPECS_MAX: Final = 20_000
"""How many jobs are read for the tags that there are: the words for a mistake must not take a minute."""


def require_named(tx: Tx, wanted: JobFilter) -> None:
    """Raise NotFoundError for a campaign, run, job, tag or reason that nothing here has.

    Selectors of which each names something may still select no job together: that is an answer, no mistake.
    """
    if wanted.campaign is not None:
        named_campaign(tx, wanted.campaign)
    if wanted.run is not None:
        named_runs(tx, wanted.run)
    for job_id in wanted.ids:
        named_job(tx, job_id)
    if (wanted.tags or wanted.reason is not None) and not count_up_to(tx, wanted, 1):
        for key, value in wanted.tags.items():
            _require_tag(tx, key, value)
        if wanted.reason is not None:
            _require_reason(tx, wanted.reason)


def _require_tag(tx: Tx, key: str, value: str) -> None:
    if count_up_to(tx, JobFilter(tags={key: value}), 0):
        return
    known: dict[str, set[str]] = {}
    for tags in islice(_tags(tx), _SPECS_MAX):
        for name, text in tags.items():
            known.setdefault(name, set()).add(str(text))
    if key in known:
        raise NotFoundError(nothing(f"job with the tag {key}", value, sorted(known[key])))
    raise NotFoundError(nothing("tag", key, sorted(known)))


def _tags(tx: Tx) -> Iterator[dict[str, Any]]:
    return (found for found in tx.conn.execute(_TAGS).scalars() if found)


def _require_reason(tx: Tx, reason: str) -> None:
    if tx.conn.execute(_HAS_REASON, {"reason": reason}).first() is None:
        known = (name for name in tx.conn.execute(_REASONS).scalars() if name)
        raise NotFoundError(nothing("job with the reason", reason, sorted(known)))


_TAGS: Final = select(job_specs.c.tags).order_by(job_specs.c.job_id.desc()).limit(_SPECS_MAX)
_HAS_REASON: Final = select(jobs.c.id).where(jobs.c.reason == bindparam("reason")).limit(1)
_REASONS: Final = select(jobs.c.reason).distinct()
