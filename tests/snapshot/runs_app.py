"""A data directory with runs of every kind, and the console on the one that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import ended, midst, write

from cimis_engine.run import events as ev
from cimis_engine.run.report import build_report, write_report
from cimis_engine.run.state import RunState
from cimis_tui.app import CimisApp

LIVE, DONE, OLDER, CUT = "1121-1904-7f3a", "1120-1904-c41e", "1119-1904-a902", "1118-1904-0d10"
DAY = 86400.0


def moved(told: list[ev.Stamped], run_id: str, days: int, *, slow: float = 1.0) -> list[ev.Stamped]:
    """The same run, so many days earlier under another id; its first bytes came `slow` times as late."""
    return [_moved(stamped, run_id, days, slow) for stamped in told]


def _moved(stamped: ev.Stamped, run_id: str, days: int, slow: float) -> ev.Stamped:
    event = stamped.event
    if isinstance(event, ev.RunStarted):
        event = replace(event, run_id=run_id)
    elif isinstance(event, ev.RetryScheduled):
        event = replace(event, at=event.at - days * DAY)
    elif isinstance(event, ev.AttemptFinished) and event.timings.ttfb is not None:
        later = event.timings.ttfb * (slow - 1)
        times = replace(event.timings, ttfb=event.timings.ttfb + later, total=event.timings.total + later)
        event = replace(event, timings=times)
    return ev.Stamped(stamped.seq, stamped.t - days * DAY, event)


def revised(told: list[ev.Stamped]) -> list[ev.Stamped]:
    """The same run, with one chunk of other contents."""
    first = next(n for n, s in enumerate(told) if isinstance(s.event, ev.ChunkFinished))
    other = replace(told[first].event, digest="1" * 64)
    return [*told[:first], ev.Stamped(told[first].seq, told[first].t, other), *told[first + 1 :]]


def data_dir(root: Path) -> Path:
    """Four runs: one goes on, two ended (one of them slow, from other data), one was cut off."""
    journals = {
        LIVE: midst(),
        DONE: moved(ended(), DONE, 1),
        OLDER: moved(revised(ended(8)), OLDER, 2, slow=1.4),
        CUT: moved(midst(9), CUT, 3),
    }
    for run_id, told in journals.items():
        run_dir = write(root / "runs" / run_id, told)
        (run_dir / "spec.json").write_text("{}")
        if isinstance(told[-1].event, ev.RunFinished):
            state = RunState()
            for stamped in told:
                state.apply(stamped)
            write_report(run_dir / "report.json", build_report(state))
    return root


def console(root: Path, *, mode: str = "live", run_id: str = LIVE, theme: str = "cimis-dark") -> CimisApp:
    """The console on one of them."""
    told = {LIVE: midst(), DONE: moved(ended(), DONE, 1), CUT: moved(midst(9), CUT, 3)}[run_id]
    data_dir(root)
    return dashboard(root / "runs" / run_id, told, mode=mode, theme=theme)


async def listed(pilot: Pilot[Any]) -> None:
    """The runs screen, with every run read."""
    await settle(pilot)
    await pilot.press("6")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def compared(pilot: Pilot[Any]) -> None:
    """The runs screen with a comparison of the second run and the third."""
    await listed(pilot)
    await pilot.press("j", "space", "j", "space", "d")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
