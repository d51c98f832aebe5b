"""An app with nothing but a RowList of rivers: what the list does, apart from any screen."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult

from cimis_tui.themes import DARK, FALLBACK
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import Column
from cimis_tui.widgets.row_list import ListRow, RowList

COLUMNS = (
    Column("mark", "", 2, right=False),
    Column("river", "RIVER", 8, right=False, most=30),
    Column("length", "KM", 5),
    Column("basin", "BASIN km²", 9, since=60),
)
RIVERS = (
    ("sacramento", "●", "Sacramento", 640, 68_600),
    ("san-joaquin", "✓", "San Joaquin", 589, 82_880),
    ("klamath", "✗", "Klamath", 414, 40_790),
    ("eel", "✓", "Eel", 315, 9_540),
    ("kern", "·", "Kern", 264, 6_320),
    *((f"creek-{n}", "·", f"Creek {n}", n, n * 10) for n in range(1, 21)),
)
ROLE = {"✗": "bad", "●": "run", "✓": "ok"}


def rows(rivers: tuple[tuple[str, str, str, int, int], ...] = RIVERS) -> list[ListRow]:
    return [
        (key, (Cell(glyph, ROLE.get(glyph, "dim")), Cell(name), Cell(f"{km}"), Cell(f"{basin}", "dim")))
        for key, glyph, name, km, basin in rivers
    ]


class RiverApp(App[None]):
    CSS_PATH: ClassVar[list[Path]] = [Path(__file__).parents[2] / "cimis_tui" / "screens" / "console.tcss"]

    def __init__(self, given: list[ListRow]) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.given = given
        self.said: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK

    def compose(self) -> ComposeResult:
        yield RowList(COLUMNS, empty="no rivers: it has not rained")

    def on_mount(self) -> None:
        self.query_one(RowList).show(self.given)

    @on(RowList.CursorMoved)
    def _moved(self, message: RowList.CursorMoved) -> None:
        self.said.append(f"at {message.key}")

    @on(RowList.Opened)
    def _opened(self, message: RowList.Opened) -> None:
        self.said.append(f"open {message.key}")

    @on(RowList.HeaderPressed)
    def _header(self, message: RowList.HeaderPressed) -> None:
        self.said.append(f"head {message.column}")
