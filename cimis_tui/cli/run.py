"""What every fetching command does: directory, plan, a run directory, the engine in the foreground, an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.model.items import Interval
from cimis_engine.model.plan import Plan
from cimis_engine.run.caps import planned_cap
from cimis_engine.run.directory import load_directory
from cimis_engine.run.engine import run_engine
from cimis_engine.run.events import Stamped
from cimis_engine.run.prepare import make_plan
from cimis_engine.run.space import require_space
from cimis_engine.run.spec import Request, RunSpec, Settings, new_run_id, save_spec
from cimis_engine.run.state import RunState
from cimis_engine.run.today import agency_today
from cimis_engine.store.store import Store
from cimis_tui.cli.output import Output


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run needs and a command line says. `key` is kept out of its repr."""

    command: str
    request: Request
    settings: Settings
    data_dir: Path
    key: str

    def __repr__(self) -> str:
        return f"Job({self.command!r}, {self.request!r}, {self.data_dir!r})"


@contextlib.contextmanager
def open_store(data_dir: Path) -> Iterator[Store]:
    """The store of a data directory, made if there is none; closed at the end."""
    with contextlib.closing(Store.create(data_dir)) as store:
        yield store


def plan_of(job: Job, store: Store | None, output: Output | None = None) -> Plan:
    """The plan of a job, its notes told on stderr where there is an `output`; without a store all is to be fetched."""
    directory = asyncio.run(load_directory(job.data_dir, job.settings, job.key))
    now = time.time()
    cap = planned_cap(job.settings, Interval(job.request.interval), store, now)
    plan = make_plan(
        store, job.request, directory.stations, agency_today(now), cap, directory_warning=directory.warning
    )
    if output is not None:
        for note in plan.notes:
            (output.warn if note == directory.warning else output.note)(note)
    return plan


def plan_to_run(job: Job, store: Store, output: Output | None = None) -> Plan:
    """The plan of a job that is about to run. Raises `DiskSpaceError` where the disk has not the room for it."""
    plan = plan_of(job, store, output)
    require_space(plan, store.catalog.entries(interval=plan.interval), store.root)
    return plan


def spec_of(job: Job) -> RunSpec:
    """A new run of a job, with its directory and `spec.json` made."""
    spec = RunSpec(
        run_id=new_run_id(time.time()),
        command=job.command,
        data_dir=str(job.data_dir.absolute()),
        request=job.request,
        settings=job.settings,
    )
    save_spec(spec)
    return spec


def run_here(job: Job, output: Output, on_event: Callable[[Stamped], None] | None = None) -> RunState:
    """Run a job in this process until it ends; SIGINT and SIGTERM drain it. The plan's notes go to stderr."""
    with open_store(job.data_dir) as store, store.lock():
        plan = plan_to_run(job, store, output)
        spec = spec_of(job)
        output.detail(f"run {spec.run_id}: {len(plan.jobs)} jobs, {plan.pages} pages, {plan.expected} records")
        return asyncio.run(run_engine(spec, plan, store=store, key=job.key, on_event=on_event))
