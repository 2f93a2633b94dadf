"""The one place where exceptions become messages and exit codes."""

import contextlib
import errno
import gc
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from orchestrator.cli import out, streams
from orchestrator.cli.base import Options
from orchestrator.core.errors import ExitCode, OrchestratorError

OTHERS_NOTHING = 0o027
"""Taken from the rights of every file and folder that is made: prompts and pictures are not everybody's."""

_KINDS = {
    ExitCode.UNEXPECTED: "unexpected",
    ExitCode.USAGE: "usage",
    ExitCode.SOME_FAILED: "failed",
    ExitCode.BUDGET: "budget",
    ExitCode.OPERATOR: "operator",
    ExitCode.INTERRUPTED: "interrupted",
}


def main() -> NoReturn:
    """Run the command line and leave with its exit code.

    The cycle collector rests while the command is imported: it would visit every class again and
    again, which takes a fifth of the time of a short command.
    """
    gc.disable()
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code, and never raises for what a user can understand."""
    streams.open_missing()
    os.umask(os.umask(0) | OTHERS_NOTHING)
    options = Options(json="--json" in argv)  # known even when the words cannot be parsed
    try:
        code = _invoke(argv, options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet_pipe()
    except OSError as error:  # stdout itself cannot be written, such as a full disk behind `>`
        _quiet_pipe()
        streams.say(f"The answer could not be written: {error.strerror}. What was done is kept.")
        return int(ExitCode.UNEXPECTED)
    return code


def _invoke(argv: Sequence[str], options: Options) -> int:
    from orchestrator.cli.root import cli

    try:
        result = cli.main(list(argv), prog_name="orchestrator", standalone_mode=False, obj=options)
    except click.ClickException as error:
        return _usage(error, options)
    except (click.Abort, KeyboardInterrupt):
        return _report(options, ExitCode.INTERRUPTED, "Interrupted. Nothing that was done is lost.")
    except SystemExit:  # click's own way out when the reader has left; nothing else of ours takes it
        return _quiet_pipe()
    except OrchestratorError as error:
        _debug()
        return _report(options, error.exit_code, str(error), problems=_problems(error))
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in {errno.ENOSPC, errno.EIO}:
            raise  # our own output has nowhere to go: reported by the caller
        return _bug(options, error)  # the last line of defence; ORCHESTRATOR_DEBUG shows where
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _bug(options: Options, error: Exception) -> int:
    _debug()
    message = (
        f"Unexpected error: {type(error).__name__}: {error}\n"
        "This is a bug in the program. Nothing that was done is lost; running the command again is safe.\n"
        "For a report, run it again with ORCHESTRATOR_DEBUG=1 and send the traceback."
    )
    return _report(options, ExitCode.UNEXPECTED, message)


def _usage(error: click.ClickException, options: Options) -> int:
    context = getattr(error, "ctx", None)
    usage = f"{context.get_usage()}\n" if context is not None else ""
    hint = f"\nSee: {context.command_path} --help" if context is not None else ""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        streams.say(error.format_message())
        return int(ExitCode.USAGE)
    return _report(options, ExitCode.USAGE, error.format_message(), before=usage, after=hint)


def _report(
    options: Options,
    code: ExitCode,
    message: str,
    *,
    problems: list[Any] | None = None,
    before: str = "",
    after: str = "",
) -> int:
    """The message on stderr; under --json the same as one document on stdout."""
    message = out.repeated(message, options)
    streams.say(f"{before}{message}{after}")
    if options.json:
        document: dict[str, Any] = {"code": int(code), "kind": _KINDS[code], "message": message}
        if problems:
            document["problems"] = problems
        with contextlib.suppress(OSError):  # the message is on stderr already
            click.echo(json.dumps({"error": document}, ensure_ascii=False))
    return int(code)


def _problems(error: OrchestratorError) -> list[Any]:
    """The single problems of an error that carries several, as JSON: where in the file, and, where it was met
    in a row of a table or a combination, which.
    """
    return [_problem(item) for item in getattr(error, "problems", ())]


def _problem(item: Any) -> dict[str, Any]:
    names = ("file", "line", "column", "path", "message", "hint")
    document: dict[str, Any] = {
        name: value if isinstance(value, int | None) else str(value)
        for name in names
        if (value := getattr(item, name, None)) is not None
    }
    more = ("source", "table", "row", "field")
    document |= {name: value for name in more if (value := getattr(item, name, None))}
    if combination := getattr(item, "combination", ()):
        document["combination"] = dict(combination)
    return document


def _debug() -> None:
    if os.environ.get("ORCHESTRATOR_DEBUG") == "1":
        import traceback

        streams.say(traceback.format_exc())


def _quiet_pipe() -> int:
    """Whoever read our output has left, such as `head`: no complaint, and none at interpreter exit either."""
    streams.lead_nowhere("stdout")
    return int(ExitCode.DONE)


if __name__ == "__main__":
    main()
