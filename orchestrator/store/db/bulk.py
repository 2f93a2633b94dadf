"""Many rows at once: looked up by key in bounded statements, and inserted straight through the driver."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, Table, exc

Item = TypeVar("Item")

LOOKUP_CHUNK: Final = 500
"""Parameters of one statement; older builds of SQLite take 999."""


EACH_CHUNK: Final = 5_000
"""Values that are given as one text."""


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in chunks of what one statement takes."""
    for start in range(0, len(items), LOOKUP_CHUNK):
        yield items[start : start + LOOKUP_CHUNK]


def lookup(conn: Connection, query: str, values: Sequence[Any], *given: Any) -> Iterator[Any]:
    """Rows of `query` for any of many `values`, straight from the driver, because compiling the statement
    would cost more than the lookup.

    Each `{}` in the query is replaced by one of `given`, in order; `{any}`, last and after a column, by the
    values.
    """
    if conn.dialect.name != "sqlite":
        if values:
            kind = "bytea" if isinstance(values[0], bytes) else "text"
            statement = query.format(*["%s"] * len(given), any=f"= ANY(%s::{kind}[])")
            yield from conn.exec_driver_sql(statement, (*given, _array(values)))
        return
    for start in range(0, len(values), LOOKUP_CHUNK):
        chunk = values[start : start + LOOKUP_CHUNK]
        marks = ", ".join("?" * len(chunk))
        statement = query.format(*"?" * len(given), any=f"IN ({marks})")
        yield from conn.exec_driver_sql(statement, (*given, *chunk))


def each(conn: Connection, query: str, values: Sequence[str]) -> Iterator[Any]:
    """Rows of `query`, in which `{each}` stands for a table of the values with one column, `value`: for what
    is to be found for every one of them by itself, such as the newest.
    """
    if conn.dialect.name != "sqlite":
        if values:
            table = query.format(each="unnest(%s::text[])").replace(" AS wanted", " AS wanted (value)", 1)
            yield from conn.exec_driver_sql(table, (_array(values),))
        return
    for start in range(0, len(values), EACH_CHUNK):
        chunk = json.dumps(values[start : start + EACH_CHUNK])
        yield from conn.exec_driver_sql(query.format(each="json_each(?)"), (chunk,))


def plain_rows(conn: Connection, query: Select[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Rows as the driver has them, for millions of rows whose columns need no conversion: making rows of
    SQLAlchemy of them takes a quarter of the time of reading them.
    """
    with conn.execute(query, values) as result:
        cursor = result.cursor
        assert cursor is not None
        base = conn.dialect.loaded_dbapi.Error
        try:
            return list(cursor.fetchall())
        except base as error:  # SQLAlchemy did not see this call
            raise exc.DBAPIError.instance(str(query), None, error, base, dialect=conn.dialect) from error


def _array(values: Sequence[str] | Sequence[bytes]) -> str:
    """An array in the syntax of Postgres; the driver takes many times as long to encode one."""
    quoted = (
        rf"\\x{value.hex()}" if isinstance(value, bytes) else value.replace("\\", r"\\").replace('"', r"\"")
        for value in values
    )
    return '{"' + '","'.join(quoted) + '"}'


def insert_many(
    conn: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Insert rows in the fastest way the driver has; JSON columns take text that is encoded already."""
    names = ", ".join(columns)
    if conn.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        if given := list(rows):
            conn.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", given)  # noqa: S608
        return
    statement = f"COPY {table.name} ({names}) FROM STDIN"
    driver: Any = conn.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except conn.dialect.loaded_dbapi.Error as error:  # SQLAlchemy did not see this call
        base = conn.dialect.loaded_dbapi.Error
        raise exc.DBAPIError.instance(statement, None, error, base, dialect=conn.dialect) from error
