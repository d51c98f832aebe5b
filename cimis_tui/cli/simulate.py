"""`simulate`: the simulator alone, until it is interrupted."""

from __future__ import annotations

from argparse import Namespace

from cimis_engine.simulator.__main__ import run
from cimis_tui.cli.output import Output


def simulate(args: Namespace, output: Output) -> int:
    """Serve the CIMIS API on this machine; says where on stdout."""
    return run(args)
