"""SQL that is compiled once for a kind of database: every test opens a database or three, and to compile its
statements anew for each was a tenth of the suite's time."""

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL

from orchestrator.store.db import connections, looking


class CompiledOnce(dict[Any, Any]):
    """The cache of every engine's compiled statements. Its keys begin with the dialect, an object of each
    engine; those of one name compile to the same."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


_compiled = CompiledOnce()


def share_compiled_statements() -> None:
    """From now on every engine of this process finds what others have compiled."""
    for module in (connections, looking):
        module.create_engine = _engine  # type: ignore[attr-defined]


def _engine(url: URL, **options: Any) -> Engine:
    engine = create_engine(url, **options)
    engine.update_execution_options(compiled_cache=_compiled)
    return engine
