"""A journal with one station worth looking at: many pages, refusals and their waits, a slow answer, one in flight."""

from __future__ import annotations

import msgspec
from tui_journal import RECORDS, Teller, midst, numbers, started, timings

from cimis_engine.run import events as ev

STATION = 62
"""Porterville: in its midst. The others are those of `midst`."""
BIG = {"job": "d062", "station": STATION}


def _plan() -> ev.RunStarted:
    """The plan of `midst`, this station's job of 24 half-years."""
    whole = started()
    jobs = [
        msgspec.structs.replace(job, start="2008-01-01", pages=24, chunks=12, expected=4383)
        if job.station == STATION
        else job
        for job in whole.jobs
    ]
    return msgspec.structs.replace(whole, start="2008-01-01", jobs=jobs)


def _dates(page: int) -> tuple[str, str]:
    year, second = 2008 + (page - 1) // 2, page % 2 == 0
    return (f"{year}-07-01", f"{year}-12-31") if second else (f"{year}-01-01", f"{year}-06-30")


def _good(teller: Teller, page: int, attempt: int = 1, *, slow: float = 1.0, reused: bool = True) -> None:
    rng, year = teller.rng, 2008 + (page - 1) // 2
    wire = rng.randrange(20_000, 60_000)
    teller.say(
        ev.AttemptFinished(
            **BIG,
            page=page,
            attempt=attempt,
            status=200,
            reused=reused,
            timings=timings(rng, slow=slow, reused=reused),
            wire_bytes=wire,
            decoded_bytes=wire * 9,
            content_encoding="gzip",
            records=RECORDS // 2,
        ),
        rng.uniform(0.2, 0.5),
    )
    by_year = {str(year): RECORDS // 2}
    teller.say(
        ev.PageFinished(**BIG, page=page, attempts=attempt, records=RECORDS // 2, records_by_year=by_year, unexpected=0)
    )


def _begin(teller: Teller, page: int, attempt: int = 1) -> None:
    if attempt == 1:
        start, end = _dates(page)
        teller.say(ev.PageStarted(**BIG, page=page, start=start, end=end), 0.05)
    teller.say(ev.AttemptStarted(**BIG, page=page, attempt=attempt))


def _refused(teller: Teller, page: int, attempt: int, status: int | None, error: str, wait: float, ms: float) -> None:
    """A try that failed, and the wait before the next."""
    spent = ev.Timings(pool_wait=0.2, dns=1.4, tcp=21.0, tls=44.0, send=0.4, ttfb=ms, total=ms + 67.0)
    teller.say(
        ev.AttemptFailed(
            **BIG,
            page=page,
            attempt=attempt,
            verdict="retry",
            error_class=error,
            reason=f"page {page}: {error.replace('_', ' ')}",
            status=status,
            reused=False,
            timings=spent,
            wire_bytes=300 if status else 0,
            decoded_bytes=300 if status else 0,
        ),
        ms / 1000,
    )
    at = teller.t + wait
    teller.say(
        ev.RetryScheduled(
            **BIG, page=page, attempt=attempt + 1, max_attempts=3, delay_ms=wait * 1000, at=at, cause=error
        )
    )


def _chunk(teller: Teller, year: int) -> None:
    rng, raw = teller.rng, RECORDS * (6 + 3 * 29)
    digest = "".join(rng.choice("0123456789abcdef") for _ in range(64))
    teller.say(
        ev.ChunkFinished(
            **BIG,
            year=year,
            path=f"stations/{STATION:03d}/{year}_daily.zst",
            digest=digest,
            records=364,
            expected=365,
            missing=1,
            nulls=12,
            chunk_records=364,
            raw_bytes=raw,
            stored_bytes=int(raw / rng.uniform(7.6, 9.1)),
            changed=True,
            encode_ms=rng.uniform(4, 9),
            write_ms=rng.uniform(5, 12),
            verify_ms=rng.uniform(1, 3),
            commit_ms=rng.uniform(2, 5),
            batch_bytes=RECORDS * 29 * 3,
            missing_slots=[(17, 17)],
        ),
        0.01,
    )


def busy(seed: int = 11) -> list[ev.Stamped]:
    """`midst`, then fifteen pages of the station; the sixteenth is in flight for 0.4 s."""
    teller = Teller(seed)
    teller.told = [ev.Stamped(s.seq, s.t, _plan()) if s.seq == 1 else s for s in midst() if not _of_station(s)]
    teller.told = [ev.Stamped(n, s.t, s.event) for n, s in enumerate(teller.told, 1)]
    teller.t = teller.told[-1].t
    teller.say(ev.JobStarted(**BIG), 0.02)
    for page in range(1, 16):
        _begin(teller, page)
        attempt = 1
        if page == 4:
            _refused(teller, page, 1, 429, "http_429", 8.0, 131.0)
            teller.t += 8.0
            attempt = 2
        if page == 11:
            _refused(teller, page, 1, None, "read_timeout", 1.2, 1650.0)
            teller.t += 1.2
            _begin(teller, page, 2)
            _refused(teller, page, 2, 503, "http_503", 2.6, 240.0)
            teller.t += 2.6
            attempt = 3
        if attempt > 1:
            _begin(teller, page, attempt)
        _good(teller, page, attempt, slow=7.6 if page == 9 else 1.0, reused=page not in (1, 4, 11))
        if page % 2 == 0:
            _chunk(teller, 2008 + page // 2 - 1)
    _begin(teller, 16)
    teller.say(ev.Warned(code="no-gzip", message="gzip was asked for and not given", station=STATION), 0.3)
    return teller.told


def _of_station(stamped: ev.Stamped) -> bool:
    return getattr(stamped.event, "station", None) == STATION


assert STATION in numbers()
