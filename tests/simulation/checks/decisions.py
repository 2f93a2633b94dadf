"""Decisions: no cap changes without an act or the word of a file, and no key stops more than its worker."""

from decimal import Decimal

from .scene import Scene

Key = tuple[str, int, str]
"""Scope, its id, and the window of a cap."""

MICROS = 1_000_000


class DecisionChecks:
    """The caps from commit to commit, each difference with what explains it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._caps: dict[Key, tuple[int, str]] = {}
        self._act_seen = 0
        self._event_seen = 0

    def restored(self) -> None:
        """Begin again from what a database that was put back says."""
        self._caps = self._stored()
        self._act_seen = self._last("acts")
        self._event_seen = self._last("events")

    def committed(self) -> None:
        """Look at the caps and the pauses after a transaction."""
        scene = self._scene
        refused = scene.rows("SELECT 1 FROM pauses WHERE scope = 'account' AND reason = 'key_refused'")
        scene.expect(not refused, "key", "the refused key of a worker pauses the account")
        caps = self._stored()
        if caps == self._caps:
            return
        for key in sorted(caps.keys() | self._caps.keys()):
            if caps.get(key) != self._caps.get(key):
                self._explained(key, caps.get(key))
        self.restored()

    def _explained(self, key: Key, cap: tuple[int, str] | None) -> None:
        """An operator's word is an act, that of a manifest or a configuration an event."""
        decided = cap is None or cap[1] == "operator"
        table, words = ("acts", "new") if decided else ("events", "message")
        seen = self._act_seen if decided else self._event_seen
        rows = self._scene.rows(f"SELECT * FROM {table} WHERE id > ? ORDER BY id", seen)  # noqa: S608
        said = [row[words] for row in rows if self._is_about(key, row["subject" if decided else "message"])]
        told = any(cap is None or (text is not None and _amount(cap[0]) in text) for text in said)
        self._scene.expect(told, "caps", f"{key} became {cap}, and nothing says who decided so")

    def _is_about(self, key: Key, text: str) -> bool:
        scope, scope_id, window = key
        kind = "cap" if window == "total" else f"{window} cap"
        return text.startswith(f"{kind} of {self._owner(scope, scope_id)}")

    def _owner(self, scope: str, scope_id: int) -> str:
        if scope == "account":
            return "the account"
        if scope == "campaign":
            return f"campaign {self._scene.row('SELECT name FROM campaigns WHERE id = ?', scope_id)['name']}"
        row = self._scene.row(
            "SELECT c.name AS campaign, r.name AS name, r.run_key FROM runs r JOIN campaigns c "
            "ON c.id = r.campaign_id WHERE r.id = ?",
            scope_id,
        )
        return f"run {row['campaign']}/{row['name']}/{row['run_key']}"

    def _stored(self) -> dict[Key, tuple[int, str]]:
        rows = self._scene.rows('SELECT scope, scope_id, "window", cap_micros, source FROM budgets')
        return {
            (row["scope"], row["scope_id"], row["window"]): (row["cap_micros"], row["source"]) for row in rows
        }

    def _last(self, table: str) -> int:
        return int(self._scene.row(f"SELECT coalesce(max(id), 0) AS n FROM {table}")["n"])  # noqa: S608


def _amount(micros: int) -> str:
    """Dollars with at least two decimals."""
    whole, _, rest = f"{Decimal(micros) / MICROS:f}".partition(".")
    return f"${whole}.{rest.rstrip('0').ljust(2, '0')}"
