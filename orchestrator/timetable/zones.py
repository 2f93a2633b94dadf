"""Time zones by their names."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from orchestrator.core.suggest import nearest


class ZoneProblem(ValueError):  # noqa: N818 - what is wrong with a word of a file
    """No time zone has this name; `hint` names the nearest one that exists."""

    def __init__(self, name: str) -> None:
        super().__init__(f'there is no time zone "{name[:60]}"')
        self.hint = _nearest(name) or "write a name such as UTC or Europe/Vienna"


def zone_of(name: str) -> ZoneInfo:
    """The zone; raises ZoneProblem."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ZoneProblem(name) from None


def _nearest(name: str) -> str:
    """A zone of a city is often named by the city alone, or with its continent misspelt."""
    known = sorted(available_timezones())
    wanted = name.replace(" ", "_")
    cities = {zone.rpartition("/")[2]: zone for zone in reversed(known)}
    for choices in (known, cities) if "/" in wanted else (cities, known):
        if wanted and (found := nearest(wanted, choices)):
            return f'did you mean "{cities.get(found, found)}"?'
    return ""
