"""Nothing is bought by a clock that is far off the provider's.

What a lost reply may have created is told by times, and days and months of caps are those of the database's
clock. On a server that is the server's clock; with SQLite it is this host's. `guards.clock_skew_seconds` is
the bound; without one, nothing is watched.
"""

from datetime import UTC, datetime

from orchestrator.core.errors import OperatorNeededError
from orchestrator.core.provider_clock import AGREEING_MIN
from orchestrator.worker.deps import Deps


class ClockGuard:
    """Compares the clock that everything goes by with the provider's."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        seconds = deps.settings.guards.clock_skew_seconds
        self._bound_ms = None if seconds is None else int(seconds * 1000)

    async def check(self) -> None:
        """Raises OperatorNeededError when the clock is wrong. One answer that is dated otherwise is asked
        about again, since a proxy may date answers: most of them have to agree.
        """
        for _ in range(AGREEING_MIN):
            if self._bound_ms is None or not self._deps.provider_clock.is_suspicious(self._bound_ms):
                return
            if self.wrong():
                break
            await self._deps.provider.balance()
        if why := self.wrong():
            raise OperatorNeededError(why)

    def wrong(self, *, midway: bool = False) -> str:
        """Why nothing may be bought, or nothing more when it is found out `midway`; empty while the clocks
        agree, or it is not known that they do not.
        """
        deps = self._deps
        ahead_ms = None if self._bound_ms is None else deps.provider_clock.wrong_by_ms(self._bound_ms)
        if ahead_ms is None:
            return ""
        now_ms = deps.clock.now_ms()
        is_server = deps.database.url.get_backend_name() != "sqlite"
        whose = "The clock of the database server" if is_server else "This computer's clock"
        direction = "behind" if ahead_ms > 0 else "ahead of"
        bought = (
            "Nothing more is bought, and what is in flight is collected" if midway else "Nothing is bought"
        )
        return (
            f"{whose} says {_shown(now_ms)} and the provider's {_shown(now_ms + ahead_ms)}: it is "
            f"{abs(ahead_ms) // 1000:,} s {direction} the provider's. {bought}, because lost "
            "replies are told by times and caps by days. Set the clock (turn on NTP) and run the command "
            "again; if it is a proxy that dates the answers wrongly, set guards.clock_skew_seconds: null."
        )


def _shown(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
