"""The engine: one run, assembled from its rooms, steered by signals and the control door, ended with a report."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpcore

from cimis_engine import __version__
from cimis_engine.clock import Clock, SystemClock
from cimis_engine.fetch.network import Resolve, resolve
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.plan import Plan
from cimis_engine.run import events as ev
from cimis_engine.run.alerts import Rule, configure
from cimis_engine.run.caps import CapTable
from cimis_engine.run.connect import new_slot
from cimis_engine.run.control import ControlServer
from cimis_engine.run.dispatcher import Dispatcher
from cimis_engine.run.filing import Filing
from cimis_engine.run.hysteresis import Hysteresis
from cimis_engine.run.journal import JournalWriter
from cimis_engine.run.ledger import Ledger
from cimis_engine.run.meter import Meter
from cimis_engine.run.outcome import decide_outcome
from cimis_engine.run.process import mark_running
from cimis_engine.run.report import build_report, write_report
from cimis_engine.run.spec import RunSpec
from cimis_engine.run.state import RunState
from cimis_engine.run.steering import Steering
from cimis_engine.run.work import Work
from cimis_engine.store.store import Store

JOURNAL = "events.jsonl"
REPORT = "report.json"
_HEARTBEAT_SECONDS = 20


async def run_engine(
    spec: RunSpec,
    plan: Plan,
    *,
    store: Store,
    key: str,
    clock: Clock | None = None,
    on_event: Callable[[ev.Stamped], None] | None = None,
    handle_signals: bool = True,
    resolver: Resolve = resolve,
    network: httpcore.AsyncNetworkBackend | None = None,
) -> RunState:
    """Run a plan to its end; the folded state holds the outcome and the exit code.

    Writes `events.jsonl`, `control.sock` (while it runs) and `report.json` into the run directory. The caller holds
    the store's lock. With `handle_signals`, SIGINT and SIGTERM drain the run, a second one stops it at once.
    """
    clock = clock or SystemClock()
    run_dir, settings = spec.run_dir, spec.settings
    mark_running(run_dir)
    journal = JournalWriter(run_dir / JOURNAL, clock)
    state = RunState()

    def emit(event: ev.Event) -> None:
        stamped = journal.emit(event)
        state.apply(stamped)
        if on_event:
            on_event(stamped)

    meter = Meter(clock)
    started = clock.monotonic()
    rules = configure(settings.alerts)
    emit(_started(spec, plan, meter.pid, rules))
    filing = Filing(plan, store, emit, spec.run_id)
    context = ssl_context(Path(settings.ca_file) if settings.ca_file else None)
    slots: list[Slot] = []

    def one_more_slot() -> Slot:
        slots.append(new_slot(settings, key, clock, context, resolver=resolver, network=network))
        return slots[-1]

    pipeline = DecodePipeline(clock=clock)
    work = Work(plan)
    dispatcher = Dispatcher(
        spec,
        plan,
        work,
        new_slot=one_more_slot,
        pipeline=pipeline,
        filing=filing,
        ledger=await filing.on_disk(lambda: Ledger(store.database)),
        caps=await filing.on_disk(lambda: CapTable(store.database)),
        emit=emit,
        clock=clock,
        rng=random.Random(),
    )

    steering = Steering(dispatcher, work, state, emit, now=clock.time)
    hysteresis = Hysteresis(rules)

    async def watch() -> None:
        for second in range(1, 1 << 31):
            await clock.sleep(1.0)
            emit(meter.sample(dispatcher.in_flight, dispatcher.held()))
            for event in hysteresis.judge(state, clock.time()):
                emit(event)
            if second % _HEARTBEAT_SECONDS == 0:
                await dispatcher.heartbeat()

    try:
        with _signals(dispatcher) if handle_signals else contextlib.nullcontext():
            async with ControlServer(run_dir, steering.command), _beside(pipeline.run(), meter.beat(), watch()):
                await dispatcher.run()
    finally:
        await asyncio.gather(*(slot.aclose() for slot in slots), return_exceptions=True)
        filing.close()
    emit(meter.sample(0, {}))
    end = decide_outcome(state, stopped_by=dispatcher.stopped_by, fatal=dispatcher.fatal)
    emit(
        ev.RunFinished(
            outcome=end.outcome,
            exit_code=end.exit_code,
            elapsed_ms=(clock.monotonic() - started) * 1000,
            resumable=end.resumable,
            message=end.message,
        )
    )
    write_report(run_dir / REPORT, build_report(state))
    journal.close()
    return state


@contextlib.asynccontextmanager
async def _beside(*work: Any) -> AsyncIterator[None]:
    """Tasks that live as long as the block, and end with it."""
    tasks = [asyncio.create_task(w) for w in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _signals(dispatcher: Dispatcher) -> Any:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, dispatcher.drain, number.name)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _started(spec: RunSpec, plan: Plan, pid: int, rules: tuple[Rule, ...]) -> ev.RunStarted:
    return ev.RunStarted(
        run_id=spec.run_id,
        pid=pid,
        version=__version__,
        command=spec.command,
        base_url=spec.settings.base_url,
        data_dir=str(Path(spec.data_dir).absolute()),
        interval=plan.interval.value,
        units=plan.units.value,
        items=len(plan.items),
        start=str(plan.span.start),
        end=str(plan.span.end),
        concurrency=spec.settings.concurrency,
        max_attempts=spec.settings.max_attempts,
        stations=[
            ev.StationRef(number=s.number, name=s.name, county=s.county, latitude=s.latitude, longitude=s.longitude)
            for s in plan.stations
        ],
        jobs=[
            ev.JobRef(
                job=j.id,
                station=j.station,
                start=str(j.span.start),
                end=str(j.span.end),
                pages=len(j.pages),
                chunks=len(j.span.years),
                expected=j.expected,
            )
            for j in plan.jobs
        ],
        stored=plan.stored,
        notes=list(plan.notes),
        rules=[rule.ref() for rule in rules],
    )
