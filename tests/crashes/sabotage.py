"""Workers with one mistake: a harness that passes them proves nothing."""

from typing import Any


def send_again() -> None:
    """A request that may have left when its worker died counts as not sent."""
    from orchestrator.core.states import AttemptEvent
    from orchestrator.store.attempts import endings, leases

    def hopeful(tx: Any, rows: Any) -> list[bool]:
        return endings.give_back(
            tx,
            [
                endings.GiveBack(
                    attempt_id=row.attempt_id,
                    epoch=row.epoch,
                    event=AttemptEvent.NOT_SENT,
                    delay_ms=0,
                    reason="hope",
                    message="hope",
                )
                for row in rows
            ],
        )

    class Lifecycle:
        MarkInDoubt = leases.lifecycle.MarkInDoubt
        mark_in_doubt = staticmethod(hopeful)

    leases.lifecycle = Lifecycle  # type: ignore[assignment]


def leave_unowned() -> None:
    """Nobody clears up what a dead worker was writing."""
    from orchestrator.artifacts import LocalArtifacts

    LocalArtifacts.clean = lambda _self: 0  # type: ignore[method-assign]


def give_up_fetching() -> None:
    """What a dead worker was to download is recorded as stored without being there."""
    from orchestrator.artifacts import LocalArtifacts
    from orchestrator.ports import StoredArtifact

    async def store(_self: Any, request: Any) -> StoredArtifact:
        return StoredArtifact(
            path=request.path, sha256="0" * 64, bytes=1, media_type="image/png", width=1, height=1
        )

    LocalArtifacts.store = store  # type: ignore[method-assign,assignment]


def do_not_look() -> None:
    """Whether the database file is still there is not looked at."""
    from orchestrator.store.db.file_guard import FileGuard

    FileGuard.trouble = lambda _self: None  # type: ignore[method-assign]
    FileGuard.require_same_file = lambda _self: None  # type: ignore[method-assign]


SABOTAGES = {work.__name__: work for work in (send_again, leave_unowned, give_up_fetching, do_not_look)}
