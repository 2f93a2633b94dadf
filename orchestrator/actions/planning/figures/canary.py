"""Which jobs of a manifest are its canary, chosen while it is applied: new ones, spread over the axes."""

from collections.abc import Sequence

from orchestrator.actions.planning.figures.planned import ManifestPlan
from orchestrator.actions.planning.walking.walk import Chunk
from orchestrator.core.gates import CanaryFigures, canary_rules
from orchestrator.core.specs import JobSpec
from orchestrator.manifest import Manifest
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import gates
from orchestrator.store.runs.new_jobs import NewJob
from orchestrator.store.runs.runs import Run, find_run


def made_first(tx: Tx | None, row: ManifestPlan) -> int | None:
    """How many jobs of a planned manifest are made before its run waits for approval; None: all of them are
    made.
    """
    rules = canary_rules(row.spec.settings)
    new, to_submit = _own(row)
    if rules is None or not to_submit:
        return None
    spec = row.spec
    run = find_run(tx=tx, campaign=spec.campaign, name=spec.name, run_key=spec.run_key) if tx else None
    if tx is None or run is None:
        return min(rules.jobs, to_submit)
    state = gates.state_of(tx, run.id)
    if state.approved_at is not None:
        return rules.jobs if new > rules.jobs else None
    done = gates.figures_of(tx, run.id, checked=False) if state.closed else CanaryFigures()
    return min(max(0, rules.jobs - done.succeeded - done.failed), to_submit)


def _own(row: ManifestPlan) -> tuple[int, int]:
    """The manifest's own new jobs, and those that are to be paid: of stages none is ever of a canary."""
    if not row.stages:
        return row.new, row.to_submit
    own = {at for at, kind in enumerate(row.tally.kind_of) if not kind.stage}
    return row.stages.whole[""].new, sum(kind in own for kind in row.tally.kinds)


class CanaryPick:
    """Of one manifest that is applied; where it says nothing of a canary, a gate that it closed opens."""

    def __init__(self, database: Database, manifest: Manifest, run: Run | None, *, partial: bool) -> None:
        """With `partial` only a part of the manifest is asked for, beside the canary that there is."""
        self._partial = partial
        self._manifest = manifest
        self._run = run
        self.rules = canary_rules(manifest.spec.settings)
        self._keys: frozenset[str] = frozenset()
        self._fresh = self._waiting = self._have = 0
        self._known: set[str] = set()
        self._open, self._was_closed = True, False
        if run:
            with database.read() as tx:
                state = gates.state_of(tx, run.id)
                approved = self.rules is None or state.approved_at is not None
                self._known = set() if approved else gates.canary_keys(tx, run.id)
            self._was_closed = state.closed
        size = manifest.size if self.rules else 0
        self._may_be_new, self._may_be = bytearray(size), bytearray(size)

    def see(self, chunk: Chunk) -> None:
        """Some of the jobs that are asked for. Those of stages are never of a canary: they wait for it."""
        if not self.rules:
            return
        fresh = [spec for spec in chunk.fresh if not spec.stage]
        self._fresh += len(fresh)
        self._have += sum(spec.key in self._known for spec in chunk.specs)
        for spec in fresh:
            self._may_be_new[spec.ordinal] = 1
        for spec in chunk.specs:
            if spec.stage:
                continue
            waits = spec.key not in chunk.decided and chunk.states.get(spec.key, "pending") == "pending"
            self._waiting += waits
            self._may_be[spec.ordinal] = waits

    def close_of_existing(self, database: Database) -> None:
        """Close the gate of a run that has jobs, before the new ones are there."""
        if self._run is None:
            return
        if self.rules is None and self._was_closed:
            with database.write() as tx:
                gates.open_gate(tx, self._run.id, "its manifest has no canary any more")
        elif self.rules and self._waiting:
            self._keys = self._picked()
            with database.write() as tx:
                self._open = not gates.close_anew(
                    tx, self._run.id, self.rules, keys=self._keys, fresh=self._fresh
                )

    def close_of_new(self, tx: Tx, run_id: int) -> None:
        """Close the gate of a run that was made in this transaction."""
        if self._run is None and self.rules and self._waiting:
            self._keys = self._picked()
            gates.close_new(tx, run_id)
            self._open = False

    def mark(self, tx: Tx, run_id: int, added: Sequence[NewJob]) -> None:
        """Those of the jobs that this transaction has added are of the canary."""
        if not self._open and (keys := [job.key for job in added if job.key in self._keys]):
            gates.mark(tx, run_id, keys)

    def _picked(self) -> frozenset[str]:
        """The keys of so many as are missing: of the new ones, else of all that wait."""
        assert self.rules is not None
        missing = self.rules.jobs - (len(self._known) if self._partial else self._have)
        among = self._may_be_new if self._fresh else self._may_be
        if missing <= 0:
            return frozenset()
        found = self._manifest.entries(sample=missing, among=among)
        return frozenset(entry.key for entry in found if isinstance(entry, JobSpec) and not entry.stage)
