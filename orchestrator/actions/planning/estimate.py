"""How long a number of jobs will take, and what holds them up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits that the jobs will run under, and whose they are: `level silver`."""

    concurrency: int
    submits_per_minute: int
    words: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A guess at a duration; `bottleneck` names the limit that decides it."""

    seconds: float
    bottleneck: str


def estimate(jobs: int, pace: Pace, latency_seconds: float, latency_source: str) -> Estimate:
    """The time for `jobs` tasks of `latency_seconds` each, with nothing else running in the account.

    Tasks start no faster than the submit limit, and no more run at once than the concurrency limit; the
    slower of the two decides, and the last task still has to finish.
    """
    by_rate = max(0, jobs - 1) * 60 / pace.submits_per_minute
    by_concurrency = max(0, jobs - pace.concurrency) * latency_seconds / pace.concurrency
    if jobs <= 1 or max(by_rate, by_concurrency) < latency_seconds:
        name = f"one task takes about {latency_seconds:.0f} s ({latency_source})"
    elif by_rate >= by_concurrency:
        name = f"{pace.submits_per_minute:,} submits a minute ({pace.words})"
    else:
        name = (
            f"{pace.concurrency:,} tasks at once ({pace.words}), "
            f"about {latency_seconds:.0f} s each ({latency_source})"
        )
    return Estimate(max(by_rate, by_concurrency) + latency_seconds, name) if jobs else Estimate(0.0, "")
