"""When ticks should be, found without the product's code: by looking at a clock on the wall each minute."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
BEFORE_MS = 2 * 86_400_000


@dataclass
class Span:
    """A schedule as it stood for a while: times of the day in a zone, after one moment, up to another."""

    times: tuple[tuple[int, int], ...]
    zone: str
    begin: int
    end: int = 0

    @property
    def cron(self) -> str:
        """The same as an expression."""
        minutes = {minute for _hour, minute in self.times}
        assert len(minutes) == 1
        return f"{minutes.pop()} {','.join(str(hour) for hour, _minute in self.times)} * * *"

    def ticks(self) -> dict[str, int]:
        """Names and moments of its ticks. A time comes when the clock shows it or a later one for the first
        time: what the clock skips comes with the first minute after it, what it shows again does not.
        """
        zone, found = ZoneInfo(self.zone), {}
        moment = (self.begin - BEFORE_MS) // MINUTE_MS * MINUTE_MS
        shown = _wall(moment, zone)
        while moment <= self.end:
            wall = _wall(moment, zone)
            if wall > shown:
                come = self._between(shown, wall)
                if come and self.begin < moment <= self.end:
                    found[come[0].strftime("%Y-%m-%dT%H:%M")] = moment
                shown = wall
            moment += MINUTE_MS
        return found

    def _between(self, after: datetime, until: datetime):
        if until - after == timedelta(minutes=1):
            return [until] if (until.hour, until.minute) in self.times else []
        days = {after.date(), until.date()}
        found = [datetime.combine(day, time(*each)) for day in days for each in self.times]
        return sorted(moment for moment in found if after < moment <= until)


def _wall(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(zone).replace(tzinfo=None)
