"""One page's whole journey, from the resolver to the catalog, with a door in front of every phase."""

from __future__ import annotations

import asyncio
import gzip
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fetch_documents import STATION, document, make, record
from fetch_network import HOST, Doors, FakeClock, FakeNetwork, head_of

from cimis_engine.fetch.decode import DecodedPage, PageDecoder
from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span
from cimis_engine.model.plan import Plan, build_plan
from cimis_engine.model.station import Station
from cimis_engine.run import events as ev
from cimis_engine.run.attempt import AttemptOutcome, run_attempt
from cimis_engine.run.filing import Filing
from cimis_engine.store import gate
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.paths import is_temp
from cimis_engine.store.store import Store

SPAN = Span(date(2014, 10, 1), date(2014, 10, 2))
BODY = document(record(), record("2014-10-02"))
WIRE = gzip.compress(BODY)


class SlowFileSystem(FileSystem):
    """Every operation passes a door: what is stored is read on the way to encoding, the temp on that to verifying."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def read(self, path: Path) -> bytes:
        self._doors.through("verify" if is_temp(path) else "stored")
        return super().read(path)

    def write(self, fd: int, data: memoryview) -> int:
        self._doors.through("write")
        return super().write(fd, data)

    def replace(self, source: Path, target: Path) -> None:
        self._doors.through("commit")
        super().replace(source, target)


class SlowDecoder(PageDecoder):
    """Passes a door with every piece, and another at the end."""

    doors: Doors

    def feed(self, data: bytes) -> None:
        self.doors.through("decode piece")
        super().feed(data)

    def finish(self) -> DecodedPage:
        self.doors.through("decode")
        return super().finish()


class Journey:
    """A slot, a pipeline and a store on one fake clock. `go` sends a page through them."""

    def __init__(self, root: Path, **seconds: float) -> None:
        self.clock = FakeClock()
        self.doors = Doors(self.clock, **seconds)
        half = len(WIRE) // 2
        head = head_of(WIRE, **{"Content-Encoding": "gzip"})
        self.network = FakeNetwork(self.doors, head, [WIRE[:half], WIRE[half:]])
        self.slot = Slot(
            context=ssl_context(None), key="k", clock=self.clock, resolver=self.doors.resolve, network=self.network
        )
        self.store = Store.create(root, clock=self.clock, fs=SlowFileSystem(self.doors))
        self.events: list[ev.Event] = []
        self.plan = plan_of(SPAN)
        self.filing = Filing(self.plan, self.store, self.events.append, "run")

    async def attempt(self) -> AttemptOutcome:
        """One attempt of the page."""
        pipeline = DecodePipeline(clock=self.clock)
        worker = asyncio.create_task(pipeline.run())
        decoder = make(SlowDecoder, span=SPAN)  # type: ignore[arg-type]
        decoder.doors = self.doors
        try:
            return await run_attempt(
                self.slot,
                ApiRequest(f"https://{HOST}", "/data"),
                pipeline.open(decoder),
                clock=self.clock,
                whole_body=False,
                release=lambda: None,
            )
        finally:
            worker.cancel()

    async def file(self, outcome: AttemptOutcome) -> ev.ChunkFinished:
        """What an attempt brought becomes a chunk."""
        assert outcome.page is not None
        (job,) = self.plan.jobs
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gate, "encode_canonical", self._encode)
            await self.filing.file(job, {2014: list(outcome.page.batches)})
        (written,) = (e for e in self.events if isinstance(e, ev.ChunkFinished))
        return written

    def _encode(self, *arguments: Any) -> Any:
        self.doors.through("encode")
        return self._really_encode(*arguments)

    _really_encode = staticmethod(gate.encode_canonical)

    async def go(self) -> dict[str, float | None]:
        """All phases of one attempt and its chunk, milliseconds, and the attempt's total."""
        outcome = await self.attempt()
        chunk = await self.file(outcome)
        taken = outcome.timings
        phases = {name: getattr(taken, name) for name in taken.__struct_fields__}
        filed = {name: getattr(chunk, f"{name}_ms") for name in ("encode", "write", "verify", "commit")}
        return phases | filed

    async def aclose(self) -> None:
        await self.slot.aclose()
        self.filing.close()
        self.store.close()


def plan_of(span: Span) -> Plan:
    """One station, daily, all items."""
    start = date(1990, 1, 1)
    station = Station(STATION, "Here", "", "Yolo", "", start, None, True, 60, "Grass", 38.5, -121.8)
    return build_plan(
        [station],
        interval=Interval.DAILY,
        span=span,
        units=UnitSystem.METRIC,
        items=items_of(Interval.DAILY),
        today=date(2026, 1, 1),
        open_slots=lambda _station, _year, wanted: wanted,
    )
