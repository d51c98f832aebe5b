"""Plain progress of a run on stderr: a line every two seconds, a line a retry, a summary at the end."""

from __future__ import annotations

from cimis_engine.run import events as ev
from cimis_engine.run.state import RunState
from cimis_tui.cli.output import Output, counted, duration, ratio, size

EVERY_SECONDS = 2.0


class Progress:
    """Fed every event of a run. Keeps no counts of its own: it reads the fold."""

    def __init__(self, output: Output) -> None:
        self.state = RunState()
        self._output = output
        self._started: float | None = None
        self._said = 0.0

    def __call__(self, stamped: ev.Stamped) -> None:
        self.state.apply(stamped)
        event = stamped.event
        if self._started is None:
            self._started = self._said = stamped.t
        if isinstance(event, ev.RunStarted):
            stations, jobs = counted(len(event.stations), "station"), counted(len(event.jobs), "job")
            stored = counted(event.stored, "station-year")
            what = f"{event.interval} records {event.start}..{event.end}"
            self._output.note(f"run {event.run_id}: {stations}, {what}, {jobs}, {stored} stored already")
        elif isinstance(event, ev.RunFinished):
            for line in summary(self.state, event):
                self._output.note(line)
        elif line := remark(event):
            self._output.note(line)
        if stamped.t - self._said >= EVERY_SECONDS:
            self._said = stamped.t
            self._output.note(self._line(stamped.t - self._started))

    def _line(self, elapsed: float) -> str:
        state = self.state
        failed = f", {state.jobs_failed} failed" if state.jobs_failed else ""
        return (
            f"{duration(elapsed * 1000):>7}  {state.jobs_done}/{state.jobs_total} jobs{failed}"
            f"  {state.records} records  {size(state.wire_bytes)}"
        )


def remark(event: ev.Event) -> str:
    """What an event is worth saying in a log, or nothing."""
    match event:
        case ev.RetryScheduled():
            cause = event.cause.removeprefix("http_")
            return (
                f"  station {event.station:03d}: retryable: {cause} (attempt {event.attempt}/{event.max_attempts})"
                f" in {duration(event.delay_ms)}"
            )
        case ev.JobFailed() | ev.ChunkFailed():
            hint = f"; {event.hint}" if event.hint else ""
            return f"  station {event.station:03d}: failed: {event.error_class}: {event.message}{hint}"
        case ev.RunFailed():
            return f"  stopped: {event.message}" + (f"; {event.hint}" if event.hint else "")
        case ev.Warned():
            return f"  warning: {event.message}"
        case ev.RunPaused(reason="drain"):
            return "  draining: what is in flight is finished, nothing new is started"
    return ""


def summary(state: RunState, end: ev.RunFinished) -> list[str]:
    """The last words: what came of it, and how to go on."""
    results = state.results.values()
    raw, stored = sum(r.raw_bytes for r in results), sum(r.stored_bytes for r in results)
    if not state.jobs_total and end.outcome == "done":
        return ["done: nothing to fetch"]
    missing = sum(r.missing for r in results)
    rate = state.records / end.elapsed_ms * 1000 if end.elapsed_ms else 0.0
    lines = [
        f"{end.outcome}: {state.jobs_done} of {state.jobs_total} jobs, {state.records} records"
        f" ({missing} missing), {state.retries} retries, {duration(end.elapsed_ms)}, {rate:.0f} records/s",
    ]
    if stored:
        lines.append(
            f"  {size(state.wire_bytes)} fetched, {size(stored)} stored, {ratio(raw, stored)} of fixed-width rows"
        )
    if state.revised:
        told = f"`cimis revisions --run {state.run_id}` lists them"
        lines.append(f"  {state.revised} stored values were revised by the agency; {told}")
    if end.message:
        lines.append(f"  {end.message}")
    return lines
