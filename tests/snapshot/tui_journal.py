"""A small seeded journal of a run in its midst: every state a station can be in, told in real events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import RULES
from cimis_engine.simulator.stations import stations

START = 1_763_780_653.0
PID = 4711
NAMES = (
    "Five Points,Shafter,Firebaugh,Gerber,Durham,Davis,Stratford,Parlier,Blackwells,Manteca,Modesto,"
    "Oakville,Fresno State,Tulelake FS,Santa Monica,Westlands,Belridge,Calipatria,Seeley,Meloland,"
    "Camino,Buntingville,Bishop,Lodi West,Los Banos,Panoche,Orange Cove,Kesterson,Famoso,"
    "Arvin-Edison,Porterville,Delano,Salinas South,Castroville,De Laveaga,Pajaro,Hopland,Santa Rosa,"
    "Petaluma East,Carneros,Dixon,Fair Oaks,Auburn,Bryte,Nicasio,Moraga,Concord,Pescadero"
).split(",")
YEARS = range(2016, 2020)
PAGES = 4
RECORDS = 365


class Teller:
    """Stamps events one after the other."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.t = START
        self.told: list[ev.Stamped] = []

    def say(self, event: ev.Event, after: float = 0.0) -> None:
        self.t += after
        self.told.append(ev.Stamped(len(self.told) + 1, round(self.t, 3), event))


PLACES = {s.name: s for s in stations()}
"""Public facts of the agency's directory."""


def _ref(number: int, name: str) -> ev.StationRef:
    """A station at its place, or where that is not known, near another's."""
    known, rng = PLACES.get(name), random.Random(number)
    near, off = (known, 0.0) if known else (rng.choice(list(PLACES.values())), 0.25)
    latitude, longitude = (x + rng.uniform(-off, off) for x in (near.latitude or 0.0, near.longitude or 0.0))
    return ev.StationRef(number=number, name=name, county="Fresno", latitude=latitude, longitude=longitude)


def _job(number: int) -> ev.JobRef:
    return ev.JobRef(
        job=f"d{number:03d}", station=number, start="2016-01-01", end="2019-12-31", pages=PAGES, chunks=4, expected=1461
    )


def numbers(count: int = len(NAMES)) -> list[int]:
    return [2 + 3 * n for n in range(count)]


def started(count: int = len(NAMES)) -> ev.RunStarted:
    wanted = numbers(count)
    return ev.RunStarted(
        run_id="1121-1904-7f3a",
        pid=PID,
        version="0.1.0",
        command="backfill",
        base_url="http://127.0.0.1:1",
        data_dir="/srv/cimis/data",
        interval="daily",
        units="M",
        items=29,
        start="2016-01-01",
        end="2019-12-31",
        concurrency=8,
        max_attempts=3,
        stations=[_ref(n, NAMES[i % len(NAMES)]) for i, n in enumerate(wanted)],
        jobs=[_job(n) for n in wanted],
        stored=0,
        notes=[],
        rules=[rule.ref() for rule in RULES],
    )


def timings(rng: random.Random, *, slow: float = 1.0, reused: bool = True) -> ev.Timings:
    ttfb, read, decode = rng.uniform(180, 420) * slow, rng.uniform(40, 110), rng.uniform(6, 14)
    dns, tcp, tls = (None, None, None) if reused else (rng.uniform(0.8, 2), rng.uniform(18, 24), rng.uniform(38, 48))
    total = ttfb + read + sum(x or 0.0 for x in (dns, tcp, tls)) + 0.6
    return ev.Timings(
        pool_wait=0.2, dns=dns, tcp=tcp, tls=tls, send=0.4, ttfb=ttfb, read=read, decode=decode, total=total
    )


def page(teller: Teller, number: int, index: int, *, slow: float = 1.0, reused: bool = True, attempt: int = 1) -> None:
    """One page fetched well."""
    job, rng = f"d{number:03d}", teller.rng
    year = YEARS[index - 1]
    teller.say(
        ev.PageStarted(job=job, station=number, page=index, start=f"{year}-01-01", end=f"{year}-12-31"),
        rng.uniform(0.02, 0.3),
    )
    attempted(teller, number, index, attempt)
    wire = rng.randrange(20_000, 60_000)
    teller.say(
        ev.AttemptFinished(
            job=job,
            station=number,
            page=index,
            attempt=attempt,
            status=200,
            reused=reused,
            timings=timings(rng, slow=slow, reused=reused),
            wire_bytes=wire,
            decoded_bytes=wire * 9,
            content_encoding="gzip",
            records=RECORDS,
        ),
        rng.uniform(0.1, 0.4),
    )
    teller.say(
        ev.PageFinished(
            job=job,
            station=number,
            page=index,
            attempts=attempt,
            records=RECORDS,
            records_by_year={str(year): RECORDS},
            unexpected=0,
        )
    )


def attempted(teller: Teller, number: int, index: int, attempt: int) -> None:
    teller.say(ev.AttemptStarted(job=f"d{number:03d}", station=number, page=index, attempt=attempt))


def failed_attempt(teller: Teller, number: int, index: int, attempt: int, status: int, verdict: str) -> None:
    teller.say(
        ev.AttemptFailed(
            job=f"d{number:03d}",
            station=number,
            page=index,
            attempt=attempt,
            verdict=verdict,
            error_class=f"http_{status}",
            reason=f"the server answered {status}",
            status=status,
            reused=False,
            timings=ev.Timings(pool_wait=0.1, dns=1.2, tcp=20.4, tls=42.0, send=0.3, ttfb=131.0, read=2.0, total=197.0),
            wire_bytes=300,
            decoded_bytes=300,
        ),
        0.2,
    )


def chunks(teller: Teller, number: int) -> None:
    job, rng = f"d{number:03d}", teller.rng
    for year in YEARS:
        raw = RECORDS * (6 + 3 * 29)
        teller.say(
            ev.ChunkFinished(
                job=job,
                station=number,
                year=year,
                path=f"stations/{number:03d}/{year}_daily.zst",
                digest="0" * 64,
                records=RECORDS,
                expected=RECORDS,
                missing=0,
                nulls=12,
                chunk_records=RECORDS,
                raw_bytes=raw,
                stored_bytes=int(raw / rng.uniform(7.6, 9.1)),
                changed=True,
                encode_ms=rng.uniform(4, 9),
                write_ms=rng.uniform(5, 12),
                verify_ms=rng.uniform(1, 3),
                commit_ms=rng.uniform(2, 5),
                batch_bytes=RECORDS * 29 * 3,
            ),
            0.01,
        )
    teller.say(ev.JobFinished(job=job, station=number, records=RECORDS * 4, expected=1461, missing=1), 0.01)


def resources(teller: Teller, held: dict[str, int]) -> None:
    teller.say(
        ev.Resources(
            rss_bytes=112_400_000,
            cpu_percent=34.2,
            loop_lag_ms=3.1,
            in_flight=7,
            held_bytes=sum(held.values()),
            held=held,
        )
    )


def midst(seed: int = 7) -> list[ev.Stamped]:
    """48 stations: 20 done, then running, slow, waiting after a 429, failed with 503, paused; the rest queued."""
    teller = Teller(seed)
    teller.say(started())
    every = numbers()
    for number in every[:20]:
        teller.say(ev.JobStarted(job=f"d{number:03d}", station=number), 0.05)
        for index in range(1, PAGES + 1):
            page(teller, number, index, reused=index > 1)
        chunks(teller, number)
        if number % 4 == 0:
            resources(teller, {})
    running = every[20:27]
    for place, number in enumerate(running):
        teller.say(ev.JobStarted(job=f"d{number:03d}", station=number), 0.05)
        for index in range(1, 1 + place % PAGES):
            page(teller, number, index, slow=7.7 if number == running[3] else 1.0, reused=index > 1)
        attempted(teller, number, 1 + place % PAGES, 1)
    _trouble(teller, every[27:30])
    resources(teller, {str(n): 340_000 + 91_000 * k for k, n in enumerate(running)})
    teller.say(ev.AlertRaised(rule="retry_ratio", severity="warning", subject="run", value=0.123, limit=0.10), 0.1)
    return teller.told


def _trouble(teller: Teller, three: list[int]) -> None:
    failing, waiting, paused = three
    for number in three:
        teller.say(ev.JobStarted(job=f"d{number:03d}", station=number), 0.02)
        page(teller, number, 1, reused=False)
    for attempt in (1, 2, 3):
        attempted(teller, failing, 2, attempt)
        failed_attempt(teller, failing, 2, attempt, 503, "retry" if attempt < 3 else "fail_job")
    job = f"d{failing:03d}"
    message = "the server answered 503 three times"
    teller.say(
        ev.PageFailed(job=job, station=failing, page=2, attempts=3, error_class="http_503", message=message), 0.1
    )
    teller.say(
        ev.JobFailed(job=job, station=failing, error_class="http_503", message=message, hint="", attempts=3), 0.1
    )
    attempted(teller, waiting, 2, 1)
    failed_attempt(teller, waiting, 2, 1, 429, "retry")
    teller.say(
        ev.RetryScheduled(
            job=f"d{waiting:03d}",
            station=waiting,
            page=2,
            attempt=2,
            max_attempts=3,
            delay_ms=8000.0,
            at=teller.t + 8.0,
            cause="429 Too Many Requests",
        )
    )
    teller.say(ev.ThrottleChanged(old=8, new=7, cause="429 Too Many Requests"), 0.01)
    teller.say(ev.StationPaused(station=paused), 0.5)


def ended(seed: int = 7) -> list[ev.Stamped]:
    """The run of `midst`, ended with one failed job."""
    teller = Teller(seed)
    teller.told = midst(seed)
    teller.t = teller.told[-1].t
    every = numbers()
    teller.say(ev.StationResumed(station=every[29]), 0.1)
    begun = {number: 1 + place % PAGES for place, number in enumerate(every[20:27])}
    begun |= {every[28]: 2, every[29]: 2}
    for number in (*begun, *every[30:]):
        if number not in begun:
            teller.say(ev.JobStarted(job=f"d{number:03d}", station=number), 0.02)
        for index in range(begun.get(number, 1), PAGES + 1):
            page(teller, number, index)
        chunks(teller, number)
    resources(teller, {})
    teller.say(ev.AlertCleared(rule="retry_ratio", subject="run", value=0.0))
    message = "1 of 48 jobs failed"
    teller.t += 0.2
    teller.say(
        ev.RunFinished(
            outcome="partial",
            exit_code=3,
            elapsed_ms=round((teller.t - START) * 1000.0),
            resumable=True,
            message=message,
        )
    )
    return teller.told


def write(run_dir: Path, stamped: Iterator[ev.Stamped] | list[ev.Stamped]) -> Path:
    """Write a journal into a run's folder."""
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "events.jsonl").write_bytes(b"".join(ev.encode(s) for s in stamped))
    return run_dir
