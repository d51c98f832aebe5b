"""`--dry-run`: the exact plan, how long it will take and what room it needs. Nothing is fetched but the directory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.model.plan import JobSpec, Plan, expected_records
from cimis_engine.model.station import by_number
from cimis_engine.run.pace import Pace, estimated_seconds, measured_pace
from cimis_engine.run.space import DiskSpaceError, Space, free_bytes, space_for
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, duration, size
from cimis_tui.cli.run import Job, plan_of


def dry_run(job: Job, output: Output, *, as_json: bool, as_events: bool = False, fresh: bool = False) -> int:
    """Print the plan of a job; with `-v` or `--json` each page, too. `fresh`: as if nothing were stored."""
    found = _look(job, output, as_json=as_json, as_events=as_events, fresh=fresh)
    if as_json:
        output.document(found)
    return 0


def dry_runs(jobs: Sequence[Job], output: Output, *, as_json: bool, as_events: bool) -> int:
    """The plans of several jobs, one after the other; with `--json` in one document."""
    plans = [_look(job, output, as_json=as_json, as_events=as_events) for job in jobs]
    if as_json:
        output.document({"schema_version": SCHEMA_VERSION, "dry_run": True, "plans": plans, "exit_code": 0})
    return 0


def _look(job: Job, output: Output, *, as_json: bool, as_events: bool, fresh: bool = False) -> dict[str, Any]:
    """The plan of a job as a document; printed unless `as_json`. Raises `UsageError`."""
    if as_events:
        raise UsageError("--dry-run has no events to print", hint="give it --json, or no --jsonl")
    with contextlib.ExitStack() as held:
        known = Store.exists(job.data_dir) and not fresh
        store = held.enter_context(contextlib.closing(Store.open(job.data_dir))) if known else None
        plan = plan_of(job, store, None if as_json else output)
        stored = store.catalog.entries(interval=plan.interval) if store else []
    pace = measured_pace(job.data_dir, job.settings.base_url, plan.interval)
    space = space_for(plan, stored, free_bytes(job.data_dir))
    if not as_json:
        _print(plan, job.settings.concurrency, pace, space, output)
    if not space.enough:
        refused = DiskSpaceError(job.data_dir, space)
        output.warn(f"a run would be refused: {refused}")
    return document(plan, job.settings.concurrency, pace, space)


def document(plan: Plan, concurrency: int, pace: Pace, space: Space) -> dict[str, Any]:
    """The plan as JSON. `estimated_from` says what the time rests on, `bytes_from` what the bytes rest on."""
    return {
        "schema_version": SCHEMA_VERSION,
        "dry_run": True,
        "interval": plan.interval.value,
        "start": str(plan.span.start),
        "end": str(plan.span.end),
        "stations": len(plan.stations),
        "jobs": len(plan.jobs),
        "pages": plan.pages,
        "chunks": plan.chunks,
        "records": plan.expected,
        "stored": plan.stored,
        "records_a_page": plan.cap,
        "estimated_seconds": round(estimated_seconds(plan, concurrency, pace), 1),
        "estimated_from": {
            "measured": pace.measured,
            "run_id": pace.run_id or None,
            "pages": pace.pages,
            "page_ms": pace.page_ms,
            "record_ms": pace.record_ms,
            "concurrency": concurrency,
        },
        "estimated_bytes": space.estimated,
        "bytes_from": {"measured": space.measured, "bytes_per_record": space.bytes_a_record},
        "needed_bytes": space.needed,
        "free_bytes": space.free,
        "enough_space": space.enough,
        "page_list": pages(plan),
        "notes": list(plan.notes),
    }


def pages(plan: Plan) -> list[dict[str, Any]]:
    """Each page in the order of the plan: its job, station, inclusive dates, and the records a full answer holds."""
    stations = by_number(plan.stations)

    def page(job: JobSpec, index: int) -> dict[str, Any]:
        span = job.pages[index].span
        records = expected_records(stations[job.station], job.interval, span)
        return {
            "job": job.id,
            "station": job.station,
            "start": str(span.start),
            "end": str(span.end),
            "records": records,
        }

    return [page(job, index) for job in plan.jobs for index in range(len(job.pages))]


def _print(plan: Plan, concurrency: int, pace: Pace, space: Space, output: Output) -> None:
    for page in pages(plan) if output.verbose else ():
        output.detail(f"  station {page['station']:03d}  {page['start']}..{page['end']}  {page['records']} records")
    seconds = estimated_seconds(plan, concurrency, pace)
    if pace.measured:
        source = f"{duration(pace.page_ms)} a page and {pace.record_ms:.3f} ms a record in run {pace.run_id}"
    else:
        source = f"assuming {pace.page_ms / 1000:.1f} s a page"
    known = "as those stored" if space.measured else "assumed"
    output.data(f"Would fetch {plan.interval} records of {counted(len(plan.stations), 'station')}, {plan.span}")
    output.data(f"  Jobs: {len(plan.jobs)}")
    output.data(f"  Pages: {plan.pages}")
    output.data(f"  Page size: at most {plan.cap:,} records")
    output.data(f"  Records: {plan.expected}")
    output.data(f"  Chunks: {plan.chunks} station-years")
    output.data(f"  Stored already: {plan.stored} station-years")
    output.data(f"  Estimated time: {duration(seconds * 1000)} ({source}, {concurrency} at a time)")
    output.data(f"  Estimated size: {size(space.estimated)} ({space.bytes_a_record:.1f} B a record, {known})")
    output.data(f"  Free disk: {size(space.free)} ({size(space.needed)} needed, margin included)")
