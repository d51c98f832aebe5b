"""`keys`: what every key of the dashboard does, with the keys that `cimis.toml` gave."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from cimis_tui.cli.looks import actions_of
from cimis_tui.cli.output import SCHEMA_VERSION, Output, table
from cimis_tui.keymap import document, grouped, main, markdown, places, short


def keys(args: Namespace, output: Output) -> int:
    """Text, a table for a document, or JSON. Raises `UsageError` for a `[keys]` that cannot be."""
    actions = actions_of(Path())
    if args.json:
        listed = main(actions) if args.main else actions
        output.document({"schema_version": SCHEMA_VERSION, "actions": document(listed)})
        return 0
    if args.markdown:
        output.data(short(actions) if args.main else markdown(actions))
        return 0
    lines = [
        [a.shown, a.help, places(a), a.id]
        for _, group in grouped(main(actions) if args.main else actions)
        for a in group
    ]
    for line in table(["key", "does", "on", "name"], lines, left=4):
        output.data(line)
    return 0
