"""The checker's own eyes: a connection that the program does not know of, and triggers that note every
change of state."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

Row = Any
"""A row: its columns by name."""


class Watch(Protocol):
    """Reads the database as it stands after the last commit. Questions mark values."""

    def rows(self, query: str, *values: Any) -> Sequence[Row]:
        """What the query finds."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SqliteWatch:
    """A second connection to the file."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA query_only = ON")

    def rows(self, query: str, *values: Any) -> Sequence[Row]:
        return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        self._connection.close()


class PostgresWatch:
    """A second connection to the server."""

    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)

    def rows(self, query: str, *values: Any) -> Sequence[Row]:
        return self._connection.execute(query.replace("?", "%s"), values).fetchall()

    def close(self) -> None:
        self._connection.close()


SQLITE_TRIGGERS = """
CREATE TABLE watched (
  seq INTEGER PRIMARY KEY, kind TEXT, id INTEGER, job INTEGER, was TEXT, now TEXT, was_epoch INTEGER,
  epoch INTEGER, was_money TEXT, money TEXT, was_prediction TEXT, prediction TEXT, worker TEXT);
CREATE TRIGGER watch_attempt_new AFTER INSERT ON attempts BEGIN
  INSERT INTO watched (kind, id, job, was, now, epoch, was_money, money, prediction) VALUES
  ('attempt', new.id, new.job_id, 'none', new.state, new.epoch, 'none', new.reservation,
   new.prediction_id); END;
CREATE TRIGGER watch_attempt AFTER UPDATE ON attempts
WHEN old.state <> new.state OR old.epoch <> new.epoch OR old.reservation <> new.reservation
  OR old.prediction_id IS NOT new.prediction_id BEGIN
  INSERT INTO watched
  (kind, id, job, was, now, was_epoch, epoch, was_money, money, was_prediction, prediction, worker) VALUES
  ('attempt', new.id, new.job_id, old.state, new.state, old.epoch, new.epoch, old.reservation,
   new.reservation, old.prediction_id, new.prediction_id, old.worker); END;
CREATE TRIGGER watch_job_new AFTER INSERT ON jobs BEGIN
  INSERT INTO watched (kind, id, was, now) VALUES ('job', new.id, 'none', new.state); END;
CREATE TRIGGER watch_job AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN
  INSERT INTO watched (kind, id, was, now) VALUES ('job', new.id, old.state, new.state); END;
CREATE TRIGGER watch_job_gone AFTER DELETE ON jobs BEGIN
  INSERT INTO watched (kind, id, was, now) VALUES ('job', old.id, old.state, 'deleted'); END;
"""

POSTGRES_TRIGGERS = """
CREATE TABLE watched (
  seq bigserial PRIMARY KEY, kind text, id bigint, job bigint, was text, now text, was_epoch int, epoch int,
  was_money text, money text, was_prediction text, prediction text, worker text);
CREATE FUNCTION watch_attempt_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO watched (kind, id, job, was, now, epoch, was_money, money, prediction) VALUES
  ('attempt', new.id, new.job_id, 'none', new.state, new.epoch, 'none', new.reservation, new.prediction_id);
  RETURN NULL; END $$;
CREATE FUNCTION watch_attempt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO watched
  (kind, id, job, was, now, was_epoch, epoch, was_money, money, was_prediction, prediction, worker) VALUES
  ('attempt', new.id, new.job_id, old.state, new.state, old.epoch, new.epoch, old.reservation,
   new.reservation, old.prediction_id, new.prediction_id, old.worker); RETURN NULL; END $$;
CREATE FUNCTION watch_job_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO watched (kind, id, was, now) VALUES ('job', new.id, 'none', new.state); RETURN NULL; END $$;
CREATE FUNCTION watch_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO watched (kind, id, was, now) VALUES ('job', old.id, old.state,
  CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE new.state END); RETURN NULL; END $$;
CREATE TRIGGER watch_attempt_new AFTER INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION watch_attempt_new();
CREATE TRIGGER watch_attempt AFTER UPDATE ON attempts FOR EACH ROW
WHEN (old.state <> new.state OR old.epoch <> new.epoch OR old.reservation <> new.reservation
  OR old.prediction_id IS DISTINCT FROM new.prediction_id) EXECUTE FUNCTION watch_attempt();
CREATE TRIGGER watch_job_new AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION watch_job_new();
CREATE TRIGGER watch_job AFTER UPDATE OF state ON jobs FOR EACH ROW WHEN (old.state <> new.state)
  EXECUTE FUNCTION watch_job();
CREATE TRIGGER watch_job_gone AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION watch_job();
"""
