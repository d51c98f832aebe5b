"""Writing the table as it stands into the run's folder: CSV for a spreadsheet, JSON for a program."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from cimis_tui.view.present import Row, export_row


def export_table(rows: Sequence[Row], folder: Path, name: str) -> tuple[Path, Path]:
    """Write `<name>.csv` and `<name>.json` (UTF-8, a row a station, times in ms). Raises `OSError`."""
    records = [export_row(row) for row in rows]
    table, document = folder / f"{name}.csv", folder / f"{name}.json"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(records[0]) if records else ["id"])
        writer.writeheader()
        writer.writerows(records)
    document.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    return table, document
