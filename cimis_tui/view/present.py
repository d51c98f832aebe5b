"""One station's state into one row of the table: cells to show, values to sort and filter by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cimis_tui.view import units
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import COLUMNS, INDEX

if TYPE_CHECKING:
    from cimis_engine.run.state import StationState

SLOW_TTFB_MS = 2000.0
"""A running station whose last answer took longer than this to begin is shown as slow."""

GLYPHS = {
    "running": ("●", "run", "run"),
    "slow": ("▲", "slow", "warn"),
    "retrying": ("↻", "retry", "warn"),
    "paused": ("‖", "paused", "dim"),
    "failed": ("✗", "fail", "bad"),
    "cancelled": ("✗", "cancel", "bad"),
    "done": ("✓", "done", "ok"),
    "queued": ("·", "queued", "dim"),
}
"""Status → glyph, word, role. The glyph and the word say it without the colour."""

RANK = {"failed": 0, "cancelled": 1, "retrying": 2, "slow": 3, "running": 4, "paused": 5, "queued": 6, "done": 7}
"""Order of the states when sorted by state: what needs a person comes first."""

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Row:
    """Cells and values in the order of `COLUMNS`. `progress` is a fraction; its cell's text is the percent alone."""

    key: int
    status: str
    progress: float
    cells: tuple[Cell, ...]
    values: tuple[Value, ...]
    search: str


def status_of(station: StationState) -> str:
    """The fold's status, with `slow` told apart from `running`."""
    if station.status == "running" and station.last is not None and (station.last.ttfb or 0.0) > SLOW_TTFB_MS:
        return "slow"
    return station.status


def _word(station: StationState, status: str, now: float) -> str:
    word = GLYPHS[status][1]
    if status == "retrying" and station.retry_at is not None:
        return f"{word} {min(99, max(0, round(station.retry_at - now)))}s"
    if status == "failed":
        tail = station.error_class.removeprefix("http_")
        return f"{word} {tail}" if tail.isdigit() else word
    return word


def eta_of(station: StationState, now: float) -> float | None:
    """Seconds left at the pace so far; None before the first page and after the last."""
    if station.started_at is None or not 0.0 < station.progress < 1.0 or station.status in ("failed", "cancelled"):
        return None
    return (now - station.started_at) * (1.0 - station.progress) / station.progress


def present_row(station: StationState, now: float, max_attempts: int) -> Row:
    """The row of a station at Unix time `now`."""
    status = status_of(station)
    glyph, _, role = GLYPHS[status]
    last = station.last
    progress = station.progress
    eta = eta_of(station, now)
    quiet = "dim" if status in ("queued", "done", "cancelled") else "text"
    phase: dict[str, float | None] = {
        "wait": last.pool_wait if last else None,
        "dns": last.dns if last else None,
        "tcp": last.tcp if last else None,
        "tls": last.tls if last else None,
        "send": last.send if last else None,
        "ttfb": last.ttfb if last else None,
        "read": last.read if last else None,
        "dec": last.decode if last else None,
        "enc": station.encode_ms,
        "wrt": station.write_ms,
        "vfy": station.verify_ms,
        "cmt": station.commit_ms,
        "total": last.total if last else None,
        "p95": station.p95_ms,
    }
    cells: dict[str, Cell] = {
        "state_glyph": Cell(glyph, role),
        "id": Cell(str(station.ref.number), quiet),
        "name": Cell(station.ref.name, quiet),
        "state": Cell(_word(station, status, now), role),
        "progress": Cell(f"{int(progress * 100):3d}", quiet),
        "eta": Cell(units.span(eta), "dim"),
        "try": Cell(
            f"{station.attempt}/{max_attempts}" if station.attempt else units.ABSENT,
            "warn" if station.attempt > 1 and status not in ("done", "failed") else quiet,
        ),
        "records": Cell(units.count(station.records), quiet),
        "ratio": Cell(units.ratio(station.ratio), quiet if station.ratio else "dim"),
        "mem": Cell(units.held(station.held_bytes) if station.held_bytes else units.ABSENT, quiet),
    }
    for key, value in phase.items():
        tone = "dim" if value is None else quiet
        if key == "ttfb" and value is not None and value > SLOW_TTFB_MS:
            tone = "warn"
        cells[key] = Cell(units.ms(value), tone)
    values: dict[str, Value] = {
        **phase,
        "state_glyph": RANK[status],
        "id": station.ref.number,
        "name": station.ref.name.casefold(),
        "state": RANK[status],
        "progress": progress * 100,
        "eta": eta,
        "try": station.attempt or None,
        "records": station.records,
        "ratio": station.ratio,
        "mem": station.held_bytes,
    }
    return Row(
        key=station.ref.number,
        status=status,
        progress=progress,
        cells=tuple(cells[c.key] for c in COLUMNS),
        values=tuple(values[c.key] for c in COLUMNS),
        search=f"{station.ref.number} {station.ref.name} {station.ref.county} {GLYPHS[status][1]}".casefold(),
    )


def export_row(row: Row) -> dict[str, Value]:
    """A row for a file: every column's value by key, the state in words."""
    record: dict[str, Value] = {c.key: row.values[INDEX[c.key]] for c in COLUMNS if c.title}
    record["state"] = row.status
    record["name"] = row.cells[INDEX["name"]].text
    return record
