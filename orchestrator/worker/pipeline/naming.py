"""What pictures are called: clean names move, stable ones switch, one after the other."""

from orchestrator.store.db.database import Tx
from orchestrator.worker.deps import Deps
from orchestrator.worker.pipeline.moves import Moves
from orchestrator.worker.pipeline.stable import StableSwitches


class Naming:
    """Both, in one loop: a stable name copies a picture from where its move has brought it."""

    def __init__(self, deps: Deps) -> None:
        self._moves = Moves(deps)
        self._stable = StableSwitches(deps)

    async def tick(self) -> float:
        """Move and switch what is due."""
        return min(await self._moves.tick(), await self._stable.tick())

    def settled(self, tx: Tx) -> bool:
        """Whether nothing is left that this worker could do now."""
        return self._moves.settled(tx) and self._stable.settled(tx)
