"""Every action of the dashboard in one table: bindings, footer, help and palette are made from it.

`why_not` says, in words for a person, why an action cannot be done now; nothing is ever silently dead.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the method `action_<name>` of the screen. `footer` is its short label there, empty for none."""

    name: str
    keys: tuple[str, ...]
    shown: str
    footer: str
    group: str
    help: str
    palette: bool = True


ACTIONS = (
    Action("move(-1)", ("k", "up"), "k ↑", "", "Move", "one station up", False),
    Action("move(1)", ("j", "down"), "j ↓", "", "Move", "one station down", False),
    Action("page(-1)", ("pageup",), "PgUp", "", "Move", "one page up", False),
    Action("page(1)", ("pagedown",), "PgDn", "", "Move", "one page down", False),
    Action("end(False)", ("g", "home"), "g", "", "Move", "first station", False),
    Action("end(True)", ("G", "end"), "G", "", "Move", "last station", False),
    Action("filter", ("slash",), "/", "Filter", "View", "filter: text, !text, state:retry, ttfb>1000"),
    Action("clear_filter", ("escape", "backspace"), "esc ⌫", "", "View", "clear the filter"),
    Action("sort", ("s",), "s", "Sort", "View", "sort by the next column"),
    Action("sort_left", ("less_than_sign",), "<", "", "View", "sort by the column to the left"),
    Action("sort_right", ("greater_than_sign",), ">", "", "View", "sort by the column to the right"),
    Action("reverse", ("S",), "S", "", "View", "turn the order around"),
    Action("freeze", ("f",), "f", "Freeze", "View", "freeze the display; the run and its counts go on"),
    Action("pause", ("p",), "p", "Pause", "Run", "pause or resume the station"),
    Action("pause_run", ("P",), "P", "Pause all", "Run", "pause or resume the whole run"),
    Action("retry", ("r",), "r", "Retry", "Run", "try the station's failed jobs again"),
    Action("retry_all", ("R",), "R", "", "Run", "try all failed jobs again"),
    Action("cancel", ("x",), "x", "Cancel", "Run", "cancel the station's jobs (asks first)"),
    Action("level(1)", ("l",), "l", "", "Log", "log: only more serious lines"),
    Action("level(-1)", ("L",), "L", "", "Log", "log: less serious lines too"),
    Action("follow", ("F",), "F", "", "Log", "log: follow the newest line, or stand still"),
    Action("export", ("e",), "e", "Export", "Files", "write the table as CSV and JSON into the run's folder"),
    Action("picture", ("ctrl+s",), "^s", "", "Files", "save the screen as an SVG picture"),
    Action("theme", ("t",), "t", "Theme", "View", "next theme"),
    Action("palette", ("ctrl+p",), "^p", "Palette", "Help", "command palette", False),
    Action("help", ("question_mark", "f1"), "? F1", "Help", "Help", "this help"),
    Action(
        "quit", ("q", "ctrl+q"), "q", "Quit", "Help", "leave: detach, drain or stop; at once when the run has ended"
    ),
)
FOOTER_ORDER = (
    *("help", "quit", "filter", "sort", "pause", "retry", "cancel", "freeze"),
    *("export", "pause_run", "theme", "palette"),
)
"""Which footer entries stay when there is not room for all: the first ones."""
_BY_NAME = {action.name: action for action in ACTIONS}
CONTROLS = frozenset({"pause", "pause_run", "retry", "retry_all", "cancel"})


def bindings() -> list[Binding]:
    """The table as Textual bindings of the dashboard screen."""
    return [Binding(",".join(a.keys), a.name, a.help, show=False) for a in ACTIONS]


def footer_actions(width: int) -> list[Action]:
    """The actions a footer of `width` columns has room for, in the order of the table."""
    kept: set[str] = set()
    used = 1
    for name in FOOTER_ORDER:
        action = _BY_NAME[name]
        need = footer_width(action)
        if used + need > width:
            break
        kept.add(name)
        used += need
    return [action for action in ACTIONS if action.name in kept]


def footer_width(action: Action) -> int:
    return len(footer_key(action)) + len(action.footer) + 3


def footer_key(action: Action) -> str:
    return action.shown.split()[0]


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action makes sense: the mode, the run's phase, the selected station's status."""

    mode: str
    phase: str
    feed: str
    station: str | None
    failed: int


def why_not(action: str, now: Situation) -> str | None:
    """Why an action cannot be done now; None if it can."""
    if action not in CONTROLS:
        return None
    if now.mode == "replay":
        return "this is a recorded run: there is no engine to control"
    if now.phase in ("done", "partial", "failed", "interrupted"):
        return "the run has ended; run the same command again to fetch what is left"
    if now.phase == "starting":
        return "the engine is still starting"
    if now.feed == "LOST":
        return "the engine is gone; run the same command again to resume"
    if now.phase == "draining" and action in ("pause", "pause_run", "retry", "retry_all"):
        return "the run is draining: it ends when what is in flight is done"
    return _why_not_station(action, now)


def _why_not_station(action: str, now: Situation) -> str | None:
    if action == "retry_all":
        return None if now.failed else "no station has failed"
    if action == "pause_run":
        return None
    if now.station is None:
        return "no station is selected"
    if action == "retry" and now.station not in ("failed", "cancelled"):
        return "only a failed or cancelled station can be retried"
    if action in ("pause", "cancel") and now.station in ("done", "failed", "cancelled"):
        return f"this station is {now.station}: there is nothing to {action}"
    return None
