"""One station's state into one row of the table: cells to show, values to sort and filter by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cimis_tui.view import units
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import COLUMNS, INDEX

if TYPE_CHECKING:
    from cimis_engine.run.tallies import StationState

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


class Row(Struct, frozen=True):
    """Values in the order of `COLUMNS`, None where unknown; cells are made when asked for, as few are in sight.

    `progress` is a fraction; its cell's text is the percent alone. `word` is the state's, `tries` the attempt's cell,
    `quiet` the role of what needs no attention.
    """

    key: int
    status: str
    progress: float
    values: tuple[Value, ...]
    name: str
    word: str
    tries: Cell
    search: str
    quiet: str

    def cell(self, index: int) -> Cell:
        """The cell of column `COLUMNS[index]`."""
        return _CELLS[index](self, self.values[index])

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell: two rows with the same ones look the same at any width."""
        return tuple(self.cell(index) for index in range(len(COLUMNS)))


def status_of(station: StationState) -> str:
    """The fold's status, with `slow` told apart from `running`."""
    if station.status == "running" and station.last is not None and (station.last.ttfb or 0.0) > SLOW_TTFB_MS:
        return "slow"
    return station.status


def _word(station: StationState, status: str, now: float) -> str:
    word = GLYPHS[status][1]
    if status == "retrying" and station.retry_at is not None:
        left = round(station.retry_at - now)
        return f"{word} {min(99, left)}s" if left > 0 else word  # due: it waits for a free request
    if status == "failed":
        tail = station.error_class.removeprefix("http_")
        return f"{word} {tail}" if tail.isdigit() else word
    return word


def eta_of(station: StationState, now: float) -> float | None:
    """Seconds left at the pace so far; None before the first page and after the last."""
    if station.started_at is None or not 0.0 < station.progress < 1.0 or station.status in ("failed", "cancelled"):
        return None
    return (now - station.started_at) * (1.0 - station.progress) / station.progress


def present_row(station: StationState, now: float) -> Row:
    """The row of a station at Unix time `now`."""
    status = status_of(station)
    ref, last, attempt = station.ref, station.last, station.attempt
    progress = station.progress
    times: tuple[Value, ...] = (
        (last.pool_wait, last.dns, last.tcp, last.tls, last.send, last.ttfb, last.read, last.decode)
        if last is not None
        else _NO_TIMES
    )
    name = ref.name.casefold()
    quiet = "dim" if status in ("queued", "done", "cancelled") else "text"
    return Row(
        key=ref.number,
        status=status,
        progress=progress,
        values=(
            RANK[status],
            ref.number,
            name,
            RANK[status],
            progress * 100,
            eta_of(station, now),
            *times,
            last.total if last is not None else None,
            station.p95_ms,
            station.encode_ms,
            station.write_ms,
            station.verify_ms,
            station.commit_ms,
            attempt or None,
            station.records,
            station.ratio,
            station.held_bytes,
        ),
        name=ref.name,
        word=_word(station, status, now),
        tries=Cell(
            f"{attempt}/{station.allowed}" if attempt else units.ABSENT,
            "warn" if attempt > 1 and status not in ("done", "failed") else quiet,
        ),
        search=f"{ref.number} {name} {ref.county.casefold()} {GLYPHS[status][1]}",
        quiet=quiet,
    )


_NO_TIMES: tuple[Value, ...] = (None,) * 8


def _time(row: Row, value: Any) -> Cell:
    return Cell(units.ms(value), "dim" if value is None else row.quiet)


def _ttfb(row: Row, value: Any) -> Cell:
    return Cell(units.ms(value), "warn") if value is not None and value > SLOW_TTFB_MS else _time(row, value)


_MAKERS: dict[str, Callable[[Row, Any], Cell]] = {
    "state_glyph": lambda row, _: Cell(GLYPHS[row.status][0], GLYPHS[row.status][2]),
    "id": lambda row, value: Cell(str(value), row.quiet),
    "name": lambda row, _: Cell(row.name, row.quiet),
    "state": lambda row, _: Cell(row.word, GLYPHS[row.status][2]),
    "progress": lambda row, _: Cell(f"{int(row.progress * 100):3d}", row.quiet),
    "eta": lambda _, value: Cell(units.span(value), "dim"),
    "ttfb": _ttfb,
    "try": lambda row, _: row.tries,
    "records": lambda row, value: Cell(units.count(value), row.quiet),
    "ratio": lambda row, value: Cell(units.ratio(value), row.quiet if value else "dim"),
    "mem": lambda row, value: Cell(units.held(value) if value else units.ABSENT, row.quiet),
}
_CELLS = tuple(_MAKERS.get(column.key, _time) for column in COLUMNS)


def export_row(row: Row) -> dict[str, Value]:
    """A row for a file: every column's value by key, the state in words."""
    record: dict[str, Value] = {c.key: row.values[INDEX[c.key]] for c in COLUMNS if c.title}
    record["state"] = row.status
    record["name"] = row.name
    return record
