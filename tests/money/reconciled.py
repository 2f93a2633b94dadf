"""The last week reconciled, in few words."""

from support.signed import SIGNED
from support.world import PRICE, spec

from orchestrator.actions.reconciling.reconcile import reconcile
from orchestrator.actions.reconciling.reconciliation import Period

WEEK_MS = 7 * 86_400_000


def reconciled(harness, *, sidecars=None, not_ours=False, mark=None):
    """Compare the last week, with the sidecars of the disk unless others are given."""
    now = harness.clock.now_ms()
    return harness.run(
        reconcile(
            database=harness.world.database,
            provider=harness.provider,
            clock=harness.clock,
            entropy=harness.world.entropy,
            period=Period(
                start_ms=now - WEEK_MS,
                end_ms=now,
                base_url=harness.settings.provider.base_url,
                timezone="UTC",
            ),
            sidecars=sidecars or harness.artifacts.sidecar,
            signed=SIGNED,
            not_ours=not_ours,
            mark=mark,
        )
    )


def wanted_by(number, run="main"):
    """What the job of that number sends, as `World.run` makes it."""
    return spec(number, prefix=f"spring/hero/{run}/{PRICE}").params
