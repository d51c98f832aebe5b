"""`init`, `stats`, `verify`: the data directory itself."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from cimis_engine.errors import IntegrityError
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration, ratio, size, table
from cimis_tui.cli.run import shown
from cimis_tui.cli.settings import data_dir_of


def init(args: Namespace, output: Output) -> int:
    """Make a data directory. One that exists already is left as it is."""
    data_dir = data_dir_of(args, os.environ, Path())
    if Store.exists(data_dir):
        output.data(f"Data directory {shown(data_dir)} exists already")
        return 0
    Store.create(data_dir)
    output.data(f"Initialized data directory {shown(data_dir)}")
    return 0
