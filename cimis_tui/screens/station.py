"""One station: each attempt's phases as a waterfall, and what they add up to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from cimis_engine.run.state import RunState
from cimis_tui.actions import bindings
from cimis_tui.screens.attempt import AttemptSheet
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.attempts import attempt_record
from cimis_tui.view.log import news
from cimis_tui.view.percentiles import percentiles_title, present_percentiles
from cimis_tui.view.station import StationFacts, present_station
from cimis_tui.view.station_state import present_state, present_state_strip, state_title
from cimis_tui.view.trend import present_trend, trend_title
from cimis_tui.view.waterfall import present_legend, waterfall_empty, waterfall_title
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.waterfall import Waterfall

_FEW = 12
"""Up to so many attempts the waterfall of a tall window leaves room to the log; it never takes that back but grows."""
_PANELS = ("#percentiles", "#trend", "#state", "#strip")


class WaterfallBox(Kept, Vertical):
    """The waterfall's frame."""


class StationScreen(RunScreen):
    VIEW = "station"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "Waterfall"
    _facts: StationFacts | None = None
    _logged = 0  # seq of the last event whose log lines are shown

    def body(self) -> ComposeResult:
        with WaterfallBox(id="waterfall-box"):
            yield Waterfall()
            yield FactPanel(None, present_legend, id="legend")
        with Container(id="middle"):
            yield FactPanel(None, present_percentiles, percentiles_title, id="percentiles")
            yield FactPanel(None, present_trend, trend_title, id="trend")
            yield FactPanel(None, present_state_strip, state_title, id="strip")
        with Container(id="lower"):
            yield FactPanel(None, present_state, state_title, id="state")
            yield LogPane("Log of this station")

    def subject(self) -> int | None:
        """The station chosen; before one was, the first in the dashboard's order."""
        chosen = self.pump.selected
        return chosen if chosen is not None else next(iter(self._order()), None)

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [attempt_record(row) for row in self._facts.attempts] if self._facts is not None else []

    # frames

    def draw(self, *, anew: bool) -> None:
        number = self.subject()
        lost = self.pump.follower.feed().word == "LOST"
        # What an engine that is gone had in flight grows no more.
        facts = self.pump.look(lambda state, now: present_station(state, number, state.now if lost else now))
        back = self.pump.look(lambda state, _: state.seq) < self._logged  # a replay may go back
        moved = _number(facts) != _number(self._facts)
        self._facts = facts
        if moved or back:
            self._arrive()
        if facts is not None and len(facts.attempts) > _FEW and self.has_class("-h50"):
            self.add_class("-many")
        self.query_one(Waterfall).apply(facts.attempts if facts else (), empty=waterfall_empty(facts))
        self._title_waterfall()
        for name in _PANELS:
            self.query_one(name, FactPanel).apply(facts)
        fresh, self._logged = self.pump.look(lambda state, _: (self._news(state), state.seq))
        self.query_one(LogPane).apply(fresh)

    def _news(self, state: RunState) -> Any:
        number = _number(self._facts)
        return news(state, after=self._logged, station=number) if number is not None else ()

    def _arrive(self) -> None:
        """Another station has come on the screen: its name, its log from the start."""
        header = self.query_one(HeaderBar)
        header.crumb = f"station {self._facts.number} {self._facts.name}" if self._facts else self.VIEW
        header.repaint()
        self._logged = 0
        self.remove_class("-many")
        self.query_one(LogPane).clear()

    @on(Waterfall.Resorted)
    def _title_waterfall(self) -> None:
        waterfall, box = self.query_one(Waterfall), self.query_one("#waterfall-box")
        title = waterfall_title(self._facts, waterfall.scale, waterfall.zoom)
        first, last = waterfall.span
        subtitle = f"{first}–{last} of {len(waterfall.rows)}" if waterfall.rows else ""
        if (box.border_title, box.border_subtitle) != (title, subtitle):
            box.border_title, box.border_subtitle = title, subtitle

    # stations

    def _order(self) -> Sequence[int]:
        """Stations as the dashboard shows them; by number where it shows none."""
        shown = [row.key for row in self.app.view("dashboard").query(LiveTable).first().shown]
        return shown or self.pump.look(lambda state, _: sorted(state.stations))

    def action_station(self, step: int) -> None:
        order = self._order()
        if not order:
            self.notify("the run has not told its stations yet", severity="warning", timeout=4)
            return
        number = self.subject()
        at = order.index(number) if number in order else -step if step > 0 else 0
        self.pump.select(order[(at + step) % len(order)])
        self.query_one(Waterfall).zoom = 0
        self.show_keys()
        self.draw(anew=False)

    # the waterfall

    def action_move(self, step: int) -> None:
        self.query_one(Waterfall).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(Waterfall).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(Waterfall).move_end(last=last)

    def action_zoom(self) -> None:
        self.toggle_class("-zoom")

    def action_scale(self, step: int) -> None:
        if self.query_one(Waterfall).magnify(step):
            self._title_waterfall()
            return
        end = "finer than this there is nothing to see" if step > 0 else "the longest attempt is shown whole"
        self.notify(end, severity="warning", timeout=3)

    def action_open(self) -> None:
        row = self.query_one(Waterfall).current
        if row is None or self._facts is None:
            self.notify("no attempt to open yet", severity="warning", timeout=3)
            return
        self.app.push_screen(AttemptSheet(row, f"{self._facts.number} {self._facts.name}"))

    @on(Waterfall.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_copy(self) -> None:
        row = self.query_one(Waterfall).current
        if row is None or self._facts is None:
            self.notify("no attempt to copy yet", severity="warning", timeout=3)
            return
        record = {"station": self._facts.number, **attempt_record(row)}
        self.app.copy_to_clipboard(json.dumps(record, indent=2))
        self.notify(f"page {row.page} try {row.attempt} as JSON: sent to the terminal's clipboard", timeout=3)

    # the log

    def action_level(self, step: int) -> None:
        self.query_one(LogPane).change_level(step)

    def action_follow(self) -> None:
        self.query_one(LogPane).toggle_follow()


def _number(facts: StationFacts | None) -> int | None:
    return facts.number if facts is not None else None
