"""What this configuration and these manifests say of caps and limits, beside what is in force for everybody.

The fleet's settings are the database's. A file's word enters it by commands that make or do work, by the rule
of `core/precedence.py`; what a file does not name is no opinion.
"""

import shlex
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.money import format_usd
from orchestrator.core.precedence import Weight
from orchestrator.core.specs import RunSpec
from orchestrator.settings import Limits, Settings
from orchestrator.store.account import configured_limits
from orchestrator.store.account.acts import Signature
from orchestrator.store.account.configured_limits import ConfiguredLimits, LimitDifference, LimitName
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money import budgets
from orchestrator.store.money.budgets import CapDifference, Key
from orchestrator.store.money.cap_changes import OPERATOR
from orchestrator.store.money.caps import cap_name

UNITS: Final = {LimitName.CONCURRENCY: "tasks at once", LimitName.SUBMITS: "submits a minute"}


@dataclass(frozen=True, slots=True)
class FleetDifference:
    """One cap or limit that a file names otherwise than the database has it, in words."""

    key: Key | LimitName
    subject: str  # `the day cap of the account`
    said_by: str  # the file
    wanted: str
    in_force: str | None
    set_by_operator: bool
    weight: Weight
    decide: str  # the command that takes the file's word

    @property
    def raises(self) -> str:
        """What taking a looser word would do: `the day cap of the account from $50.00 to $80.00`."""
        return f"{self.subject} from {self.in_force} to {self.wanted}"

    @property
    def comparison(self) -> str:
        """For who only looks."""
        in_force = f"{self.in_force} is in force" if self.in_force else "none is in force yet"
        return f"{self.said_by} says {self.wanted} for {self.subject}, {in_force}. {self.how}"

    @property
    def how(self) -> str:
        """How the file's word comes to count."""
        if self.weight in {Weight.FIRST, Weight.STRICTER}:
            return "The next apply, run or work takes it."
        if self.weight is Weight.OVERRULED:
            return f"A person decided against it. To let the file decide: {self.decide}"
        return f"To take it: {self.decide}"

    @property
    def sentence(self) -> str:
        """For who reads it where nobody is asked."""
        match self.weight:
            case Weight.LOOSER:
                return (
                    f"{self.subject} stays at {self.in_force}, although {self.said_by} says {self.wanted}: a "
                    f"looser word is a person's decision. To take it: {self.decide}"
                )
            case Weight.OVERRULED:
                return (
                    f"{self.subject} was set to {self.in_force} by a person and stands over the "
                    f"{self.wanted} of {self.said_by}. To let the file decide: {self.decide}"
                )
            case _:
                before = f" (before: {self.in_force})" if self.in_force else ""
                return f"{self.subject} is {self.wanted} now, as {self.said_by} says{before}."


@dataclass(frozen=True, slots=True)
class FileWords:
    """What a configuration and manifests say. Commands that are named repeat the options that were given."""

    settings: Settings
    specs: Sequence[RunSpec] = ()
    given: str = ""

    @property
    def caps(self) -> dict[Key, int]:
        """Every cap that is named, in micros."""
        return stricter(caps_of(self.settings), manifest_caps(self.specs))

    @property
    def limits(self) -> ConfiguredLimits:
        """The limits, named or not."""
        return limits_of(self.settings.limits)

    def differences(self, tx: Tx) -> list[FleetDifference]:
        """Everything that the files name otherwise than it is in force. Writes nothing."""
        found: list[CapDifference | LimitDifference] = [
            *budgets.compare(tx, self.caps),
            *configured_limits.compare(configured_limits.limits_in_force(tx), self.limits),
        ]
        return self.described(found)

    def no_longer_named(self, tx: Tx) -> list[str]:
        """The caps of runs whose manifests name none any more: they stay, since that removes nothing."""
        found = []
        for spec in self.specs:
            key = (Scope.RUN, run_path(spec), Window.TOTAL)
            stands = budgets.standing_at(tx, key) if spec.budget_micros is None else None
            if stands is not None and stands.source == budgets.MANIFEST:
                found.append(
                    f"{cap_name(*key)} stays at ${format_usd(stands.cap_micros)}, although "
                    f"{spec.manifest_path} names none any more. To remove it: orchestrator budget set "
                    f"{shlex.quote(f'run:{key[1]}')} --total none"
                )
        return found

    def described(
        self, found: Iterable[CapDifference | LimitDifference], *, raised: Container[object] = ()
    ) -> list[FleetDifference]:
        """The differences in words, but for those that a person has just agreed to."""
        return [
            self._limit(item) if isinstance(item, LimitDifference) else self._cap(item)
            for item in found
            if item.weight is not Weight.LOOSER or not item.counts(raised)
        ]

    def _limit(self, item: LimitDifference) -> FleetDifference:
        unit, stands = UNITS[item.name], item.standing
        value = f"config{self.given}" if item.weight is Weight.OVERRULED else str(item.wanted)
        return FleetDifference(
            key=item.name,
            subject=f"the limit of {unit}",
            said_by=self._config(),
            wanted=f"{item.wanted:,}",
            in_force=f"{stands.value:,}" if stands else None,
            set_by_operator=bool(stands and stands.word.by_operator),
            weight=item.weight,
            decide=f"orchestrator limits set {item.name.value} {value}",
        )

    def _cap(self, item: CapDifference) -> FleetDifference:
        scope, name, window = item.key
        return FleetDifference(
            key=item.key,
            subject=cap_name(scope, name, window),
            said_by=self._manifest(item) or self._config(),
            wanted=f"${format_usd(item.wanted_micros)}",
            in_force=f"${format_usd(item.standing.cap_micros)}" if item.standing else None,
            set_by_operator=item.standing is not None and item.standing.source == OPERATOR,
            weight=item.weight,
            decide=self._decide(item),
        )

    def _decide(self, item: CapDifference) -> str:
        scope, name, window = item.key
        if manifest := self._manifest(item):
            return f"orchestrator budget apply {shlex.quote(manifest)}{self.given}"
        owner = "account" if scope is Scope.ACCOUNT else shlex.quote(f"campaign:{name}")
        change = f"orchestrator budget set {owner} --{window.value}"
        if item.weight is Weight.OVERRULED:
            return f"{change} config{self.given}"
        return f"orchestrator budget apply{self.given} (or: {change} {format_usd(item.wanted_micros)})"

    def _config(self) -> str:
        return self.settings.origin.name if self.settings.origin else "the configuration"

    def _manifest(self, item: CapDifference) -> str | None:
        """The manifest that names this cap; None where the configuration does."""
        for spec in self.specs:
            if manifest_caps([spec]).get(item.key) == item.wanted_micros:
                return spec.manifest_path
        return None


def caps_of(settings: Settings) -> dict[Key, int]:
    """Every cap that the configuration names, in micros."""
    caps = {
        (Scope.ACCOUNT, "", Window(window)): micros for window, micros in settings.budgets.account.items()
    }
    for name, windows in settings.budgets.campaigns.items():
        caps.update({(Scope.CAMPAIGN, name, Window(window)): micros for window, micros in windows.items()})
    return caps


def manifest_caps(specs: Iterable[RunSpec]) -> dict[Key, int]:
    """The caps that manifests name for their runs and campaigns, in micros; of several the strictest."""
    found: dict[Key, int] = {}
    for spec in specs:
        if spec.budget_micros is not None:
            found[Scope.RUN, run_path(spec), Window.TOTAL] = spec.budget_micros
        if spec.campaign_budget_micros is not None:
            word = {(Scope.CAMPAIGN, spec.campaign, Window.TOTAL): spec.campaign_budget_micros}
            found = stricter(found, word)
    return found


def stricter(some: Mapping[Key, int], others: Mapping[Key, int]) -> dict[Key, int]:
    """The caps of both; where both name one, the lower."""
    return {
        key: min(micros for micros in (some.get(key), others.get(key)) if micros is not None)
        for key in {**some, **others}
    }


def run_path(spec: RunSpec) -> str:
    """`campaign/name/run`."""
    return f"{spec.campaign}/{spec.name}/{spec.run_key}"


def limits_of(limits: Limits) -> ConfiguredLimits:
    """The limits of a configuration that the fleet shares."""
    return ConfiguredLimits({name: getattr(limits, name.value) for name in LimitName}, limits.defaulted)


def take_words(
    database: Database, words: FileWords, signed: Signature, *, raised: Container[object] = ()
) -> list[FleetDifference]:
    """Let what a configuration says of caps and limits count, as far as it may; returns what was different.

    For commands that make or do work. One that only looks leaves them alone: it may run anywhere, with any
    file.
    """
    found: list[CapDifference | LimitDifference] = [
        *budgets.take_configured(database, caps_of(words.settings), signed, raised=raised)
    ]
    if words.limits.named():
        with database.read() as tx:
            limits = configured_limits.compare(configured_limits.limits_in_force(tx), words.limits)
        if any(item.counts(raised) for item in limits):
            with database.write() as tx:
                limits = configured_limits.take_configured(tx, words.limits, signed, raised=raised)
        found += limits
    return words.described(found, raised=raised)
