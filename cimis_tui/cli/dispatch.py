"""From a command line to an exit code: the one place where errors become words."""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable, Sequence
from typing import cast

from cimis_engine.errors import CimisError
from cimis_tui.cli.output import Output, error_document
from cimis_tui.cli.parser import parse

INTERRUPTED = 130
INTERNAL = 1
_JSON_FLAGS = {"--json", "-json"}


def dispatch(argv: Sequence[str]) -> int:
    """Run the command of an argument list. Returns its exit code; a user sees no traceback unless CIMIS_DEBUG=1."""
    output = Output(json_wanted=not _JSON_FLAGS.isdisjoint(argv))
    try:
        args = parse(argv)
        output.quiet, output.verbose = args.quiet, args.verbose
        return _handler(args.handler)(args, output)
    except SystemExit as done:  # argparse after --help and --version
        return int(done.code or 0)
    except KeyboardInterrupt:
        return _explain(output, "Interrupted", "interrupted", "the same command resumes", INTERRUPTED)
    except CimisError as error:
        _debug(output)
        return _explain(output, type(error).__name__, str(error), error.hint, error.exit_code)
    except Exception as error:
        _debug(output)
        hint = "this is a bug; CIMIS_DEBUG=1 shows where"
        message = f"internal error: {type(error).__name__}: {error}"
        return _explain(output, type(error).__name__, message, hint, INTERNAL)


def _handler(name: str) -> Callable[..., int]:
    module, _, function = name.partition(":")
    return cast("Callable[..., int]", getattr(importlib.import_module(f"cimis_tui.cli.{module}"), function))


def _debug(output: Output) -> None:
    if os.environ.get("CIMIS_DEBUG") == "1":
        output.fail(traceback.format_exc().rstrip())


def _explain(output: Output, name: str, message: str, hint: str, exit_code: int) -> int:
    output.fail(message, hint)
    if output.json_wanted:
        output.document(error_document(name, message, hint, exit_code))
    return exit_code
