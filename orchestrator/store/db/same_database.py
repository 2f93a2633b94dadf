"""Does a server still answer with the database that this process began with? See `identity` for the ids."""

from orchestrator.core.errors import OtherDatabaseError


class SameDatabase:
    """Remembers the id of the first answer. Answers without one, such as of SQLite, say nothing."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._id: str | None = None

    def require(self, database_id: str | None) -> None:
        """Raise OtherDatabaseError when another database answers than before."""
        if database_id is None or database_id == self._id:
            return
        if self._id is not None:
            raise OtherDatabaseError(
                f"{self._where} is another database now than when this command began: it was dropped and "
                "made again, or the server was exchanged. Nothing was written into it, and nothing more is "
                "bought. What the old one knew is in its backup and in the sidecars of the pictures: restore "
                "it, or run: orchestrator db rebuild --from outputs"
            )
        self._id = database_id
