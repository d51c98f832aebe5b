"""Range and largest step of recorded values with a blank flag: what the limits in `model/plausible.py` rest on.

    python benchmarks/measure_steps.py

A step is the difference between two neighbouring slots whose values both have a blank flag. Metric data only.
`CIMIS_REAL_DATA` names the folder of recorded data.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

from store_real import as_batch, real_data, real_records

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, UnitSystem
from cimis_engine.model.qc import GOOD


def main() -> int:
    folder = real_data()
    if folder is None:
        print("no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
        return 0
    batches = [as_batch(key, records) for key, records in real_records(folder).items()]
    print(f"{'item':18}  stations  values      min    99.9 %      max  largest step")
    for item in (*DAILY_ITEMS, *HOURLY_ITEMS):
        values, steps, stations = [np.empty(0)], [np.zeros(1)], set()
        for batch in batches:
            column = batch.column_of(item) if batch.interval is item.interval else None
            if column is None or batch.units is not UnitSystem.METRIC:
                continue
            good = column.present & (column.qc == GOOD)
            held, slots = column.scaled[good] / 10.0**column.exponent, batch.slots[good].astype(int)
            values.append(held)
            steps.append(np.abs(np.diff(held))[np.diff(slots) == 1])
            stations.add(batch.station)
        whole = np.concatenate(values)
        if len(whole):
            top, step = np.percentile(whole, 99.9), np.concatenate(steps).max()
            print(
                f"{item.slug:18}  {len(stations):8}  {len(whole):6}  {whole.min():7.2f}  {top:8.2f}  {whole.max():7.2f}"
                f"  {step:12.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
