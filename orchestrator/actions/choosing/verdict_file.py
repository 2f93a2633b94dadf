"""Verdicts that were given in a static report, without a server: read, checked as a whole, then recorded."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.actions.choosing.verdicts import VerdictsGiven, give, tell_following
from orchestrator.core.errors import UsageError
from orchestrator.core.report_seal import reference, seal
from orchestrator.core.row_ids import row_id
from orchestrator.core.verdicts import JobVerdict, VerdictSource, plain_text
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.store.db.identity import database_id
from orchestrator.store.views.jobs.stored_pictures import shown_by
from orchestrator.store.views.runs.overview import runs

KIND: Final = "orchestrator verdicts"
VERSION: Final = 1
NOTE_MAX: Final = 1_000
WORDS: Final = {"accepted": JobVerdict.ACCEPTED, "rejected": JobVerdict.REJECTED}


@dataclass(frozen=True, slots=True)
class FiledVerdict:
    """One entry: what it says, of which picture."""

    number: int  # from 1
    ref: str
    sha256: str
    verdict: str
    note: str


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """What a page has saved."""

    database: str
    runs: str
    verdicts: tuple[FiledVerdict, ...]
    seal: str

    @property
    def is_as_saved(self) -> bool:
        """Whether nobody has edited it since."""
        records = ((each.ref, each.sha256, each.verdict, each.note) for each in self.verdicts)
        return seal(self.database, self.runs, records) == self.seal

    @property
    def run_ids(self) -> list[int]:
        """Of the runs that the page showed."""
        return [found for word in self.runs.split(",") if (found := row_id(word)) is not None]


@dataclass(slots=True)
class CheckedFile:
    """What the entries mean here, and what is wrong with them, in words."""

    jobs: dict[int, FiledVerdict] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_file(text: str) -> VerdictFile:
    """The file, or UsageError for what no page of ours has saved."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise UsageError("This is no file of verdicts that a report has saved. Nothing was changed.")
    if found.get("version") != VERSION:
        raise UsageError(
            f"This file of verdicts is of version {str(found.get('version'))[:20]}, and version {VERSION} is "
            "known here. Nothing was changed."
        )
    entries = found.get("verdicts")
    listed = entries if isinstance(entries, list) else []
    return VerdictFile(
        database=_text(found, "database"),
        runs=_text(found, "runs"),
        verdicts=tuple(_entry(number, each) for number, each in enumerate(listed, start=1)),
        seal=_text(found, "seal"),
    )


def check_file(database: Database, file: VerdictFile) -> CheckedFile:
    """Hold the entries against what is stored; UsageError for a file of other runs, of which nothing can be
    taken.
    """
    with database.read() as tx:
        is_ours = database_id(tx) == file.database
        known = [run.id for run in runs(tx, file.run_ids)] if is_ours and file.run_ids else []
    if not known:
        raise UsageError(
            "These verdicts are of another run than any in this database: import them where the report was "
            "made. Nothing was changed."
        )
    checked = CheckedFile()
    if not file.is_as_saved:
        checked.problems.append("The file was edited after the page had saved it.")
    stored = _stored(database, known, {each.ref for each in file.verdicts})
    for each in file.verdicts:
        problem = _problem(each, stored, checked.jobs)
        if problem:
            checked.problems.append(f"Entry {each.number}: {problem}.")
        else:
            checked.jobs[stored[each.ref][0]] = each
    return checked


def record_file(database: Database, checked: CheckedFile, signed: Signature) -> VerdictsGiven:
    """Give the verdicts of the entries that are right."""
    alike: dict[tuple[JobVerdict, str], list[int]] = defaultdict(list)
    for job_id, each in checked.jobs.items():
        alike[WORDS[each.verdict], each.note].append(job_id)
    given = VerdictsGiven()
    for (word, note), ids in alike.items():
        some = give(database, ids, word, signed=signed, note=note or None, source=VerdictSource.IMPORT)
        given.judged += some.judged
        given.refused += some.refused
    return tell_following(database, given)


def _stored(
    database: Database, run_ids: Sequence[int], refs: set[str]
) -> Mapping[str, tuple[int, frozenset[str]]]:
    """The jobs that the entries speak of, with the digests of their pictures."""
    found: dict[str, tuple[int, frozenset[str]]] = {}
    for run_id in run_ids:
        for job_id, picture in shown_by(database, run_id):
            ref = reference(run_id, job_id)
            if ref in refs:
                before = found.get(ref, (0, frozenset()))[1]
                found[ref] = (job_id, before | {picture.sha256})
    return found


def _problem(
    each: FiledVerdict, stored: Mapping[str, tuple[int, frozenset[str]]], taken: Mapping[int, FiledVerdict]
) -> str:
    if each.ref not in stored:
        return "it names no picture of these runs"
    job_id, digests = stored[each.ref]
    if each.verdict not in WORDS:
        return f"{each.verdict[:40]!r} is no verdict on job {job_id}; accepted and rejected are"
    if each.sha256 not in digests:
        return f"job {job_id} has another picture now than the one that was judged"
    if job_id in taken:
        return f"it speaks of job {job_id} once more"
    if len(each.note) > NOTE_MAX:
        return f"its note on job {job_id} is longer than {NOTE_MAX:,} characters"
    return ""


def _entry(number: int, found: Any) -> FiledVerdict:
    values = found if isinstance(found, dict) else {}
    return FiledVerdict(
        number=number,
        ref=_text(values, "ref"),
        sha256=_text(values, "sha256"),
        verdict=_text(values, "verdict"),
        note=plain_text(_text(values, "note")),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""
