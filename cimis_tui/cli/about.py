"""`version` and `items`: what this program is, and which data items there are."""

from __future__ import annotations

import platform
from argparse import Namespace

from cimis_engine import __version__
from cimis_tui.cli.output import SCHEMA_VERSION, Output, table


def version(args: Namespace, output: Output) -> int:
    """Versions of the package, its formats and Python."""
    if not args.json:
        output.data(f"cimis {__version__}")
        return 0
    from cimis_engine.run.events import VERSION as EVENT_VERSION
    from cimis_engine.store.formats import Format

    output.document(
        {
            "schema_version": SCHEMA_VERSION,
            "package": __version__,
            "event_version": EVENT_VERSION,
            "chunk_formats": [f.value for f in Format],
            "python": platform.python_version(),
        }
    )
    return 0


def items(args: Namespace, output: Output) -> int:
    """The data items of both intervals: name in requests, name in responses, units, meaning."""
    from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS

    chosen = HOURLY_ITEMS if args.hourly else (*DAILY_ITEMS, *HOURLY_ITEMS)
    if args.json:
        keys = ("slug", "field", "interval", "code", "label", "unit_metric", "unit_english")
        output.document({"schema_version": SCHEMA_VERSION, "items": [{k: getattr(i, k) for k in keys} for i in chosen]})
        return 0
    lines = [[i.slug, i.field, i.interval.value, i.unit_metric, i.unit_english, i.label] for i in chosen]
    for line in table(["item", "field", "interval", "metric", "English", "meaning"], lines, left=6):
        output.data(line)
    return 0
