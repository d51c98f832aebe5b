"""Writing the table as it stands into the run's folder: CSV for a spreadsheet, JSON for a program."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def export_table(records: Sequence[Mapping[str, Any]], folder: Path, name: str) -> tuple[Path, Path]:
    """Write `<name>.csv` and `<name>.json` (UTF-8), a record a row with the same keys each. Raises `OSError`."""
    table, document = folder / f"{name}.csv", folder / f"{name}.json"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    document.write_text(json.dumps(list(records), indent=1) + "\n", encoding="utf-8")
    return table, document
