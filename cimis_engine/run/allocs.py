"""What decoding a page costs in memory: bytes kept and bytes at the peak, on the real path from socket to columns.

Measured with `tracemalloc` (what Python and numpy allocate is traced; what OpenSSL, zlib and the C library hold is
not), one page at a time and nothing else going on, after the page has been fetched once unmeasured, so that what is
made only once (compiled patterns, the constants of a record's shape) counts for no page. The response counts too:
while it streams, at most a few pieces of it are held.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psutil

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.fetch.columns import DecodedPage
from cimis_engine.fetch.decode import Decoder, PageDecoder
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.transport import Slot
from cimis_engine.model.paging import split_pages
from cimis_engine.model.period import Span
from cimis_engine.model.plan import Plan
from cimis_engine.run.attempt import run_attempt
from cimis_engine.run.connect import new_slot
from cimis_engine.run.spec import Settings


class MeasurementError(CimisError):
    """A page to be measured could not be fetched or decoded. `reason` is the verdict's."""

    exit_code = 4

    def __init__(self, reason: str) -> None:
        super().__init__(f"memory could not be measured: {reason}", hint="run it again, or without --allocs")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AllocSample:
    """One page decoded alone. `retained` bytes stay: its columns. `peak` bytes were held at once. `objects` is how many
    of Python's memory blocks stay, `heap` by how many bytes the process's resident memory grew meanwhile."""

    records: int
    retained: int
    peak: int
    objects: int
    heap: int

    @property
    def transient(self) -> int:
        """Bytes held at the peak beyond those that stay."""
        return self.peak - self.retained


async def measure(
    slot: Slot,
    pages: Sequence[tuple[ApiRequest, Callable[[], Decoder]]],
    *,
    clock: Clock,
    whole_body: bool = False,
) -> list[AllocSample]:
    """A sample of each page, in order: its request and what makes its decoder. Fetches each page twice.

    Raises `MeasurementError`. Starts and stops tracing, unless it was on already.
    """
    pipeline = DecodePipeline(clock=clock)
    work = asyncio.create_task(pipeline.run())
    was_tracing = tracemalloc.is_tracing()
    try:
        if not was_tracing:
            tracemalloc.start()
        samples = []
        for request, make_decoder in pages:
            await _page(slot, request, make_decoder(), pipeline, clock, whole_body)
            gc.collect()
            before, objects, resident = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks(), _resident()
            tracemalloc.reset_peak()
            page = await _page(slot, request, make_decoder(), pipeline, clock, whole_body)
            peak = tracemalloc.get_traced_memory()[1]
            gc.collect()
            kept, blocks = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
            heap = _resident() - resident
            samples.append(AllocSample(page.records, kept - before, peak - before, blocks - objects, heap))
            del page
        return samples
    finally:
        work.cancel()
        if not was_tracing:
            tracemalloc.stop()


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


async def measure_year(
    settings: Settings, key: str, clock: Clock, plan: Plan, station: int, year: int
) -> list[AllocSample]:
    """Samples at two sizes: the first page of a station's year, and the first fifth of that page. Nothing is stored.

    Raises `MeasurementError`, `UsageError`.
    """
    whole_year = plan.span.within_year(year)
    assert whole_year is not None
    whole = split_pages(whole_year, plan.interval, plan.cap)[0].span
    fifth = Span(whole.start, whole.start + timedelta(days=(whole.days - 1) // 5))
    dialect, slot = dialect_of(settings.api, settings.base_url), new_slot(settings, key, clock)

    def page(span: Span) -> tuple[ApiRequest, Callable[[], Decoder]]:
        request = dialect.data_request(station, span, plan.interval, plan.units, plan.items)
        return request, lambda: PageDecoder(
            interval=plan.interval, units=plan.units, items=plan.items, span=span, station=station
        )

    try:
        return await measure(slot, [page(fifth), page(whole)], clock=clock)
    finally:
        await slot.aclose()


async def _page(
    slot: Slot, request: ApiRequest, decoder: Decoder, pipeline: DecodePipeline, clock: Clock, whole_body: bool
) -> DecodedPage:
    session = pipeline.open(decoder)
    outcome = await run_attempt(slot, request, session, clock=clock, whole_body=whole_body, release=lambda: None)
    if outcome.page is None:
        raise MeasurementError(outcome.verdict.reason)
    return outcome.page
