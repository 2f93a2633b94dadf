"""What a table must say about where it was measured."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path


def name() -> str:
    """Cores, processor, Python, SQLite, SQLAlchemy."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return (
        f"{os.cpu_count()} x {model}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"SQLAlchemy {version('sqlalchemy')}"
    )
