"""From a command line to an exit code: the one place where errors become words."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import cast

from cimis_engine.errors import CimisError
from cimis_tui.cli.output import Output, error_document
from cimis_tui.cli.parser import parse

INTERRUPTED, TERMINATED = 130, 143
INTERNAL = 1
_AGAIN = "run the same command again"
_JSON_FLAGS = {"--json", "-json"}


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where SIGINT would be: what is half done is cleaned away, and the command ends with words."""


def dispatch(argv: Sequence[str]) -> int:
    """Run the command of an argument list. Returns its exit code; a user sees no traceback unless CIMIS_DEBUG=1."""
    output = Output(json_wanted=not _JSON_FLAGS.isdisjoint(argv))
    try:
        args = parse(argv)
        output.quiet, output.verbose = args.quiet, args.verbose
        with _sigterm_raised():
            code = _handler(args.handler)(args, output)
        if output.lost is not None and not code:
            raise output.lost
        return code
    except SystemExit as done:  # argparse after --help and --version
        return int(done.code or 0)
    except Terminated:
        return _explain(output, "Interrupted", "terminated", _AGAIN, TERMINATED)
    except KeyboardInterrupt:
        return _explain(output, "Interrupted", "interrupted", _AGAIN, INTERRUPTED)
    except CimisError as error:
        _debug(output)
        return _explain(output, type(error).__name__, str(error), error.hint, error.exit_code)
    except Exception as error:
        _debug(output)
        hint = "this is a bug; CIMIS_DEBUG=1 shows where"
        message = f"internal error: {type(error).__name__}: {error}"
        return _explain(output, type(error).__name__, message, hint, INTERNAL)


@contextlib.contextmanager
def _sigterm_raised() -> Iterator[None]:
    """Within it SIGTERM is a `Terminated`; a second one ends the process at once. Engine and dashboard, on loops of
    their own, handle it themselves meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
