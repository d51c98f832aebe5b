"""A story over the screen: titled lines to scroll through, closed by enter, q or esc."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen

from cimis_tui.widgets.fact_pane import FactPane, Present

_ENDLESS = 10_000


class Story(ModalScreen[None]):
    """Shows all the lines that `present` makes; `tell` shows others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,backspace", "dismiss", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]
    DEFAULT_CSS = """
    Story { align: center middle; background: $background 60%; }
    Story VerticalScroll {
        width: 100; max-width: 96%; height: auto; max-height: 90%; border: round $primary; background: $background;
        padding: 0 1; border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $quiet;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, title: str, present: Present) -> None:
        super().__init__()
        self._heading, self._present = title, present

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = self._heading
            box.border_subtitle = "j k scroll   ↵ q or esc closes"
            yield FactPane()

    def tell(self, present: Present) -> None:
        self._present = present
        self._settle()

    def on_mount(self) -> None:
        self._settle()

    def on_resize(self, _: Resize) -> None:
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        pane = self.query_one(FactPane)
        width = self.query_one(VerticalScroll).scrollable_content_region.width or self.app.size.width
        pane.styles.height = len(self._present(width, _ENDLESS))
        pane.apply(self._present)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
