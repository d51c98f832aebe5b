"""`serve`: the dashboard of a run in a browser on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.run.past import find_run_dir
from cimis_tui.cli.looks import flags_of, looks_of
from cimis_tui.cli.output import Output
from cimis_tui.cli.settings import data_dir_of
from cimis_tui.looks import BROWSER
from cimis_tui.web.gate import Gate, checked_token, is_loopback, new_token


def serve(args: Namespace, output: Output) -> int:
    """Serve until told to end. The address to open, with its token, is printed once, on stderr."""
    if find_spec("textual_serve") is None:
        raise UsageError(
            "this needs the package 'textual-serve', which is not installed",
            hint="pip install 'cimis-backfill-console[serve]'",
        )
    from cimis_tui.web.server import ConsoleServer
    from cimis_tui.web.server import serve as serve_until_told

    data_dir = data_dir_of(args, os.environ, Path())
    run_id = find_run_dir(data_dir, args.run).name
    looks = looks_of(args, {**os.environ, **BROWSER}, Path())
    host = _host(args.host)
    gate = Gate(_token_in(Path(args.token_file)) if args.token_file else new_token(), host)
    tab = [sys.executable, "-m", "cimis_tui", "attach", run_id, "--data-dir", str(data_dir), "-q"]
    if not is_loopback(host):
        output.warn(
            f"{host} can be reached by others, and what is sent is not encrypted; `ssh -L` to 127.0.0.1 is safer"
        )

    def ready(port: int) -> None:
        shown = "put ?token=… with the token of your file after it" if args.token_file else ""
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        output.must(f"{url}{'' if args.token_file else f'?token={gate.token}'}")
        output.note(f"  run {run_id}; ctrl+c ends the server, not the run{f'; {shown}' if shown else ''}")

    try:
        asyncio.run(
            serve_until_told(
                ConsoleServer(gate, [*tab, *flags_of(looks)], os.environ, output.detail), host, args.port, ready
            )
        )
    except (OSError, OverflowError) as error:  # the latter is Python's word for a port above 65535
        raise UsageError(
            f"cannot listen at {host}, port {args.port}: {getattr(error, 'strerror', None) or error}",
            hint="give another --port; 0 takes any that is free",
        ) from None
    return 0


def _host(host: str) -> str:
    """The address to listen at, which must be one: the gate lets in only those who ask for it by that name."""
    try:
        wild = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        wild = not host
    if wild:
        raise UsageError(f"--host {host or '(empty)'} is not one address", hint="name the address the browser will ask")
    return host


def _token_in(path: Path) -> str:
    try:
        return checked_token(path.read_text(encoding="ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not plain text"
        raise UsageError(f"cannot read the token file {path}: {reason}") from None
