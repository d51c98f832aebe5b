"""`python -m cimis_engine.simulator`: serve until interrupted. Says where on stdout, in one JSON line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from cimis_engine.errors import CimisError
from cimis_engine.simulator.config import DAILY_CAP, DIALECTS, HOURLY_CAP, LEGACY_CAP, SCENARIOS, SimulatorConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The simulator's options."""
    add = parser.add_argument
    add("--port", type=_whole, default=0, metavar="N", help="port on 127.0.0.1 (0: any free one)")
    add("--tls", action="store_true", help="HTTPS, by a certificate made at the start")
    add("--ca-file", type=Path, metavar="PATH", help="where to write the certificate authority, PEM (a temporary file)")
    add("--seed", type=int, default=1, metavar="N", help="the weather repeats with it (1)")
    add("--stations", type=_whole, metavar="N", help="how many stations (the built-in real ones)")
    add("--latency", type=_amount, default=0.0, metavar="MS", help="before the first byte (0)")
    add("--jitter", type=_amount, default=0.0, metavar="MS", help="up to this much more latency (0)")
    add("--faults", choices=SCENARIOS, default="none", help="what goes wrong (none)")
    add("--fault-seed", type=int, default=1, metavar="N", help="the faults repeat with it (1)")
    add("--stall", type=_amount, default=30.0, metavar="S", help="how long a stalled response is silent (30)")
    add("--now", type=_date, metavar="DATE", help="the agency's today, yyyy-mm-dd (the real one)")
    add("--revise", type=int, metavar="SEED", help="some past days differ from those without it")
    add("--recorded", type=Path, metavar="DIR", help="serve real API bodies from this folder")
    add("--key", metavar="KEY", help="accept this key only (any)")
    add("--revoke-after", type=_whole, metavar="N", help="refuse every key after N requests (never)")
    add("--rate", type=_whole, metavar="N", help="data requests let through a second, others get 429 (any number)")
    add("--dialect", choices=DIALECTS, default=DIALECTS[0], help=f"which API to be ({DIALECTS[0]})")
    add("--cap-daily", type=_whole, metavar="N", help=f"daily records a request ({DAILY_CAP}, legacy {LEGACY_CAP})")
    add("--cap-hourly", type=_whole, metavar="N", help=f"hourly records a request ({HOURLY_CAP}, legacy {LEGACY_CAP})")
    add("--cap-unsaid", action="store_true", help="a refusal for volume does not name the cap")
    add("--fail-station", type=_whole, action="append", default=[], metavar="N", help="its data always get a 500")
    add("--exit-on-eof", action="store_true", help="end when standard input ends")


def config_from_args(args: argparse.Namespace) -> SimulatorConfig:
    """The configuration that parsed options mean."""
    return SimulatorConfig(
        port=args.port,
        tls=args.tls,
        ca_file=args.ca_file,
        seed=args.seed,
        stations=args.stations,
        latency=args.latency,
        jitter=args.jitter,
        faults=args.faults,
        fault_seed=args.fault_seed,
        stall=args.stall,
        now=args.now,
        revise=args.revise,
        recorded=args.recorded,
        key=args.key,
        revoke_after=args.revoke_after,
        rate=args.rate,
        dialect=args.dialect,
        cap_daily=args.cap_daily,
        cap_hourly=args.cap_hourly,
        cap_unsaid=args.cap_unsaid,
        fail_stations=frozenset(args.fail_station),
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT, SIGTERM, or (with `--exit-on-eof`) the end of standard input. Returns the exit code."""
    from cimis_engine.simulator.serve import serve

    return serve(config_from_args(args), exit_on_eof=args.exit_on_eof)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m cimis_engine.simulator", description="A CIMIS web API on loopback."
    )
    add_arguments(parser)
    try:
        return run(parser.parse_args(argv))
    except CimisError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n" if error.hint else f"{error}\n")
        return error.exit_code


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"not a whole number: '{text}'")
    return int(text)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1e7:
        raise argparse.ArgumentTypeError(f"not an amount of time: '{text}'")
    return value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date as yyyy-mm-dd: '{text}'") from None


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A renderer thread may still be at work; nothing it does is worth waiting for.
    os._exit(code)
