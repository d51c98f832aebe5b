"""`apply`: bring the store to the state a bundle leads to."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from cimis_engine.publish import sign
from cimis_engine.publish.apply import Applied, apply_bundle
from cimis_engine.publish.bundle import Bundle, load_bundle, read_bundle
from cimis_engine.publish.tree import require_signature
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted
from cimis_tui.cli.settings import data_dir_of


def apply(args: Namespace, output: Output) -> int:
    """Every chunk of the bundle at its target, or none. A store that is there already is left as it is."""
    fs, path = FileSystem(), Path(args.bundle)
    public = sign.verifying_key(Path(args.verify_key)) if args.verify_key else None
    data = load_bundle(fs, path)
    if public is not None:
        require_signature(fs, public, path, data)
    bundle = read_bundle(data, path)
    with contextlib.closing(Store.open(data_dir_of(args, os.environ, Path()))) as store:
        done = apply_bundle(store, bundle)
    if args.json:
        output.document(document(bundle, done))
        return 0
    if not done.changed:
        output.data(f"nothing to do: the store is at the bundle's target already ({counted(done.chunks, 'chunk')})")
        return 0
    rest = f", {done.chunks - done.changed} were there already" if done.chunks > done.changed else ""
    output.data(f"{counted(done.changed, 'chunk')} brought to their target digests{rest}")
    if done.revised:
        output.note(f"{counted(done.revised, 'value')} revised: `cimis revisions --run {done.run_id}` lists them")
    return 0


def document(bundle: Bundle, done: Applied) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle": str(bundle.path),
        "from_digest": bundle.from_manifest,
        "to_digest": bundle.to_manifest,
        "chunks": done.chunks,
        "changed": done.changed,
        "records": done.records,
        "revised": done.revised,
        "run": done.run_id,
        "exit_code": 0,
    }
