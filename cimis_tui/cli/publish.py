"""`publish`: the store as a static tree."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from cimis_engine.publish.publish import Publication
from cimis_engine.publish.publish import publish as publish_store
from cimis_engine.publish.sign import signing_key
from cimis_engine.store.store import Store
from cimis_tui.cli.bar import Bar
from cimis_tui.cli.choice import held_stations
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, shown, size
from cimis_tui.cli.settings import data_dir_of


def publish(args: Namespace, output: Output) -> int:
    """Make the tree, or bring it up to date. Where nothing changed, nothing is written."""
    key = signing_key(Path(args.sign)) if args.sign else None
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store:
        stations = held_stations(args.stations, data_dir, store)
        made = publish_store(store, Path(args.folder), stations=stations or (), key=key, step=Bar(output, "chunks"))
    if args.json:
        output.document(document(made))
        return 0
    what = f"generation {made.generation}, {counted(made.chunks, 'chunk')}, {size(made.bytes)}"
    how = f"{made.copied} copied ({size(made.copied_bytes)})" if made.changed or made.copied else "nothing changed"
    output.data(f"{shown(made.manifest)}: {what}, {how}{', signed' if made.signed else ''}")
    output.detail(f"manifest digest {made.digest}")
    return 0


def document(made: Publication) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "manifest": str(made.manifest),
        "digest": made.digest,
        "generation": made.generation,
        "changed": made.changed,
        "chunks": made.chunks,
        "bytes": made.bytes,
        "copied": made.copied,
        "copied_bytes": made.copied_bytes,
        "signed": made.signed,
        "exit_code": 0,
    }
