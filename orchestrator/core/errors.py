"""The errors a user may meet. Each says what happened, to what, and what to do next.

OrchestratorError
├── UsageError            exit 2: the words of a command, a manifest or the configuration are off
│   └── ProblemsError     exit 2: carries every problem at once (see `orchestrator.yamlio.problems`)
├── DatabaseError         exit 1: unreachable, corrupt, locked, or full
│   ├── SchemaVersionError exit 2: the database is older or newer than this program
│   ├── DatabaseReplacedError exit 1: its file was deleted or replaced below this process
│   └── OtherDatabaseError exit 1: the server has another database under the same name now
├── StorageError          exit 1: an output folder that cannot be written
├── NotFoundError         exit 2: no such job, run, campaign or model
└── OperatorNeededError   exit 5: key refused, no credit, or work in doubt
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes; documented in `orchestrator --help` and `docs/commands.md`."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    SOME_FAILED = 3
    BUDGET = 4
    OPERATOR = 5
    INTERRUPTED = 130


class OrchestratorError(Exception):
    """Something went wrong that a user can understand."""

    exit_code: ExitCode = ExitCode.UNEXPECTED


class UsageError(OrchestratorError):
    """The words of a command, a manifest or the configuration are off."""

    exit_code = ExitCode.USAGE


class DatabaseError(OrchestratorError):
    """The database cannot be read or written.

    `transient`: it may be back by itself (a restart, a lock). `in_doubt`: the answer to a COMMIT was lost, so
    what was written may be there all the same; read back before anything is done that depends on it.
    """

    def __init__(self, message: str = "", *, transient: bool = False, in_doubt: bool = False) -> None:
        super().__init__(message)
        self.transient = transient
        self.in_doubt = in_doubt


class SchemaVersionError(DatabaseError):
    """The database's schema is older or newer than this program."""

    exit_code = ExitCode.USAGE


class DatabaseReplacedError(DatabaseError):
    """The file of the database was deleted or replaced below this process, which still has the old one open.

    Nothing may be bought any more; what is paid for is still collected, and recorded in the open file.
    """


class OtherDatabaseError(DatabaseError):
    """Under the same address there is another database now: nothing of ours may be written into it."""


class StorageError(OrchestratorError):
    """The output folder cannot be written."""


class NotFoundError(OrchestratorError):
    """No such thing."""

    exit_code = ExitCode.USAGE


class OperatorNeededError(OrchestratorError):
    """Work stopped for a reason that only an operator can end."""

    exit_code = ExitCode.OPERATOR
