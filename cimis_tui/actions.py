"""Every action of the dashboard in one table: bindings, footer, help and palette are made from it.

`why_not` says, in words for a person, why an action cannot be done now; nothing is ever silently dead.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class View:
    """A screen one can go to. `name` names it in `Action.views`; `place` is `module:class` in `cimis_tui.screens`."""

    name: str
    key: str
    help: str
    place: str


VIEWS = (
    View("dashboard", "1", "the run: every station, its phases, the log", "dashboard:DashboardScreen"),
    View("station", "2", "one station: each attempt's phases as a waterfall", "station:StationScreen"),
    View("coverage", "3", "what is stored, station by year", "coverage:CoverageScreen"),
    View("map", "4", "the stations on a map, as they are now", "map:MapScreen"),
    View("data", "5", "a stored series as a plot", "data:DataScreen"),
    View("runs", "6", "runs of this data directory: compare, replay", "runs:RunsScreen"),
    View("alerts", "7", "alerts and their rules", "alerts:AlertsScreen"),
    View("logs", "8", "the whole log, by level and words", "logs:LogsScreen"),
    View("store", "9", "the stored chunks: size, digest, verify", "store:StoreScreen"),
)
VIEW = {view.name: view for view in VIEWS}
_ALL = frozenset(VIEW)
_BUT_DASHBOARD = _ALL - {"dashboard"}
_LISTS = frozenset({"dashboard", "station", "runs", "logs", "store"})
"""The views with rows to move in; those with more of a list say so here."""

_TABLES = frozenset({"dashboard", "runs", "store"})
"""The views with a table to sort."""
_LOGS = frozenset({"dashboard", "station"})
"""The views with a log beside other things."""


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the method `action_<name>` of the screen. `footer` is its short label there, empty for none.

    `views`: on which screens it works. `replay`: it steers a recorded run, and has the first word on its keys there.
    """

    name: str
    keys: tuple[str, ...]
    shown: str
    footer: str
    group: str
    help: str
    palette: bool = True
    views: frozenset[str] = _ALL
    replay: bool = False


def _on(*views: str) -> frozenset[str]:
    return frozenset(views)


ACTIONS = (
    *(Action(f"view('{v.name}')", (v.key,), v.key, "", "Screens", f"{v.name}: {v.help}") for v in VIEWS),
    Action("back", ("escape", "backspace"), "esc ⌫", "Back", "Screens", "back", False, _BUT_DASHBOARD),
    # replay, before all else
    Action(
        "play",
        ("space",),
        "space",
        "Play",
        "Replay",
        "play a recorded run, or stand still",
        views=_ALL - {"runs"},
        replay=True,
    ),
    Action(
        "step(1)",
        ("right_square_bracket",),
        "]",
        "",
        "Replay",
        "one event on, a second at most",
        views=_on("dashboard"),
        replay=True,
    ),
    Action(
        "step(-1)", ("left_square_bracket",), "[", "", "Replay", "one event back", views=_on("dashboard"), replay=True
    ),
    Action(
        "speed(1)",
        ("right_curly_bracket",),
        "}",
        "Speed",
        "Replay",
        "faster, up to 64x and as fast as it goes",
        replay=True,
    ),
    Action("speed(-1)", ("left_curly_bracket",), "{", "", "Replay", "slower", replay=True),
    Action(
        "goto",
        ("g",),
        "g",
        "Go to",
        "Replay",
        "go to a moment (Home: first row); the bar takes clicks, too",
        views=_ALL - {"data"},
        replay=True,
    ),
    Action("home_run", ("B",), "B", "", "Replay", "back to the run this console was opened on"),
    # dashboard
    Action("open", ("enter",), "↵", "Detail", "Screens", "the station in detail", views=_on("dashboard")),
    Action("move(-1)", ("k", "up"), "k ↑", "", "Move", "one row up", False, _LISTS),
    Action("move(1)", ("j", "down"), "j ↓", "", "Move", "one row down", False, _LISTS),
    Action("page(-1)", ("pageup",), "PgUp", "", "Move", "one page up", False, _LISTS),
    Action("page(1)", ("pagedown",), "PgDn", "", "Move", "one page down", False, _LISTS),
    Action("end(False)", ("g", "home"), "g", "", "Move", "first row", False, _LISTS),
    Action("end(True)", ("G", "end"), "G", "", "Move", "last row", False, _LISTS),
    Action(
        "filter",
        ("slash",),
        "/",
        "Filter",
        "View",
        "filter: text, !text, state:retry, ttfb>1000",
        views=_on("dashboard"),
    ),
    Action("clear_filter", ("escape", "backspace"), "esc ⌫", "", "View", "clear the filter", views=_on("dashboard")),
    Action("sort", ("s",), "s", "Sort", "View", "sort by the next column", views=_TABLES),
    Action("sort_left", ("less_than_sign",), "<", "", "View", "sort by the column to the left", views=_TABLES),
    Action("sort_right", ("greater_than_sign",), ">", "", "View", "sort by the column to the right", views=_TABLES),
    Action("reverse", ("S",), "S", "", "View", "turn the order around", views=_TABLES),
    Action("level(1)", ("l",), "l", "", "Log", "log: only more serious lines", views=_LOGS),
    Action("level(-1)", ("L",), "L", "", "Log", "log: less serious lines too", views=_LOGS),
    Action("follow", ("F",), "F", "", "Log", "log: follow the newest line, or stand still", views=_LOGS),
    # station
    Action(
        "station(-1)", ("left_square_bracket",), "[", "Previous", "Station", "the station before", views=_on("station")
    ),
    Action("station(1)", ("right_square_bracket",), "]", "Next", "Station", "the next station", views=_on("station")),
    Action("open", ("enter",), "↵", "Facts", "Station", "every fact of the attempt", views=_on("station")),
    Action("zoom", ("z",), "z", "Zoom", "View", "the attempts alone, or with all panels", views=_on("station")),
    Action("scale(1)", ("plus",), "+", "Finer", "View", "a finer time scale", views=_on("station")),
    Action("scale(-1)", ("minus",), "-", "Coarser", "View", "a coarser time scale", views=_on("station")),
    Action("copy", ("c",), "c", "Copy", "Files", "copy the attempt as JSON (OSC 52)", views=_on("station")),
    # coverage
    # map
    # data
    Action("item", ("i",), "i", "Item", "Series", "pick the data item", views=_on("data")),
    Action(
        "overlay", ("o",), "o", "Second", "Series", "pick a second item or station to lay over it", views=_on("data")
    ),
    Action("interval", ("H",), "H", "Hours", "Series", "hourly records, or daily ones again", views=_on("data")),
    Action("station(1)", ("right_square_bracket",), "]", "Next", "Series", "next station with data", views=_on("data")),
    Action("station(-1)", ("left_square_bracket",), "[", "", "Series", "station with data before", views=_on("data")),
    Action("severe", ("Q",), "Q", "", "Series", "hide values flagged severe, or show them", views=_on("data")),
    *(
        Action(f"range('{word}')", (key,), key, "", "Window", f"{text} at the cursor", views=_on("data"))
        for key, word, text in (
            ("d", "day", "the day (hourly records)"),
            ("w", "week", "the week"),
            ("m", "month", "the month"),
            ("y", "year", "the year"),
        )
    ),
    Action("range('all')", ("a",), "a", "All", "Window", "all that is stored", views=_on("data")),
    Action(
        "zoom(0.5)", ("plus", "equals_sign"), "+", "Zoom", "Window", "half as long, about the cursor", views=_on("data")
    ),
    Action("zoom(2.0)", ("minus",), "-", "", "Window", "twice as long", views=_on("data")),
    Action("shift(-0.25)", ("h", "left"), "h ←", "", "Window", "a quarter earlier", False, _on("data")),
    Action("shift(0.25)", ("l", "right"), "l →", "", "Window", "a quarter later", False, _on("data")),
    Action("shift(-1.0)", ("k", "up", "pageup"), "k ↑", "", "Window", "the whole window earlier", False, _on("data")),
    Action("shift(1.0)", ("j", "down", "pagedown"), "j ↓", "", "Window", "the whole window later", False, _on("data")),
    Action("edge(False)", ("home",), "Home", "", "Window", "where what is stored begins", False, _on("data")),
    Action("edge(True)", ("end",), "End", "", "Window", "where what is stored ends", False, _on("data")),
    Action("date", ("g",), "g", "Date", "Window", "go to a date", views=_on("data")),
    Action("cursor(-1)", ("comma",), ",", "", "Cursor", "cursor one column to the left", False, _on("data")),
    Action("cursor(1)", ("full_stop",), ".", "", "Cursor", "cursor one column to the right", False, _on("data")),
    Action("record(-1)", ("less_than_sign",), "<", "", "Cursor", "cursor one record back", False, _on("data")),
    Action("record(1)", ("greater_than_sign",), ">", "", "Cursor", "cursor one record on", False, _on("data")),
    # runs
    Action("mark", ("space",), "space", "Mark", "Runs", "mark the run as A, then another as B", views=_on("runs")),
    Action(
        "compare", ("d",), "d", "Compare", "Runs", "compare A with B: what is better, worse, changed", views=_on("runs")
    ),
    Action("open_run", ("enter",), "↵", "Replay", "Runs", "open the run: a recorded one is played", views=_on("runs")),
    # alerts
    # logs
    Action("open", ("enter",), "↵", "Station", "Log", "the station of the line, in detail", views=_on("logs")),
    Action("filter", ("slash",), "/", "Filter", "Log", "choose lines: text, !text, station:62", views=_on("logs")),
    Action("level(1)", ("l",), "l", "Level", "Log", "only more serious lines", views=_on("logs")),
    Action("level(-1)", ("L",), "L", "", "Log", "less serious lines too", views=_on("logs")),
    Action("follow", ("F",), "F", "Follow", "Log", "follow the newest line, or stand still", views=_on("logs")),
    Action("error(1)", ("n",), "n", "Next error", "Log", "the next error below", views=_on("logs")),
    Action("error(-1)", ("N",), "N", "", "Log", "the error above", views=_on("logs")),
    Action("copy", ("c",), "c", "Copy", "Files", "copy the line (OSC 52)", views=_on("logs")),
    # store
    Action("open", ("enter",), "↵", "Plot", "Screens", "the chunk's year as a plot", views=_on("store")),
    Action("verify", ("v",), "v", "Verify", "Store", "verify the chunk under the cursor", views=_on("store")),
    Action("verify_all", ("V",), "V", "Verify all", "Store", "verify the whole store; esc stops", views=_on("store")),
    Action(
        "filter", ("slash",), "/", "Filter", "View", "filter: text, !text, state:damage, year>2010", views=_on("store")
    ),
    # everywhere
    Action("freeze", ("f",), "f", "Freeze", "View", "freeze the display; the run and its counts go on"),
    Action("pause", ("p",), "p", "Pause", "Run", "pause or resume the station"),
    Action("pause_run", ("P",), "P", "Pause all", "Run", "pause or resume the whole run"),
    Action("retry", ("r",), "r", "Retry", "Run", "try the station's failed jobs again"),
    Action("retry_all", ("R",), "R", "", "Run", "try all failed jobs again"),
    Action("cancel", ("x",), "x", "Cancel", "Run", "cancel the station's jobs (asks first)"),
    Action("export", ("e",), "e", "Export", "Files", "write what is shown as CSV and JSON into the run's folder"),
    Action("picture", ("ctrl+s",), "^s", "", "Files", "save the screen as an SVG picture"),
    Action("theme", ("t",), "t", "Theme", "View", "next theme"),
    Action("palette", ("ctrl+p",), "^p", "Palette", "Help", "command palette", False),
    Action("help", ("question_mark", "f1", "0"), "? F1 0", "Help", "Help", "this help"),
    Action(
        "quit", ("q", "ctrl+q"), "q", "Quit", "Help", "leave: detach, drain or stop; at once when the run has ended"
    ),
)
FOOTER_ORDER = (
    *("help", "quit", "back", "open", "filter", "sort", "pause", "retry", "cancel", "freeze"),
    *("export", "pause_run", "theme", "palette"),
)
"""Which footer entries stay when there is not room for all: the first ones, then a view's own in their order."""
STEERING = frozenset({"play", "step", "speed", "goto"})
"""The actions (methods) that steer a replay."""
CONTROLS = frozenset({"pause", "pause_run", "retry", "retry_all", "cancel"})


def actions_of(view: str) -> list[Action]:
    """What can be done on a screen, in the order of the table."""
    return [action for action in ACTIONS if view in action.views]


def bindings(view: str) -> list[Binding]:
    """The table as Textual bindings of a screen."""
    return [Binding(",".join(a.keys), a.name, a.help, show=False) for a in actions_of(view)]


_SPELLED = str.maketrans({"↵": "Enter", "⌫": "BS", "↑": "Up", "↓": "Down", "←": "Left", "→": "Right"})


def spelled(shown: str, plain: bool) -> str:
    """Keys as they are shown; with `plain` by their names, where there are no signs for them."""
    return shown.translate(_SPELLED) if plain else shown


def footer_actions(width: int, view: str = "dashboard", *, plain: bool = False, replay: bool = False) -> list[Action]:
    """The actions a footer of `width` columns has room for, in the order of the table. `plain`: as in `spelled`.

    A `replay` has keys that steer it, in place of those that steer the engine.
    """
    idle = CONTROLS if replay else {action.name for action in ACTIONS if action.replay}
    labelled = [action for action in actions_of(view) if action.footer and action.name not in idle]
    kept: set[str] = set()
    used = 1
    for action in sorted(labelled, key=_footer_rank):
        need = footer_width(action, plain=plain)
        if used + need > width:
            break
        kept.add(action.name)
        used += need
    return [action for action in labelled if action.name in kept]


def _footer_rank(action: Action) -> float:
    """Help, quit, back, open and filter first, then what only this view has, then the rest of `FOOTER_ORDER`."""
    return FOOTER_ORDER.index(action.name) if action.name in FOOTER_ORDER else 4.5


def footer_width(action: Action, *, plain: bool = False) -> int:
    return len(footer_key(action, plain=plain)) + len(action.footer) + 3


def footer_key(action: Action, *, plain: bool = False) -> str:
    return spelled(action.shown.split()[0], plain)


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
    if action in STEERING and now.mode != "replay":
        return "this run is not a recording; 6 lists those that can be replayed"
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
