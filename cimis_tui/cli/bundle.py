"""`bundle`: what changed between two published states."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from cimis_engine.publish import sign
from cimis_engine.publish.bundle import Bundled, make_bundle, write_bundle
from cimis_engine.publish.tree import Published, open_published, require_signature
from cimis_engine.store.atomic import FileSystem
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, shown, size


def bundle(args: Namespace, output: Output) -> int:
    """Write the bundle, whole or not at all. Two equal states give an empty one."""
    fs, path = FileSystem(), Path(args.output)
    key = sign.signing_key(Path(args.sign)) if args.sign else None
    public = sign.verifying_key(Path(args.verify_key)) if args.verify_key else None
    old, new = (open_published(Path(named), fs) for named in (args.old, args.new))
    if public is not None:
        for one in (old, new):
            require_signature(fs, public, one.path, one.data)
    made = make_bundle(old, new)
    write_bundle(fs, path, made.data, key)
    if args.json:
        output.document(document(path, old, new, made, key is not None))
        return 0
    leads = f"generation {old.manifest.generation} to {new.manifest.generation}"
    output.data(f"{shown(path)}: {leads}, {told(made)}, {size(len(made.data))}{', signed' if key else ''}")
    return 0


def told(made: Bundled) -> str:
    """`150 chunks (150 records added)`."""
    kinds = (("added", made.added), ("changed", made.changed), ("removed", made.removed))
    parts = [f"{counted(count, 'record')} {kind}" for kind, count in kinds if count]
    return f"{counted(made.chunks, 'chunk')} ({', '.join(parts) or 'no record changed'})"


def document(path: Path, old: Published, new: Published, made: Bundled, signed: bool) -> dict[str, Any]:
    ends = {
        name: {"manifest": str(one.path), "generation": one.manifest.generation, "digest": one.digest}
        for name, one in (("from", old), ("to", new))
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle": str(path),
        **ends,
        "chunks": made.chunks,
        "records_added": made.added,
        "records_changed": made.changed,
        "records_removed": made.removed,
        "bytes": len(made.data),
        "digest_bytes": made.digests,
        "signed": signed,
        "exit_code": 0,
    }
