"""The banner when the run has ended: what it brought, where it is, what to do next. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, fit, width_of
from cimis_tui.view.frame import Ending
from cimis_tui.view.header import PHASES

_NEXT = {
    "done": "cimis query, cimis stats and cimis verify read it; q leaves",
    "partial": "run the same command again: it fetches only what failed; q leaves",
    "failed": "see the log below, then run the same command again; q leaves",
    "interrupted": "run the same command again: it goes on from here; q leaves",
}


def ending_title(e: Ending) -> str:
    glyph, word, _ = PHASES[e.outcome]
    return f"{glyph} {word}"


def present_ending(e: Ending, width: int, height: int) -> tuple[Line, ...]:
    """The numbers, the reason if there is one, where the data is, what to do next: as `height` allows."""
    role = PHASES[e.outcome][2]
    numbers = fit(
        (
            (Cell(ending_title(e), role),) if height < 3 else (),
            (Cell(f"{e.chunks:,}", "head"), Cell(" chunks", "dim")),
            (Cell(f"{e.records:,}", "head"), Cell(" records", "dim")),
            (Cell(units.ratio(e.ratio), "head"), Cell(" compression", "dim")),
            (Cell("in ", "dim"), Cell(units.clock(e.elapsed), "head")),
            (Cell(f"✗ {e.failed_jobs}", "bad"), Cell(" jobs failed" if e.failed_jobs != 1 else " job failed", "dim"))
            if e.failed_jobs
            else (),
            (Cell(f"{e.missing:,}", "text"), Cell(" missing at the agency", "dim")) if e.missing else (),
            (Cell(f"{e.unchanged:,}", "text"), Cell(" chunks unchanged", "dim")) if e.unchanged else (),
        ),
        width,
        gap=3 if width >= 100 else 2,
    )
    where: Line = (Cell("data in ", "dim"), Cell(e.data_dir, "key"))
    todo: Line = (Cell("next ", "dim"), Cell(e.hint or _NEXT[e.outcome]))
    reason: Line = (Cell(e.message, role),)
    lines = [numbers, *([reason] if e.message else []), where, todo]
    if len(lines) > height:
        # Where only one fits, what to do next matters more than where the data is.
        joined = fit((where, todo), width) if width_of(where) + width_of(todo) + 3 <= width else todo
        lines = [numbers, joined] if height == 2 else [numbers, *([reason] if e.message else []), joined]
    return tuple(clip(line, width) for line in lines[:height])
