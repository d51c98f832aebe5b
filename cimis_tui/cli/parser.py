"""The shape of the command line: names, options and help of every command, and no work.

Importing this room must stay cheap: `cimis --help` and `cimis --version` load argparse and nothing of the engine. A
command's handler is named by text (`module:function` below `cimis_tui.cli`) and imported when it runs; the options of
a command are only declared when that command is on the line.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from cimis_engine import __version__
from cimis_engine.errors import UsageError
from cimis_engine.store.formats import DEFAULT_FORMAT, Format

Declare = Callable[[argparse.ArgumentParser], None]
_SINGLE_DASH = re.compile(r"-([a-z][a-z-]+)(=.*)?")
STORED = "2,5,10-20, active, county:NAME, or all that are stored"
FORMATS = tuple(f.value for f in Format)
EXIT_CODES = (
    "exit codes: 0 done · 1 internal error · 2 usage · 3 partial · 4 nothing stored, try later · "
    "5 nothing stored, permanent · 6 damaged data · 130/143 interrupted, resumable"
)


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes are `UsageError`s, so that `--json` can report them as a document."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"`{self.prog} --help` lists the options")


@dataclass(frozen=True, slots=True)
class Command:
    """`handler` is `module:function`, called with the parsed arguments and an `Output`; it returns the exit code."""

    name: str
    help: str
    handler: str
    declare: Declare


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"not a whole number above zero: '{text}'")
    return value


def _data_dir(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    told = "where chunks, catalog and runs live (default ./data)"
    parser.add_argument("--data-dir", metavar="DIR", default=default, help=told)


def _json(
    parser: argparse._ActionsContainer,
    what: str = "one JSON document on stdout, and nothing else",
    default: bool | str = False,
) -> None:
    parser.add_argument("--json", action="store_true", default=default, help=what)


def _volume(parser: argparse.ArgumentParser, default: bool | str) -> None:
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", default=default, help="no progress on stderr")
    volume.add_argument("-v", "--verbose", action="store_true", default=default, help="more on stderr")


def _server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base-url", metavar="URL", help="the API (default https://et.water.ca.gov)")
    parser.add_argument(
        "--api", choices=("station-web", "legacy"), help="its dialect (default station-web; legacy: archives, mirrors)"
    )
    parser.add_argument("--ca-file", metavar="FILE", help="trust this certificate authority too")


def _station_year(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", type=_positive, required=True, metavar="N", help="station number")
    parser.add_argument("--year", type=_positive, required=True, metavar="YYYY", help="calendar year")
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones")
    _format(parser)
    _data_dir(parser)
    _server(parser)


def _format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=FORMATS, help=f"what chunks are written in (default {DEFAULT_FORMAT}); all are read"
    )


def _what(parser: argparse.ArgumentParser, years: str) -> None:
    parser.add_argument(years, dest="years", metavar="YEARS", help="2024 or 2015-2024")
    parser.add_argument("--start", metavar="DATE", help="first day, yyyy-mm-dd, inclusive")
    parser.add_argument("--end", metavar="DATE", help="last day, yyyy-mm-dd, inclusive")
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones")
    parser.add_argument("--items", metavar="SLUGS", help="data items, comma separated (default: all of the interval)")
    parser.add_argument("--units", choices=("M", "E"), default="M", help="metric or English (default M)")
    parser.add_argument("--refetch", action="store_true", help="fetch what the store already covers, too")


def _how(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--concurrency", type=_positive, metavar="N", help="requests in flight (default 4)")
    parser.add_argument("--retries", type=_positive, metavar="N", help="attempts a page gets (default 3)")
    parser.add_argument(
        "--gzip", action=argparse.BooleanOptionalAction, default=None, help="ask for compressed bodies (default yes)"
    )
    _format(parser)
    parser.add_argument("--max-requests", type=_positive, metavar="N", help="end, resumable, after N requests for data")
    parser.add_argument("--max-duration", metavar="TIME", help="end, resumable, after 90s, 15m or 2h")
    parser.add_argument("--report", metavar="FILE", help="write the JSON report to this file as well")
    parser.add_argument(
        "--fail-on",
        choices=("any", "all", "missing", "never"),
        default="any",
        help="which failures make the exit code: any (3, default), all, any or a missing record, never",
    )


def _dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched (-v: each page), and stop")


def _looks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--theme", metavar="NAME", help="cimis-dark (default), -light, -safe, -contrast, ansi-dark, -light"
    )
    parser.add_argument(
        "--ascii", action=argparse.BooleanOptionalAction, default=None, help="draw with ASCII only (default: as needed)"
    )
    parser.add_argument("--fps", type=_positive, metavar="N", help="frames a second, 1 to 15 (8; 4 suits a slow link)")


def _faces(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="no dashboard: progress on stderr")
    _looks(parser)
    shape = parser.add_mutually_exclusive_group()
    _json(shape, "the report as one JSON document on stdout")
    shape.add_argument("--jsonl", action="store_true", help="events on stdout, one JSON object a line (headless)")


def _backfill(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--stations", metavar="LIST", help="2,5,10-20, all, active, county:NAME")
    who.add_argument("--sample", type=_positive, metavar="N", help="the first N stations alive throughout the span")
    _what(parser, "--years")
    _how(parser)
    _dry_run(parser)
    _faces(parser)
    _data_dir(parser)


def _backfill_command(parser: argparse.ArgumentParser) -> None:
    _backfill(parser)
    _server(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    _backfill(parser)
    parser.add_argument("--latency", type=_whole, default=250, metavar="MS", help="of the simulator (250)")
    parser.add_argument("--faults", choices=("none", "mild", "storm"), default="mild", help="of the simulator (mild)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="weather and faults repeat with it (1)")
    parser.add_argument("--fresh", action="store_true", help="start from an emptied demo data directory")


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="from_report", metavar="REPORT", help="the failures of this report (default: of the ledger)"
    )
    _how(parser)
    _dry_run(parser)
    _faces(parser)
    _data_dir(parser)
    _server(parser)


def _ledger(parser: argparse.ArgumentParser) -> None:
    _stored(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="jobs, their state and last error", allow_abbrev=False)
    listing.add_argument("--state", choices=("queued", "leased", "done", "failed", "cancelled"), help="only these")
    listing.set_defaults(handler="ledger:list_jobs")
    for name, what in (("redrive", "queue failed jobs for the next `cimis retry`"), ("drop", "forget jobs")):
        action = actions.add_parser(name, help=what, description=what, allow_abbrev=False)
        action.add_argument("jobs", nargs="*", metavar="JOB", help="ids of `cimis ledger list`")
        action.add_argument("--all", action="store_true", help="every failed or cancelled job")
        action.set_defaults(handler=f"ledger:{name}")
    for action in actions.choices.values():
        _volume(action, default=argparse.SUPPRESS)
        _json(action, default=argparse.SUPPRESS)
        _data_dir(action, default=argparse.SUPPRESS)


def _whole(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"not a whole number from zero: '{text}'")
    return value


def _fetch_streaming(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stations", required=True, metavar="LIST", help="2,5,10-20, all, active, county:NAME")
    _what(parser, "--year")
    _how(parser)
    _dry_run(parser)
    parser.add_argument("--perf", action="store_true", help="phases of every result")
    parser.add_argument("--allocs", action="store_true", help="memory a record, retained and at peak (slows the run)")
    _json(parser, "the report as one JSON document on stdout")
    _data_dir(parser)
    _server(parser)


def _init(parser: argparse.ArgumentParser) -> None:
    _data_dir(parser)


def _attach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="run id (default: the newest)")
    _looks(parser)
    _data_dir(parser)


def _speed(text: str) -> float:
    """`8`, `0.5`, or `max`."""
    try:
        speed = math.inf if text == "max" else float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise argparse.ArgumentTypeError(f"not a speed: '{text}'; write 8, 0.5 or max")
    return speed


def _replay(parser: argparse.ArgumentParser) -> None:
    when = "03:12:44 (UTC), 2025-11-22T03:12:44Z, +5m from the start, or 40%%"
    parser.add_argument("run", nargs="?", metavar="RUN", help="run id (default: the newest)")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="times as fast as it was; max (1)")
    parser.add_argument("--from", dest="begin", metavar="T", help=f"begin there: {when}")
    parser.add_argument("--until", metavar="T", help="end there")
    _json(parser, "the run's figures and report as of --until as one JSON document, without the dashboard")
    _looks(parser)
    _data_dir(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="run id; every change is of A from B")
    parser.add_argument("b", metavar="B", help="run id")
    _json(parser)
    _data_dir(parser)


def _serve(parser: argparse.ArgumentParser) -> None:
    _attach(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=_whole, default=8000, metavar="N", help="the port (8000); 0: any that is free")
    parser.add_argument("--token-file", metavar="FILE", help="the token to ask for (default: a new one, printed once)")


def _size(text: str) -> int:
    """Bytes: `500000`, `100MB`, `64MiB`."""
    match = re.fullmatch(r"([0-9]+)\s*(?:([kmg]?)(i?)b)?", text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"not a size: '{text}'; write 100MB or 64MiB")
    power: int = " kmg".index(match[2] or " ")
    step = 1024 if match[3] else 1000
    return int(match[1]) * int(step**power)


def _query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--stations", "--station", required=True, metavar="LIST", help=STORED)
    parser.add_argument("--start", required=True, metavar="DATE", help="first day, yyyy-mm-dd, inclusive")
    parser.add_argument("--end", required=True, metavar="DATE", help="last day, yyyy-mm-dd, inclusive")
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones")
    parser.add_argument(
        "--items",
        metavar="SLUGS",
        help="data items, comma separated, or all (default: all stored; in a table the main ones)",
    )
    parser.add_argument("--units", choices=("M", "E"), help="convert what is stored in the other (default: as stored)")
    parser.add_argument("--drop-severe", action="store_true", help="leave out values flagged I, M or S")
    parser.add_argument("--plausible", action="store_true", help="mark values out of range, or that changed too fast")
    shape = parser.add_mutually_exclusive_group()
    _json(shape)
    shape.add_argument("--csv", action="store_true", help="comma-separated values on stdout")
    shape.add_argument("--parquet", metavar="FILE", help="write a Parquet file (needs pyarrow)")
    parser.add_argument("--cache", type=_size, metavar="SIZE", help="keep decoded blocks, at most so much (64MiB)")
    parser.add_argument(
        "--repeat", type=_positive, default=1, metavar="N", help="query so often: first cold, then warm"
    )
    parser.add_argument("--perf", action="store_true", help="time, bytes and cache, on stderr and in --json")
    _data_dir(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    shape = parser.add_mutually_exclusive_group(required=True)
    shape.add_argument("--parquet", metavar="PATH", help="a Parquet file, or a folder with --hive (needs pyarrow)")
    shape.add_argument("--csv", metavar="PATH", help="CSV in the agency's own columns, a file or a folder with --hive")
    parser.add_argument("--stations", default="all", metavar="LIST", help=f"{STORED} (default)")
    parser.add_argument("--years", metavar="YEARS", help="2024 or 2015-2024 (default: all that are stored)")
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones")
    parser.add_argument("--hive", action="store_true", help="a file a station and year: station=2/year=2024/")
    parser.add_argument("--items", metavar="SLUGS", help="data items, comma separated (default: all stored)")
    parser.add_argument("--units", choices=("M", "E"), help="convert what is stored in the other (default: as stored)")
    _json(parser)
    _data_dir(parser)


def _update(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stations", metavar="LIST", default="all", help=f"{STORED} (default)")
    parser.add_argument("--since", metavar="DAYS", default="45d", help="ask again for the last days (default 45d)")
    _how(parser)
    _dry_run(parser)
    _faces(parser)
    _data_dir(parser)
    _server(parser)


def _revisions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", type=_positive, metavar="N", help="of this station")
    parser.add_argument("--item", metavar="SLUG", help="of this data item")
    parser.add_argument("--since", metavar="WHEN", help="seen in the last days (45d) or since a date (yyyy-mm-dd)")
    parser.add_argument("--run", metavar="RUN", help="seen by this run")
    shape = parser.add_mutually_exclusive_group()
    _json(shape)
    shape.add_argument("--csv", action="store_true", help="comma-separated values on stdout")
    _data_dir(parser)


def _publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the tree to make or bring up to date")
    parser.add_argument("--stations", metavar="LIST", default="all", help=f"{STORED} (default)")
    parser.add_argument("--sign", metavar="KEYFILE", help="sign the manifest with this Ed25519 key (PEM)")
    _json(parser)
    _data_dir(parser)


def _bundle(parser: argparse.ArgumentParser) -> None:
    which = "a published folder, or a manifest file of one"
    parser.add_argument("--from", dest="old", required=True, metavar="OLD", help=f"the state to begin at: {which}")
    parser.add_argument("--to", dest="new", required=True, metavar="NEW", help=f"the state to reach: {which}")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the bundle to write")
    parser.add_argument("--sign", metavar="KEYFILE", help="sign the bundle with this Ed25519 key (PEM): FILE.sig")
    parser.add_argument("--verify-key", metavar="KEYFILE", help="refuse manifests not signed by this public key (PEM)")
    _json(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="FILE", help="a bundle")
    parser.add_argument("--verify-key", metavar="KEYFILE", help="refuse a bundle not signed by this public key (PEM)")
    _json(parser)
    _data_dir(parser)


def _coverage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stations", metavar="LIST", help="2,5,10-20, all, active, county:NAME (those stored)")
    parser.add_argument(
        "--years", metavar="YEARS", help="2024 or 2015-2024 (default: from the first to the last stored)"
    )
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones")
    parser.add_argument("--missing", action="store_true", help="list what is missing or was never asked for, as dates")
    _json(parser)
    _data_dir(parser)


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-data", action="store_true", help="decode everything too, and compare content digests")
    parser.add_argument("--repair", action="store_true", help="keep what is sound, fetch again what is lost")
    parser.add_argument("--stations", metavar="LIST", default="all", help=f"{STORED} (default)")
    _stored(parser)
    _server(parser)


def _migrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", choices=FORMATS, required=True, help="the format")
    _rollback(parser)


def _rollback(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stations", metavar="LIST", default="all", help=f"{STORED} (default)")
    _stored(parser)


def _gc(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=_whole, metavar="N", help="of revised contents, keep the newest N of a chunk (default: all)"
    )
    parser.add_argument("--older-than", metavar="DAYS", help="only what was put aside before that, 90d")
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, and stop")
    _stored(parser)


def _stored(parser: argparse.ArgumentParser) -> None:
    _json(parser)
    _data_dir(parser)


def _keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--main", action="store_true", help="only those that the dashboard's footer names")
    shape = parser.add_mutually_exclusive_group()
    _json(shape)
    shape.add_argument("--markdown", action="store_true", help="a table for a document")


def _items(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hourly", action="store_true", help="only the hourly ones")
    _json(parser)


def _stations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--active", action="store_true", help="only those that still report")
    parser.add_argument("--county", metavar="NAME", help="only those of this county")
    parser.add_argument("--near", metavar="LAT,LON", help="nearest first, with the distance in km: 38.54,-121.78")
    parser.add_argument("--limit", type=_positive, metavar="N", help="no more than N")
    parser.add_argument("--refresh", action="store_true", help="fetch the list, however new the one at hand is")
    _json(parser)
    _data_dir(parser)
    _server(parser)


def _peek(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--zip", metavar="CODES", help="zip codes, comma separated: 95616,95618")
    where.add_argument(
        "--coordinates", metavar="PLACES", help="LAT,LON, several with semicolons: 38.54,-121.78;36,-119"
    )
    where.add_argument("--address", action="append", metavar="TEXT", help="a postal address; may be given again")
    parser.add_argument(
        "--prefer", choices=("SCS", "WSN"), help="of a zip code: spatial records first, or stations first, then spatial"
    )
    parser.add_argument("--start", required=True, metavar="DATE", help="first day, yyyy-mm-dd, inclusive")
    parser.add_argument("--end", required=True, metavar="DATE", help="last day, yyyy-mm-dd, inclusive")
    parser.add_argument("--hourly", action="store_true", help="hourly records instead of daily ones (--zip)")
    parser.add_argument("--items", metavar="SLUGS", help="data items, comma separated (default: the main ones)")
    parser.add_argument("--units", choices=("M", "E"), default="M", help="metric or English (default M)")
    shape = parser.add_mutually_exclusive_group()
    _json(shape)
    shape.add_argument("--csv", action="store_true", help="comma-separated values on stdout")
    _server(parser)


def _simulate(parser: argparse.ArgumentParser) -> None:
    from cimis_engine.simulator.__main__ import add_arguments

    add_arguments(parser)


COMMANDS = (
    Command("demo", "backfill from a simulator on this machine: no key, no network", "demo:demo", _demo),
    Command("backfill", "fetch stations and years into the store", "backfill:backfill", _backfill_command),
    Command("update", "fetch again what may have changed, and the days since", "update:update", _update),
    Command("retry", "fetch the jobs that failed once more", "retry:retry", _retry),
    Command("ledger", "look at jobs that gave up: list, redrive, drop", "ledger:list_jobs", _ledger),
    Command("attach", "open the dashboard of a run that is going on, or ended", "dashboard:attach", _attach),
    Command("serve", "the dashboard of a run in a browser on this machine", "serve:serve", _serve),
    Command("runs", "list the runs of a data directory", "past:runs", _stored),
    Command("replay", "play a recorded run on the dashboard", "replay:replay", _replay),
    Command("compare", "two runs side by side: speed, errors, data", "replay:compare_runs", _compare),
    Command("init", "make an empty data directory", "store:init", _init),
    Command("ingest", "fetch one station and year", "single:ingest", _station_year),
    Command("fetch-streaming", "fetch several stations", "streaming:fetch_streaming", _fetch_streaming),
    Command("fetch", "deprecated: fetch-streaming is faster", "single:fetch", _station_year),
    Command("query", "print stored records of a range of dates", "query:query", _query),
    Command("export", "write stored records to Parquet or CSV files", "export:export", _export),
    Command("stations", "list the station directory", "stations:stations", _stations),
    Command("peek", "print records of zip codes, coordinates or addresses, storing nothing", "peek:peek", _peek),
    Command("revisions", "list what the agency changed of stored data", "revisions:revisions", _revisions),
    Command("coverage", "what is stored, missing and never asked for, by year", "coverage:coverage", _coverage),
    Command("verify", "compare what is stored with its checksums; repair it", "verify:verify", _verify),
    Command("rebuild", "make the catalog again from the chunks alone", "verify:rebuild", _stored),
    Command("migrate", "write what is stored in another format", "migrate:migrate", _migrate),
    Command("rollback", "put back the files that a migration replaced", "migrate:rollback", _rollback),
    Command("gc", "remove earlier files that nothing needs", "migrate:gc", _gc),
    Command(
        "publish", "a static tree of the store for any web server: chunks and manifest", "publish:publish", _publish
    ),
    Command("bundle", "what changed between two published states, as one small file", "bundle:bundle", _bundle),
    Command("apply", "bring the store to the state a bundle leads to", "apply:apply", _apply),
    Command("stats", "what is stored, in numbers", "store:stats", _stored),
    Command("items", "list the data items", "about:items", _items),
    Command("keys", "what every key of the dashboard does", "keys:keys", _keys),
    Command("simulate", "serve the CIMIS API on this machine", "simulate:simulate", _simulate),
    Command("version", "versions of this program and its formats", "about:version", _json),
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of one command line; `handler` and `command` name what to run.

    Long options may have one dash or two. Raises `UsageError`, and `SystemExit(0)` after `--help` and `--version`.
    """
    parser = Parser(
        prog="cimis",
        description="Keep California's CIMIS weather record on your own disk, verified, and watch it arrive.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cimis {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((a for a in argv if not a.startswith("-")), "")
    for command in COMMANDS:
        child = commands.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        child.set_defaults(handler=command.handler)
        if command.name == asked:
            _volume(child, default=False)
            command.declare(child)
    return parser.parse_args(normalise(argv, parser))


def normalise(argv: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    """`-station 2` as `--station 2`, for long options of the parser and those below it; everything else unchanged."""
    known = _long_options(parser)
    result = []
    for token in argv:
        match = _SINGLE_DASH.fullmatch(token)
        result.append(f"-{token}" if match and match[1] in known else token)
    return result


def _long_options(parser: argparse.ArgumentParser) -> set[str]:
    known = {option[2:] for action in parser._actions for option in action.option_strings if option[:2] == "--"}
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return known.union(*(_long_options(child) for a in below for child in a.choices.values()))
