"""Memory of the fetch path, from the socket to columns: bytes kept and at the peak, at two sizes, and beside `fetch`.

    .venv/bin/python benchmarks/bench_memory.py

Each page is fetched from the simulator over TLS and decoded alone, as `cimis fetch-streaming --allocs` does it (see
`cimis_engine/run/allocs.py`). `fetch`, the predecessor's way, reads the whole body before it decodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date

from cimis_engine.clock import SystemClock
from cimis_engine.fetch.decode import Decoder, PageDecoder
from cimis_engine.fetch.decode_ijson import IjsonPageDecoder
from cimis_engine.fetch.station_web import StationWebDialect
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span
from cimis_engine.run.allocs import AllocSample, measure
from cimis_engine.simulator.process import SimulatorProcess, start_simulator

STATION = 2
SPANS = {
    Interval.HOURLY: (Span(date(2024, 1, 1), date(2024, 3, 13)), Span(date(2024, 1, 1), date(2024, 12, 31))),
    Interval.DAILY: (Span(date(2024, 1, 1), date(2024, 12, 31)), Span(date(2021, 1, 1), date(2024, 12, 31))),
}
WAYS = (
    ("streaming", PageDecoder, False),
    ("fetch (whole body)", PageDecoder, True),
    ("ijson", IjsonPageDecoder, False),
)


def decoder(kind: type[PageDecoder] | type[IjsonPageDecoder], interval: Interval, span: Span) -> Callable[[], Decoder]:
    return lambda: kind(
        interval=interval, units=UnitSystem.METRIC, items=items_of(interval), span=span, station=STATION
    )


async def samples(
    api: SimulatorProcess, interval: Interval, kind: type, whole: bool
) -> tuple[list[AllocSample], float]:  # type: ignore[type-arg]
    clock = SystemClock()
    slot = Slot(context=ssl_context(api.ca_file), key="benchmark", clock=clock)
    dialect = StationWebDialect(api.url)
    pages = [
        (
            dialect.data_request(STATION, span, interval, UnitSystem.METRIC, items_of(interval)),
            decoder(kind, interval, span),
        )
        for span in SPANS[interval]
    ]
    try:
        return await measure(slot, pages, clock=clock, whole_body=whole)
    finally:
        await slot.aclose()


def main() -> None:
    print("way                 interval  records  retained B/record     peak kB  transient kB  blocks kept")
    with start_simulator(["--tls", "--cap-hourly", "10000"]) as api:
        for interval in Interval:
            for name, kind, whole in WAYS:
                found = asyncio.run(samples(api, interval, kind, whole))
                for s in found:
                    print(
                        f"{name:18}  {interval.value:8}  {s.records:7d}  {s.retained / s.records:17.1f}  "
                        f"{s.peak / 1e3:10.0f}  {s.transient / 1e3:12.0f}  {s.objects:11d}"
                    )
                small, large = found
                print(
                    f"{'':18}  {large.records / small.records:.1f} x the records: "
                    f"peak x {large.peak / small.peak:.2f}, transient x {large.transient / small.transient:.2f}"
                )


if __name__ == "__main__":
    main()
