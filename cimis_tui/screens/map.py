"""The map: every station of the run at its place, in its state as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from cimis_engine.model.station import Station, by_number
from cimis_engine.run.kept_directory import kept_directory
from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.atlas import present_beside
from cimis_tui.view.places import MapFacts, nearest, present_map
from cimis_tui.view.viewport import Viewport
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.map_pane import MapPane


class MapScreen(RunScreen):
    VIEW = "map"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "MapPane"
    _directory: Mapping[int, Station] = {}

    def body(self) -> ComposeResult:
        with Horizontal(id="map-body"):
            yield MapPane(id="map-pane").add_class("panel")
            side = FactPanel[tuple[MapFacts, Viewport] | None](
                None, lambda seen, width, height: present_beside(*seen, width, height) if seen else (), id="map-side"
            )
            side.border_title = "Station and states"
            yield side.add_class("panel")

    def on_mount(self) -> None:
        self.run_worker(
            self._read_directory,
            thread=True,
            group="directory",
            exclusive=True,
            exit_on_error=False,
            description="read the station directory",
        )

    def _read_directory(self) -> None:
        """Elevations, and places the journal leaves out. Without it the map does with what the journal says."""
        kept = kept_directory(self.data_dir)
        if kept is not None:
            self.app.call_from_thread(self._know, by_number(kept.stations))

    def _know(self, directory: Mapping[int, Station]) -> None:
        self._directory = directory
        if self.is_current:
            self.draw(anew=True)

    @property
    def _map(self) -> MapPane:
        return self.query_one(MapPane)

    def draw(self, *, anew: bool) -> None:
        facts = self.pump.look(lambda state, _: present_map(state, self.pump.selected, self._directory))
        self._map.apply(facts)
        self._tell_side()

    @on(MapPane.Looked)
    def _tell_side(self) -> None:
        facts, view = self._map.facts, self._map.view
        self.query_one("#map-side", FactPanel).apply((facts, view))

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        facts = self._map.facts
        placed = [s._asdict() for s in facts.spots]
        lost = [{**n._asdict(), "latitude": None, "longitude": None} for n in facts.nowhere]
        return sorted(placed + lost, key=lambda row: int(row["number"]))

    # the station

    def action_choose(self, number: int) -> None:
        self.pump.select(number)
        self.show_keys()
        self.draw(anew=False)
        self._map.bring(number)

    def action_turn(self, step: int) -> None:
        """The next station by number, or the one before."""
        order = self._map.facts.order()
        if not order:
            self.notify("no station is known yet", severity="warning", timeout=4)
            return
        mine = self.pump.selected
        at = order.index(mine) + step if mine in order else 0
        self.action_choose(order[at % len(order)])

    def action_nearest(self) -> None:
        """The station nearest to the middle of the picture."""
        view = self._map.view
        spot = nearest(self._map.facts.spots, view.latitude, view.longitude)
        if spot is None:
            self.notify("no station has coordinates", severity="warning", timeout=4)
            return
        self.action_choose(spot.number)

    @on(MapPane.Picked)
    def _picked(self, message: MapPane.Picked) -> None:
        self.action_choose(message.number)
        if message.twice:
            self.action_open()

    def action_open(self) -> None:
        if self._map.facts.chosen is None:
            self.notify("no station is selected: tab, n or a click selects one", severity="warning", timeout=4)
            return
        self.app.go_to("station")

    # the picture

    def action_pan(self, right: int, down: int) -> None:
        if not self._map.move(right, down):
            self.notify("the state ends there", timeout=2)

    def action_zoom(self, step: int) -> None:
        if not self._map.zoom(step):
            self.notify("nearer it does not go" if step > 0 else "this is the whole state", timeout=2)

    def action_whole(self) -> None:
        if not self._map.whole():
            self.notify("this is the whole state", timeout=2)
