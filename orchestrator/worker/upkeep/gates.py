"""Who looks after runs whose gate is closed: when the canary is over, its run is paused, or goes on."""

from collections.abc import Sequence
from typing import Final

from orchestrator.core.gates import Gate, judge
from orchestrator.store.account import pauses
from orchestrator.store.account.pauses import Pause
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import gates
from orchestrator.store.runs.gates import CANARY, ClosedGate
from orchestrator.worker.deps import Deps

GATE_SECONDS: Final = 1.0
NO_GATE_SECONDS: Final = 5.0
"""How often it is looked whether a gate was closed; its canary takes longer than that."""


class GateKeeper:
    """Of every worker; all of them find the same. A tick writes nothing where nothing has changed."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def tick(self) -> float:
        """Look at every closed gate once."""
        with self._deps.database.read() as tx:
            closed = gates.any_closed(tx)
            due = closed and bool(steps(tx))
        if due:
            await self._deps.writer.submit(tend, None)
        return GATE_SECONDS if closed else NO_GATE_SECONDS


def tend(tx: Tx, rows: Sequence[None]) -> list[int]:
    """Do what is due now, and say for how many runs: it is found again under locks, so that a person who
    approves at this moment is not overruled.
    """
    found = steps(tx, lock=True)
    for run_id, step in found:
        if isinstance(step, Pause):
            pauses.begin(tx, step)
        elif step is None:
            pauses.end(tx=tx, scope="run", name=str(run_id), reason=CANARY)
        else:
            gates.open_gate(tx, run_id, step)
    return [len(found)] * len(rows)


def steps(tx: Tx, *, lock: bool = False) -> list[tuple[int, Pause | str | None]]:
    """What is due for which run: a pause that is to be in force, none, or the words with which its gate
    opens.
    """
    closed = gates.closed_gates(tx, lock=lock)
    if not closed:
        return []
    paused = {int(pause.name): pause for pause in pauses.recorded(tx, CANARY) if pause.scope == "run"}
    return [(gate.run_id, step) for gate in closed for step in _step(tx, gate, paused.get(gate.run_id))]


def _step(tx: Tx, gate: ClosedGate, paused: Pause | None) -> list[Pause | str | None]:
    if gate.rules is None:
        return ["its manifest has no canary"]
    since = None if paused is None else paused.since
    decided = judge(gate.rules, gate.figures, None if since is None else tx.now - since)
    if decided.gate is Gate.OPENS:
        return [decided.words]
    if decided.gate is Gate.MAKING or not gate.figures.rest:
        return [None] if paused else []
    timeout = gate.rules.timeout_ms if gate.rules.go_on else None
    pause = Pause(
        scope="run",
        name=str(gate.run_id),
        reason=CANARY,
        message=decided.words,
        until=None if timeout is None else (tx.now if since is None else since) + timeout,
        since=since,
    )
    return [] if paused == pause else [pause]
