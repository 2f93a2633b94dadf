"""Moving a database between revisions, and saying exactly what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text

from orchestrator.store.db import connections, migrate
from orchestrator.store.db.database_url import parse_url
from orchestrator.store.db.schema import metadata

SQLITE_OBJECTS = (
    "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL"
)
POSTGRES_OBJECTS = (
    """SELECT 'column', table_name || '.' || column_name,
              concat_ws(' ', data_type, is_nullable, column_default)
       FROM information_schema.columns WHERE table_schema = 'public'""",
    """SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
)


def revisions() -> list[str]:
    """Every revision, oldest first."""
    scripts = ScriptDirectory.from_config(migrate._alembic_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def head() -> str | None:
    return ScriptDirectory.from_config(migrate._alembic_config()).get_current_head()


@contextmanager
def writing(url: str) -> Iterator[Connection]:
    """One transaction, with the settings that the program itself writes with."""
    engine = connections.writer_engine(parse_url(url))
    try:
        with engine.begin() as conn:
            yield conn
    finally:
        engine.dispose()


def move(url: str, direction: str, revision: str) -> None:
    """Alembic's `upgrade` or `downgrade` to a revision."""
    with writing(url) as conn:
        config = migrate._alembic_config()
        config.attributes["connection"] = conn
        getattr(command, direction)(config, revision)


def drift(url: str) -> list[Any]:
    """What Alembic would have to change to turn the database into the code's metadata."""
    with writing(url) as conn:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(conn, opts=options), metadata)


def create_from_metadata(url: str) -> None:
    with writing(url) as conn:
        metadata.create_all(conn)


def objects(url: str) -> dict[tuple[str, str], str]:
    """Every table, column, constraint and index, with its definition in the database's own words."""
    engine = create_engine(url)
    queries = (SQLITE_OBJECTS,) if engine.dialect.name == "sqlite" else POSTGRES_OBJECTS
    with engine.connect() as conn:
        rows = [tuple(row) for query in queries for row in conn.execute(text(query))]
    engine.dispose()
    return {(kind, name): normalized(sql) for kind, name, sql in rows if "alembic_version" not in name}


def normalized(sql: str) -> str:
    """One space where there was any white space; the clauses of a CREATE TABLE in alphabetical order."""
    plain = " ".join(sql.split())
    if not plain.startswith("CREATE TABLE"):
        return plain
    opening, _, body = plain.partition("(")
    return opening + "(" + ", ".join(sorted(clauses(body.removesuffix(")")))) + ")"


def clauses(body: str) -> list[str]:
    """The parts of `body` between commas that are outside parentheses."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(body[start:position].strip())
            start = position + 1
    return [*parts, body[start:].strip()]


def fill(url: str, script: Path) -> None:
    """Run the statements of a script; each ends with a semicolon at the end of its line."""
    with writing(url) as conn:
        for statement in filter(str.strip, script.read_text(encoding="utf-8").split(";\n")):
            conn.exec_driver_sql(statement)


def contents(url: str) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, by reflection: the code's own metadata may be ahead of the database. Without
    the id that a migration gives a database, which is new and random.
    """
    found = MetaData()
    with writing(url) as conn:
        found.reflect(conn)
        return {
            table.name: [
                dict(row)
                for row in conn.execute(table.select()).mappings()
                if row.get("key") != "database_id"
            ]
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }
