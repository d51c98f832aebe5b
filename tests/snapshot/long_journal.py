"""A seeded journal of a long run, written straight to a file: hours of pages over hundreds of stations."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import BinaryIO

from tui_journal import NAMES, PID, Teller, resources, timings

from cimis_engine.run import events as ev

START = 1_763_780_653.0
FIRST_YEAR, YEARS = 1985, 40
ITEMS = 14


class _Writer(Teller):
    """Says each event to a file at once, so that a million of them cost no memory."""

    def __init__(self, seed: int, file: BinaryIO) -> None:
        super().__init__(seed)
        self.t, self.seq, self._file = START, 0, file

    def say(self, event: ev.Event, after: float = 0.0) -> None:
        self.t += after
        self.seq += 1
        self._file.write(ev.encode(ev.Stamped(self.seq, round(self.t, 3), event)))


def write_long(
    run_dir: Path, *, seed: int = 5, hours: float = 6.0, stations: int = 300, pages_a_year: int = 2, whole: bool = True
) -> int:
    """Write `events.jsonl` of a run of so many hours; how many events it has.

    Each station's forty years are one job of `pages_a_year` pages a year; eight are under way at a time, one page in
    fifty is tried twice. Six hours of 300 stations are 150 thousand events with 2 pages a year, 650 thousand with 12.
    `whole` false: the engine died in the middle.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / "events.jsonl").open("wb") as file:
        writer = _Writer(seed, file)
        writer.say(_started(stations, pages_a_year))
        pace = hours * 3600 / (stations * YEARS * pages_a_year)
        waiting = list(range(1, stations + 1))
        active = [(0, number) for number in waiting[:8]]
        del waiting[:8]
        told, ended = int(START), 0
        for _, number in active:
            writer.say(ev.JobStarted(job=f"h{number:03d}", station=number))
        while active:
            page, number = heapq.heappop(active)
            writer.t += pace
            _page(writer, number, page + 1, pages_a_year)
            if int(writer.t) > told:
                told = int(writer.t)
                resources(writer, {str(n): 200_000 + 7_919 * p % 90_000 for p, n in active})
            if page + 1 < YEARS * pages_a_year:
                heapq.heappush(active, (page + 1, number))
                continue
            writer.say(
                ev.JobFinished(
                    job=f"h{number:03d}", station=number, records=8760 * YEARS, expected=8760 * YEARS, missing=0
                )
            )
            ended += 1
            if not whole and ended * 2 >= stations:
                return writer.seq
            if waiting:
                follower = waiting.pop(0)
                writer.say(ev.JobStarted(job=f"h{follower:03d}", station=follower))
                heapq.heappush(active, (0, follower))
        writer.say(ev.RunFinished(outcome="done", exit_code=0, elapsed_ms=(writer.t - START) * 1000, resumable=False))
        return writer.seq


def _started(stations: int, pages_a_year: int) -> ev.RunStarted:
    last = FIRST_YEAR + YEARS - 1
    return ev.RunStarted(
        run_id="1122-0304-10f6",
        pid=PID,
        version="0.1.0",
        command="backfill",
        base_url="http://127.0.0.1:1",
        data_dir="/srv/cimis/data",
        interval="hourly",
        units="M",
        items=ITEMS,
        start=f"{FIRST_YEAR}-01-01",
        end=f"{last}-12-31",
        concurrency=8,
        max_attempts=3,
        stations=[
            ev.StationRef(
                number=n,
                name=NAMES[n % len(NAMES)],
                county="Fresno",
                latitude=33 + n % 80 / 10,
                longitude=-122 + n % 60 / 10,
            )
            for n in range(1, stations + 1)
        ],
        jobs=[
            ev.JobRef(
                job=f"h{n:03d}",
                station=n,
                start=f"{FIRST_YEAR}-01-01",
                end=f"{last}-12-31",
                pages=YEARS * pages_a_year,
                chunks=YEARS,
                expected=8766 * YEARS,
            )
            for n in range(1, stations + 1)
        ],
        stored=0,
        notes=[],
    )


def _page(writer: _Writer, number: int, index: int, pages_a_year: int) -> None:
    job, rng = f"h{number:03d}", writer.rng
    year, part = FIRST_YEAR + (index - 1) // pages_a_year, (index - 1) % pages_a_year
    records = 8760 // pages_a_year
    writer.say(ev.PageStarted(job=job, station=number, page=index, start=f"{year}-01-01", end=f"{year}-12-31"))
    attempt, attempts = 1, 2 if rng.random() < 0.02 else 1
    writer.say(ev.AttemptStarted(job=job, station=number, page=index, attempt=1))
    if attempts == 2:
        failed = ev.AttemptFailed(
            job=job, station=number, page=index, attempt=1, verdict="retry", error_class="http_503",
            reason="the server answered 503", status=503, reused=True,
            timings=timings(rng), wire_bytes=300, decoded_bytes=300,
        )  # fmt: skip
        writer.say(failed)
        retry = ev.RetryScheduled(
            job=job, station=number, page=index, attempt=2, max_attempts=3, delay_ms=20.0, at=writer.t + 0.02,
            cause="503 Service Unavailable",
        )  # fmt: skip
        writer.say(retry)
        attempt = 2
        writer.say(ev.AttemptStarted(job=job, station=number, page=index, attempt=2), 0.02)
    wire = rng.randrange(20_000, 60_000)
    finished = ev.AttemptFinished(
        job=job, station=number, page=index, attempt=attempt, status=200, reused=index > 1,
        timings=timings(rng, reused=index > 1), wire_bytes=wire, decoded_bytes=wire * 9, content_encoding="gzip",
        records=records,
    )  # fmt: skip
    writer.say(finished)
    done = ev.PageFinished(
        job=job, station=number, page=index, attempts=attempt, records=records,
        records_by_year={str(year): records}, unexpected=0,
    )  # fmt: skip
    writer.say(done)
    if part == pages_a_year - 1:
        raw = 8760 * (6 + 3 * ITEMS)
        chunk = ev.ChunkFinished(
            job=job, station=number, year=year, path=f"stations/{number:03d}/{year}_hourly.zst",
            digest=f"{rng.getrandbits(256):064x}", records=8760, expected=8760, missing=0, nulls=40, chunk_records=8760,
            raw_bytes=raw, stored_bytes=int(raw / rng.uniform(7.6, 9.1)), changed=True, encode_ms=rng.uniform(4, 9),
            write_ms=rng.uniform(5, 12), verify_ms=rng.uniform(1, 3), commit_ms=rng.uniform(2, 5),
            batch_bytes=8760 * ITEMS * 5,
        )  # fmt: skip
        writer.say(chunk)
