"""A tick becomes a run: its manifest and tables are read anew, checked, priced and recorded.

What is wrong with them is an answer, never an error of the worker that asked: nobody is there to be told, and
others' work must go on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.actions.planning.apply import Applied, Pricing, Taking, apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.prices.live_prices import Ask, LivePrices
from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.actions.planning.walking.flood import ChangeFloodError
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.actions.reconciling.pictures_check import PicturesChecked
from orchestrator.core.errors import DatabaseError, ExitCode, OrchestratorError
from orchestrator.core.money import format_usd
from orchestrator.core.suggest import did_you_mean
from orchestrator.core.ticks import TickKind, WhenShort
from orchestrator.manifest import Manifest
from orchestrator.ports import Clock, Shelf
from orchestrator.settings import Settings
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.store.schedules.expanding import Expanded, TickOrder, TickVerdict, TickWhy
from orchestrator.yamlio import ProblemsError

MESSAGE_MAX: Final = 20_000
"""So much of a list of errors is kept: the beginning says what to mend first."""


@dataclass(frozen=True, slots=True)
class TickExpander:
    """Expands ticks on this host; blocks while it reads, so it belongs into a thread."""

    database: Database
    settings: Settings
    clock: Clock
    shelf: Callable[[], Shelf]
    ask: Ask | None = None  # None: there is no key, and list prices count
    look: Callable[[int], PicturesChecked] | None = None  # at what the run points at; None: nobody looks
    addresses: Callable[[], Addresses] = Addresses  # asks anew in each tick what https inputs serve

    def __call__(self, order: TickOrder) -> Expanded:
        """Make the run of a tick. Raises only what concerns the database."""
        try:
            return self._expanded(order)
        except ProblemsError as error:
            return _not_made(TickVerdict.FAILED, "manifest_invalid", _listed(error))
        except ChangeFloodError as error:
            said = "; ".join(flood.words for flood in error.floods)
            return _not_made(TickVerdict.HELD, "change_flood", f"{said}.", code=int(error.exit_code))
        except DatabaseError:
            raise
        except OrchestratorError as error:
            reason = "operator" if error.exit_code is ExitCode.OPERATOR else "manifest_invalid"
            return _not_made(TickVerdict.FAILED, reason, str(error), code=int(error.exit_code))
        except Exception as error:  # noqa: BLE001 - a manifest that breaks us must not break the worker
            message = f"{type(error).__name__}: {error}. This is an error of the program."
            return _not_made(TickVerdict.FAILED, "unexpected", message, code=int(ExitCode.UNEXPECTED))

    def _expanded(self, order: TickOrder) -> Expanded:
        path = Path(order.schedule.manifest_path)
        if not path.is_file():
            return _not_made(TickVerdict.FAILED, "manifest_gone", _gone(path))
        (manifest,) = load_manifests(
            [path], self.settings, self._night_of(order), on=lambda _zone: order.tick.local
        )
        name = f"{manifest.spec.campaign}/{manifest.spec.name}"
        if name != order.schedule.name:
            message = (
                f"{path} describes {name} now, and not {order.schedule.name}. To let it count: orchestrator "
                f"schedule add {path}"
            )
            return _not_made(TickVerdict.FAILED, "renamed", message)
        prices, addresses = LivePrices(self.ask), self.addresses()
        if order.schedule.words.when_short is WhenShort.SKIP:
            short = self._short(manifest, addresses)
            if short is not None:
                return _not_made(TickVerdict.SKIPPED, "short", short, code=int(ExitCode.BUDGET))
        (applied,) = apply(
            self.database,
            [manifest],
            shelf=self.shelf(),
            taking=Taking(signed=self._signed(order)),
            pricing=Pricing(prices, self.settings.guards.price_drift_percent),
            accept_changes=order.approved,
            addresses=addresses,
        )
        said = "; ".join([_words(applied), *addresses.warnings()]) + self._looked(applied.run_id)
        return Expanded(TickVerdict.APPLIED, run_id=applied.run_id, message=said)

    def _looked(self, run_id: int) -> str:
        """What there is to say of pictures that are missing. The run is made whatever comes of it."""
        try:
            done = self.look(run_id) if self.look else PicturesChecked()
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - a folder that breaks us must not undo the tick
            return f"; the pictures it points at could not be looked at ({type(error).__name__}: {error})"
        fetched = f", {done.fetched:,} of them fetched again" if done.fetched else ""
        return fetched + (f", {done.missing:,} of them missing: see `status`" if done.missing else "")

    def _night_of(self, order: TickOrder) -> int:
        """The moment that `finish_by` comes after: a night that is made late still ends when it should have;
        what a person asked for ends the next time.
        """
        return order.tick.at if order.tick.kind is TickKind.SCHEDULED else self.clock.now_ms()

    def _short(self, manifest: Manifest, addresses: Addresses) -> str | None:
        """Why the money does not suffice for all of it; None when it does."""
        planned = plan([manifest], self.settings, self.database, ask=self.ask, addresses=addresses)
        wanted, found = planned.micros_to_pay, planned.affordable
        if found is None or found.jobs >= planned.jobs_to_submit:
            return None
        return (
            f"it would cost ${format_usd(wanted)}, and the caps let ${format_usd(found.cost_micros)} through "
            "(when_short: skip)"
        )

    @staticmethod
    def _signed(order: TickOrder) -> Signature:
        why = f"the tick of {order.tick.local}"
        return Signature(who=f"schedule {order.schedule.name}", host="", command="schedule", why=why)


def _not_made(verdict: TickVerdict, reason: str, message: str, *, code: int = 2) -> Expanded:
    return Expanded(verdict, why=TickWhy(reason, message[:MESSAGE_MAX], code))


def _listed(error: ProblemsError) -> str:
    """Every problem in a line of its own."""
    lines = []
    for problem in error.problems:
        where = f"{problem.path}: " if problem.path else ""
        hint = f" ({problem.hint})" if problem.hint else ""
        lines.append(f"{problem.position}: {where}{problem.message}{hint}")
    return "\n".join(lines)


def _gone(path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.suffix in {".yaml", ".yml"}]
    except OSError:
        beside = []
    hint = did_you_mean(path.name, beside)
    more = f" {hint[0].upper()}{hint[1:]}" if hint else ""
    return (
        f"{path} is not there.{more} Put it back, or let another file count: "
        "orchestrator schedule add MANIFEST"
    )


def _words(applied: Applied) -> str:
    left_out = f", {len(applied.manifest.left_out)} rows left out" if applied.manifest.left_out else ""
    reused = f", {applied.reused:,} reused" if applied.reused else ""
    changed = f", {applied.at_address:,} changed at their address" if applied.at_address else ""
    changed += f", {applied.outdated:,} changed by a new revision of the model" if applied.outdated else ""
    return f"{applied.new:,} new jobs, {applied.existing:,} there already{reused}{changed}{left_out}"
