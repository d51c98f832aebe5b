"""The command line on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path


class Terminal:
    """A process on a pseudo-terminal of 120x40; what it draws is kept."""

    def __init__(
        self, directory: Path, env: dict[str, str], args: list[str], program: Sequence[str] = ("-m", "cimis_tui")
    ) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        self.process = subprocess.Popen(
            [sys.executable, *program, *args],
            env=env | {"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
            cwd=directory,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.drawn = b""

    def read_until(self, text: bytes, seconds: float = 30.0) -> None:
        while text not in self.drawn:
            ready, _, _ = select.select([self.master], [], [], seconds)
            assert ready, f"{text!r} never drawn; last: {self.drawn[-500:]!r}"
            self.drawn += os.read(self.master, 65536)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read_to_end(self) -> None:
        try:
            while data := os.read(self.master, 65536):
                self.drawn += data
        except OSError:
            pass  # the terminal is gone with its last process
        self.process.wait(30)
