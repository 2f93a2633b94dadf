"""What a person sets of the account's limits, for every worker at once."""

from collections.abc import Mapping

from orchestrator.actions.operator.fleet_words import limits_of
from orchestrator.core.errors import UsageError
from orchestrator.core.precedence import strictest
from orchestrator.settings import Limits
from orchestrator.settings.model import PRESETS
from orchestrator.store.account import configured_limits
from orchestrator.store.account.acts import Signature
from orchestrator.store.account.configured_limits import ConfiguredLimits, FleetLimit, LimitName
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import LimitSource

LEVEL = "level"
CONFIG = "config"
MOST = {LimitName.CONCURRENCY: 100_000, LimitName.SUBMITS: 1_000_000}
"""As in the configuration."""


def set_limits(
    database: Database, key: str, text: str, *, limits: Limits, signed: Signature
) -> list[LimitName]:
    """Set what KEY VALUE means: one limit, or both as the preset of a level; `config` takes what `limits`, a
    configuration's, name. Returns what was something else before.
    """
    from_file = text.strip().lower() == CONFIG
    wanted = _of_file(key, limits) if from_file else _numbers(key, text)
    mine = limits_of(limits)
    nobodys = ConfiguredLimits(mine.numbers, defaulted=frozenset(mine.numbers))
    with database.write() as tx:
        configured_limits.begin(tx, nobodys, signed)
        stored = configured_limits.limits_in_force(tx, lock=True)
        new = {
            name: FleetLimit(number, LimitSource.CONFIG)
            if from_file
            else FleetLimit(
                number,
                LimitSource.OPERATOR,
                strictest(mine.named().get(name), stored[name].word.files_said),
            )
            for name, number in wanted.items()
        }
        return configured_limits.decide(tx, new, signed)


def _of_file(key: str, limits: Limits) -> dict[LimitName, int]:
    named = limits_of(limits).named()
    wanted = {name: number for name, number in named.items() if key in {LEVEL, name.value}}
    if not wanted:
        raise UsageError(
            f"This configuration names no {key}, so nothing was changed. Give a value: orchestrator limits "
            f"set {key} VALUE"
        )
    return wanted


def _numbers(key: str, text: str) -> Mapping[LimitName, int]:
    if key == LEVEL:
        preset = PRESETS.get(text.strip().lower())
        if preset is None:
            raise UsageError(
                f"{text!r} is no level; write one of: {', '.join(PRESETS)}. Nothing was changed."
            )
        return {name: int(getattr(preset, name.value)) for name in LimitName}
    name = LimitName(key)
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        number = 0
    if not 1 <= number <= MOST[name]:
        raise UsageError(
            f"{text!r} is no {key}; write a whole number from 1 to {MOST[name]:,}, or 'config' for what this "
            "configuration says. Nothing was changed."
        )
    return {name: number}
