"""The two streams of a command: data on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from cimis_engine.errors import CimisError

SCHEMA_VERSION = "1.0"
_YELLOW, _RED, _PLAIN = "\x1b[33m", "\x1b[31m", "\x1b[0m"


class OutputLostError(CimisError):
    """Stdout took no more: the disk of the file it goes to is full, say."""

    def __init__(self, error: OSError | ValueError) -> None:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        super().__init__(
            f"the output is not complete: {getattr(error, 'strerror', None) or error}",
            hint="free some space, or send it elsewhere, and run the same command again",
        )
        self.exit_code = 5 if full else 1


class Output:
    """Where a command writes. A stream that fails ends the output, never the work.

    A reader (EPIPE) or a terminal (EIO) that goes away is no error; `lost` is one, and is for the end to tell.
    """

    def __init__(
        self,
        *,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] = os.environ,
        json_wanted: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self._out, self._err = stdout or sys.stdout, stderr or sys.stderr
        self.json_wanted, self.quiet, self.verbose = json_wanted, quiet, verbose
        self.lost: OutputLostError | None = None
        self._open = {id(self._out): True, id(self._err): True}
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self.live = self._err.isatty() and environ.get("TERM") != "dumb"
        """Whether stderr can show a line that changes in place."""
        self._colour = not plain and (bool(environ.get("FORCE_COLOR")) or self._err.isatty())
        for stream in (self._out, self._err):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a C locale cannot print the en dash of a reused phase

    def data(self, text: str) -> None:
        """A line of data."""
        self._write(self._out, f"{text}\n")

    def raw(self, line: bytes) -> None:
        """A line of data that is encoded already, newline included."""
        self._write(self._out, line.decode())

    def document(self, document: Any) -> None:
        """The one JSON document of a command."""
        self.data(json.dumps(document, indent=2, ensure_ascii=False))

    def note(self, text: str) -> None:
        """Progress and logs: silent under `-q`."""
        if not self.quiet:
            self._write(self._err, f"{text}\n")

    def must(self, text: str) -> None:
        """What the command is of no use without; `-q` does not silence it."""
        self._write(self._err, f"{text}\n")

    def redraw(self, line: str) -> None:
        """The last line of a terminal anew; empty to take it away. Only where `live`; silent under `-q`."""
        if not self.quiet:
            self._write(self._err, f"\r\x1b[K{line}")

    def detail(self, text: str) -> None:
        """What only `-v` wants to know."""
        if self.verbose:
            self._write(self._err, f"{text}\n")

    def warn(self, text: str) -> None:
        self._write(self._err, self._painted(_YELLOW, f"Warning: {text}"))

    def fail(self, message: str, hint: str = "") -> None:
        self._write(self._err, self._painted(_RED, f"cimis: {message}"))
        if hint:
            self._write(self._err, f"  hint: {hint}\n")

    def _painted(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}\n" if self._colour else f"{text}\n"

    def _write(self, stream: TextIO, text: str) -> None:
        if not self._open[id(stream)]:
            return
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError) as error:
            gone = not isinstance(error, OSError) or error.errno in (errno.EPIPE, errno.EIO)
            if stream is self._out and not gone:
                self.lost = OutputLostError(error)
            self._open[id(stream)] = False
            self._discard(stream)

    @staticmethod
    def _discard(stream: TextIO) -> None:
        """Point the stream at nothing, or the interpreter complains of it once more while it shuts down."""
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def error_document(name: str, message: str, hint: str, exit_code: int) -> dict[str, Any]:
    """What `--json` prints where no report can be made."""
    return {
        "schema_version": SCHEMA_VERSION,
        "error": {"class": name, "message": message, "hint": hint},
        "exit_code": exit_code,
    }


def table(head: Sequence[str], lines: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Aligned text: the first `left` columns to the left, the others to the right, two blanks between."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n < left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *lines)
    ]


def duration(ms: float | None) -> str:
    """`12ms`, `1.01s`, `2m05s`; `–` for a phase that did not happen."""
    if ms is None:
        return "–"
    if ms < 1:
        return f"{ms:.1f}ms"
    if ms < 999.5:
        return f"{ms:.0f}ms"
    if ms < 99_995:
        return f"{ms / 1000:.2f}s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m{seconds:02d}s" if hours else f"{minutes}m{seconds:02d}s"


def size(count: float) -> str:
    """`512 B`, `1.5 MB`: decimal multiples of bytes."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def counted(count: int, noun: str, many: str = "") -> str:
    """`1 chunk`, `2 chunks`; `many` where the plural is another."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"


def ratio(raw: float, stored: float) -> str:
    """Bytes of fixed-width rows over stored bytes, `–` where nothing is stored."""
    return f"{raw / stored:.2f}x" if stored else "–"


def shown(path: Path) -> str:
    """A path as a person would type it from here: relative where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
