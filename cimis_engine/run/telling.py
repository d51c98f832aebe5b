"""What happened to a page, told as events: the dispatcher's facts put into the journal's shapes. Pure."""

from __future__ import annotations

from cimis_engine.fetch.classify import Verdict
from cimis_engine.fetch.decode import DecodedPage
from cimis_engine.run import events as ev
from cimis_engine.run.attempt import AttemptOutcome
from cimis_engine.run.work import Page


def page_started(page: Page) -> ev.PageStarted:
    job, spec = page.job.spec, page.spec
    return ev.PageStarted(
        job=job.id, station=job.station, page=spec.index, start=str(spec.span.start), end=str(spec.span.end)
    )


def attempt_started(page: Page) -> ev.AttemptStarted:
    job = page.job.spec
    return ev.AttemptStarted(job=job.id, station=job.station, page=page.spec.index, attempt=page.attempt)


def attempt_finished(page: Page, outcome: AttemptOutcome, decoded: DecodedPage) -> ev.AttemptFinished:
    job = page.job.spec
    return ev.AttemptFinished(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempt=page.attempt,
        status=outcome.status or 0,
        reused=outcome.reused,
        timings=outcome.timings,
        wire_bytes=outcome.wire_bytes,
        decoded_bytes=outcome.decoded_bytes,
        content_encoding=outcome.content_encoding,
        records=decoded.records,
    )


def attempt_failed(page: Page, outcome: AttemptOutcome) -> ev.AttemptFailed:
    job, verdict = page.job.spec, outcome.verdict
    return ev.AttemptFailed(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempt=page.attempt,
        verdict=verdict.kind.value,
        error_class=verdict.error_class,
        reason=verdict.reason,
        status=outcome.status,
        reused=outcome.reused,
        timings=outcome.timings,
        wire_bytes=outcome.wire_bytes,
        decoded_bytes=outcome.decoded_bytes,
    )


def attempt_cancelled(page: Page) -> ev.AttemptFailed:
    """An attempt that was aborted from our side: its clocks were not read."""
    job = page.job.spec
    return ev.AttemptFailed(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempt=page.attempt,
        verdict="cancelled",
        error_class="cancelled",
        reason="aborted from our side",
        status=None,
        reused=False,
        timings=ev.Timings(),
        wire_bytes=0,
        decoded_bytes=0,
    )


def retry_scheduled(page: Page, verdict: Verdict, now: float, delay: float, max_attempts: int) -> ev.RetryScheduled:
    job = page.job.spec
    return ev.RetryScheduled(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempt=page.attempt + 1,
        max_attempts=max_attempts,
        delay_ms=delay * 1000,
        at=now + delay,
        cause=verdict.error_class,
    )


def page_finished(page: Page, decoded: DecodedPage) -> ev.PageFinished:
    job = page.job.spec
    return ev.PageFinished(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempts=page.attempt,
        records=decoded.records,
        records_by_year={str(b.year): len(b) for b in decoded.batches},
        unexpected=decoded.unexpected,
    )


def page_failed(page: Page, verdict: Verdict) -> ev.PageFailed:
    job = page.job.spec
    return ev.PageFailed(
        job=job.id,
        station=job.station,
        page=page.spec.index,
        attempts=page.attempt,
        error_class=verdict.error_class,
        message=verdict.reason,
    )
