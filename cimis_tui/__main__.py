"""`cimis`, and `python -m cimis_tui`: the door to every command."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; never raises for what a user can cause."""
    from cimis_tui.cli.dispatch import dispatch

    return dispatch(list(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
