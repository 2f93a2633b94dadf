"""How long a number of jobs will take, and what holds them up."""

from dataclasses import dataclass

from orchestrator.settings import Limits


@dataclass(frozen=True, slots=True)
class Estimate:
    """A guess at a duration; `bottleneck` names the limit that decides it."""

    seconds: float
    bottleneck: str


def estimate(jobs: int, limits: Limits, latency_seconds: float, latency_source: str) -> Estimate:
    """The time for `jobs` tasks of `latency_seconds` each, with nothing else running in the account.

    Tasks start no faster than the submit limit, and no more run at once than the concurrency limit; the
    slower of the two decides, and the last task still has to finish.
    """
    by_rate = max(0, jobs - 1) * 60 / limits.submits_per_minute
    by_concurrency = max(0, jobs - limits.concurrency) * latency_seconds / limits.concurrency
    if jobs <= 1 or max(by_rate, by_concurrency) < latency_seconds:
        name = f"one task takes about {latency_seconds:.0f} s ({latency_source})"
    elif by_rate >= by_concurrency:
        name = f"{limits.submits_per_minute:,} submits a minute (level {limits.level})"
    else:
        name = (
            f"{limits.concurrency:,} tasks at once (level {limits.level}), "
            f"about {latency_seconds:.0f} s each ({latency_source})"
        )
    return Estimate(max(by_rate, by_concurrency) + latency_seconds, name) if jobs else Estimate(0.0, "")
