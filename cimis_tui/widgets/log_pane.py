"""The log: the newest lines at or above a level. It follows, or stands still while the ring fills on."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp

from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.frame import LogRow
from cimis_tui.widgets.panel import CellPanel

KEPT = 5000
LEVELS = (("INFO", "dim"), ("WARN", "warn"), ("ERROR", "bad"))


class LogPane(CellPanel, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "back(1)", show=False),
        Binding("down,j", "back(-1)", show=False),
        Binding("pageup", "back(8)", show=False),
        Binding("pagedown", "back(-8)", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: deque[LogRow] = deque(maxlen=KEPT)
        self._told = [0, 0, 0]
        self._level = 0
        self._anchor: int | None = None  # seq of the newest line shown while not following

    @property
    def following(self) -> bool:
        return self._anchor is None

    @property
    def level(self) -> str:
        return LEVELS[self._level][0]

    def apply(self, rows: tuple[LogRow, ...]) -> None:
        self._rows.extend(rows)
        for row in rows:
            self._told[row.level] += 1
        self._settle()

    def clear(self) -> None:
        self._rows.clear()
        self._told, self._anchor = [0, 0, 0], None
        self._settle()

    def change_level(self, step: int) -> None:
        self._level = min(len(LEVELS) - 1, max(0, self._level + step))
        self._settle()

    def toggle_follow(self) -> None:
        self._anchor = None if self._anchor is not None else (self._rows[-1].seq if self._rows else 0)
        self._settle()

    def action_back(self, lines: int) -> None:
        """Move `lines` towards the past; reaching the newest line follows again."""
        shown = self._shown()
        seqs = [row.seq for row in shown]
        at = len(seqs) - 1
        if self._anchor is not None:
            at = sum(1 for seq in seqs if seq <= self._anchor) - 1
        at = max(min(self.size.height, len(seqs)) - 1, at - lines)
        self._anchor = None if at >= len(seqs) - 1 else seqs[at]
        self._settle()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.action_back(3)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.action_back(-3)

    def _shown(self) -> list[LogRow]:
        return [row for row in self._rows if row.level >= self._level]

    def _settle(self) -> None:
        follow = "on" if self.following else "off"
        self.retitle(f"Log  {self._told[1]} warn  {self._told[2]} error", f"level ≥ {self.level}   F follow {follow}")
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        upto = self._anchor if self._anchor is not None else float("inf")
        newest = (row for row in reversed(self._rows) if row.level >= self._level and row.seq <= upto)
        rows = list(islice(newest, height))[::-1]
        if not rows:
            return ((Cell(f"no lines at level {self.level} or above yet; L shows more", "dim"),),)
        return tuple(_line(row, width) for row in rows)


def _line(row: LogRow, width: int) -> Line:
    word, role = LEVELS[row.level]
    return clip(
        (
            Cell(f"{row.time} ", "dim"),
            Cell(f"{word:<5} ", role),
            Cell(row.text, role if row.level == 2 else "text"),
        ),
        width,
    )
