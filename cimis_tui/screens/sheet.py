"""Sheet: something to read over the screen: a titled frame that scrolls, closed by esc, q or what opened it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen


class Sheet(ModalScreen[None]):
    """Subclasses set `CLOSES` and say what is in it (`content`); their CSS says how wide it is."""

    CLOSES: ClassVar[str] = "q or esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "dismiss", show=False, id="go.back"),
        Binding("q,ctrl+q", "dismiss", show=False, id="console.quit"),
        Binding("j,down", "scroll(1)", show=False, id="move.down"),
        Binding("k,up", "scroll(-1)", show=False, id="move.up"),
        Binding("pagedown,space", "scroll(10)", show=False, id="move.page_down"),
        Binding("pageup", "scroll(-10)", show=False, id="move.page_up"),
    ]
    DEFAULT_CSS = """
    Sheet { align: center middle; background: $background 60%; }
    Sheet VerticalScroll {
        width: 100; max-width: 96%; height: auto; max-height: 90%; border: round $primary; background: $background;
        padding: 0 1; border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $quiet;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = self._heading
            box.border_subtitle = f"j k scroll   {self.CLOSES}"
            yield from self.content()

    def content(self) -> ComposeResult:
        """What is read."""
        raise NotImplementedError

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
