"""How a worker arrives and leaves: registration, preflight, and giving its leases back."""

import os
import socket
from collections.abc import Callable, Sequence

from orchestrator import __version__
from orchestrator.core.errors import OperatorNeededError, OrchestratorError, StorageError
from orchestrator.ports import Balance, KeyRefused, NotSent
from orchestrator.settings import Limits
from orchestrator.store.account import configured_limits, pauses, worker_stops, workers
from orchestrator.store.account import latencies as recorded_latencies
from orchestrator.store.account.acts import Signature
from orchestrator.store.attempts import leases, releases
from orchestrator.store.db import identity
from orchestrator.store.db.database import Tx
from orchestrator.store.money import balance_days, balance_mark, price_lessons
from orchestrator.store.money.prices import PRICE_DRIFT, PRICE_UNKNOWN
from orchestrator.store.schedules import expanding
from orchestrator.store.stops.outlook import outlook
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards.account_pauses import AccountPauses
from orchestrator.worker.guards.clock_guard import ClockGuard
from orchestrator.worker.guards.restored_copy import RestoredCopyCheck
from orchestrator.worker.pipeline.latencies import Latencies
from orchestrator.worker.upkeep import breakers


class ProviderUnreachableError(OrchestratorError):
    """There is no connection to the provider."""


def worker_row(deps: Deps, worker_id: str) -> workers.WorkerRow:
    """This process, as others see it."""
    return workers.WorkerRow(
        id=worker_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        lease_ms=int(deps.settings.worker.lease_seconds * 1000),
        output_root=deps.settings.outputs.root,
    )


def start(
    deps: Deps, row: workers.WorkerRow, *, is_alive: Callable[[int], bool], latencies: Latencies
) -> None:
    """Register, let the configured limits count as far as they may, and end the leases of this host's dead
    workers.

    A wrong guess about who is dead is harmless: every write of a worker names the epoch of its lease, so one
    that is alive after all finds that it is late.
    """
    with deps.database.write() as tx:
        dead = [other.id for other in workers.unfinished(tx, row.host) if not is_alive(other.pid)]
        leases.expire_leases_of_workers(tx, dead)
        expanding.end_leases_of_workers(tx, dead)
        for worker_id in dead:
            workers.lost(tx, worker_id)
        workers.register(tx, row)
        worker_stops.forget_gone(tx)
        identity.ensure(tx)
        configured_limits.take_configured(tx, _wanted(deps.settings.limits), _signed(row))
        for pause in pauses.in_force(tx):
            # The price is asked for again before anything is paid; a bill's word no quote takes back.
            drift = deps.settings.guards.price_drift_percent
            if pause.reason == PRICE_UNKNOWN or (
                pause.reason == PRICE_DRIFT and not price_lessons.bill_is_dearer(tx, pause.name, drift)
            ):
                pauses.end(tx=tx, scope=pause.scope, name=pause.name, reason=pause.reason)
        for model, latency in recorded_latencies.known(tx):
            latencies.remember(model, latency)
    deps.artifacts.clean()


def _wanted(limits: Limits) -> configured_limits.ConfiguredLimits:
    numbers = {name: getattr(limits, name.value) for name in configured_limits.LimitName}
    return configured_limits.ConfiguredLimits(numbers, limits.defaulted)


def _signed(row: workers.WorkerRow) -> Signature:
    """A worker that brings limits which no command has brought before it."""
    return Signature(who=row.id, host=row.host, command="a worker that starts")


async def preflight(
    deps: Deps,
    account_pauses: AccountPauses,
    *,
    restored_copy: RestoredCopyCheck,
    clock_guard: ClockGuard,
    drain: bool,
) -> None:
    """Check before spending: can files be stored, is the provider there, does the key work, is there credit?

    What works ends its pause. What does not raises an error when draining, because somebody waits for the
    result, and pauses the account otherwise; a refused key, no credit and a folder without room stop this
    worker alone.
    A clock that is wrong always raises one.
    """
    problem = deps.artifacts.check_writable()
    if problem is None:
        await account_pauses.ended("storage")  # the account's, of an earlier release
    elif drain:
        raise StorageError(f"{problem} Nothing was sent.")
    else:
        await account_pauses.storage.refuse(problem)
    outcome = await deps.provider.balance()
    match outcome:
        case Balance(micros=micros) if micros > 0:
            await account_pauses.key.works()
            await write_durably(deps, _mark_balance, micros)
            await account_pauses.ended("key_refused", "no_credit", "unreachable", "provider_down")
        case Balance():
            await account_pauses.key.works()
            await account_pauses.ended("key_refused")
            await account_pauses.credit.refuse("The account's balance is zero.")
            if drain:
                raise account_pauses.credit.error()
        case KeyRefused():
            await account_pauses.key.refuse(outcome)
            if drain:
                raise account_pauses.key.error()
            return  # the list is compared when the key works: nothing is bought before
        case NotSent() if drain:
            raise ProviderUnreachableError(
                f"The provider at {deps.settings.provider.base_url} cannot be reached: {outcome.message}. "
                "Check the network and provider.base_url; nothing was sent."
            )
        case _:
            pass  # the loops meet it again, and each pause says why it is there
    await clock_guard.check()
    await breakers.watch(deps)  # what has become known since is heeded before the first job is bought
    found = await restored_copy.check()
    if found is not None and drain and not found.doubts and not _has_something_to_collect(deps):
        raise OperatorNeededError(found.message)


def _mark_balance(tx: Tx, rows: Sequence[int]) -> list[bool]:
    balance_days.note_all(tx, rows)
    return [balance_mark.move(tx, micros) for micros in rows]


def _has_something_to_collect(deps: Deps) -> bool:
    """Whether accepted tasks are still to be collected: those expire, so they are collected though nothing
    may be bought.
    """
    with deps.database.read() as tx:
        return outlook(tx, deps.settings.budgets.timezone).live > 0


def leave(deps: Deps, worker_id: str, seen: Latencies) -> None:
    """Give every lease back, so that the next worker need not wait; costs no job a try."""
    with deps.database.write() as tx:
        releases.release_worker(tx, worker_id)
        expanding.end_leases_of_workers(tx, [worker_id])
        for model, latency in seen.take_fresh():
            recorded_latencies.put(tx, model, latency)
        worker_stops.leaves(tx, worker_id)
        workers.stopped(tx, worker_id)


def is_alive(pid: int) -> bool:
    """Whether a process of this host exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
