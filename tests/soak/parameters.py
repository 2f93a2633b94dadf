"""What a soak is asked for, and the configuration, manifests and faults that follow from it."""

from dataclasses import dataclass

from orchestrator.sandbox.faults.names import COMMON, Fault

KEY = "sandbox-key"
PRICE_MICROS = 28_000
"""Of one picture of the model below."""

CONCURRENCY = 100
SUBMITS_PER_MINUTE = 420
LEASE_SECONDS = 10.0
HERO, BULK, SMALL = 160, 80, 20
"""Jobs that each round of applies adds: one picture each, two of equal inputs each, and a few."""

APPLY_SECONDS = 60.0

NEVER = frozenset({Fault.TASK_STUCK, Fault.SUBMIT_THROTTLE_HUGE})
"""A task that never ends would keep its slot at the provider for ever, and no batch of it could finish. A
reply that asks for an hour of silence is obeyed, and the soak would be over."""


@dataclass(frozen=True)
class Parameters:
    """One soak. `faults` is the rate of each usual fault, and of all unusual ones of an operation
    together."""

    minutes: float
    workers: int = 3
    database: str = "postgres"
    faults: float = 0.03
    seed: int = 1
    plant: str = ""

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def pace(self) -> float:
        """A short soak has its troubles more often, so that each kind happens."""
        return min(1.0, max(0.15, self.minutes / 40))


CONFIG = f"""\
outputs: {{root: outputs}}
limits:
  {{level: gold, concurrency: {CONCURRENCY}, submits_per_minute: {SUBMITS_PER_MINUTE}, polls_per_second: 30}}
budgets: {{account: {{total: 5000.00}}, campaigns: {{hero: {{total: 2500.00}}}}}}
provider:
  {{connect_timeout_seconds: 3, submit_timeout_seconds: 5, read_timeout_seconds: 5,
   upload_timeout_seconds: 10}}
in_doubt: {{settle_seconds: 10}}
retry: {{backoff_base_seconds: 0.5, backoff_cap_seconds: 10}}
worker: {{lease_seconds: {LEASE_SECONDS:g}, poll_min_seconds: 0.5, poll_max_seconds: 4}}
"""

HEAD = """\
version: 1
name: {name}
model: kwaivgi/kling-image-o3/edit
priority: {priority}
variations: {variations}
matrix: {{item: {{range: [1, {jobs}]}}}}
params: {{prompt: "{{{{ run }}}}: {name} {{{{ item }}}}", images: [{image}]}}
output: "{name}/{{{{ run | slug }}}}/{{{{ item }}}}-{{{{ variation }}}}-{{{{ index }}}}.{{{{ ext }}}}"
retry: {{max_attempts: 4}}
"""

MANIFESTS = {
    "hero": HEAD.format(name="hero", priority=5, variations=1, jobs=HERO, image="photo.png"),
    "bulk": HEAD.format(name="bulk", priority=0, variations=2, jobs=BULK, image="https://in.example/a.png"),
    "small": HEAD.format(name="small", priority=0, variations=1, jobs=SMALL, image="photo.png"),
}


def sandbox_switches(parameters: Parameters) -> dict[str, object]:
    """For the provider's stand-in."""
    return {
        "seed": parameters.seed,
        "fast": True,
        "level": "gold",
        "concurrency": CONCURRENCY,
        "submits_per_minute": SUBMITS_PER_MINUTE,
        "overload": "refuse",
        "balance_micros": 10_000_000_000,
        "latency_median": 3.0,
        "list_inputs": True,
        "list_lag": 2.0,
        "refund_delay": 45.0,
        "slow_seconds": 1.0,
        "endless_bytes_max": 2_000_000,
        "faults": fault_words(parameters.faults),
    }


def fault_words(rate: float) -> list[str]:
    """Each usual fault at `rate`; the others of each operation share as much."""
    if not rate:
        return []
    rare: dict[str, list[Fault]] = {}
    for fault in Fault:
        if fault not in COMMON and fault not in NEVER:
            rare.setdefault(fault.operation, []).append(fault)
    shares = (f"{fault}={rate / len(faults):.6f}" for faults in rare.values() for fault in faults)
    return [f"common={rate}", *shares]
