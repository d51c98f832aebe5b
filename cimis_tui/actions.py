"""Every action of the console in one table: bindings, footer, help, palette and the key tables of the documents are
made from it. `keymap` gives its actions other keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.binding import Binding

from cimis_tui.reasons import CONTROLS, Situation, offered, why_not


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
_LISTS = frozenset({"dashboard", "station", "runs", "alerts", "logs", "store"})
"""The views with rows to move in; those with more of a list say so here."""

_STATIONS = _ALL - {"runs"}
"""The views that show a station which keys act on."""
_TABLES = frozenset({"dashboard", "runs", "store"})
"""The views with a table to sort."""
_LOGS = frozenset({"dashboard", "station"})
"""The views with a log beside other things."""


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the method `action_<name>` of the screen. `footer` is its short label there, empty for none.

    `shown`: its keys for a person, the footer shows the first word. `views`: on which screens it works. `id` is its
    name in `[keys]` of `cimis.toml` and never changes; where none is given it is `<screen>.<name>`, or `console.<name>`
    for what works everywhere. What works on some screens needs one, or it would change with the next screen.
    `replay`: it steers a recorded run, and has the first word on its keys there.
    """

    name: str
    keys: tuple[str, ...]
    shown: str
    footer: str
    group: str
    help: str
    palette: bool = True
    views: frozenset[str] = _ALL
    id: str = ""
    replay: bool = False

    def __post_init__(self) -> None:
        if not self.id:
            (place,) = self.views if len(self.views) == 1 else ("console",)
            object.__setattr__(self, "id", f"{place}.{self.name}")


def _on(*views: str) -> frozenset[str]:
    return frozenset(views)


ACTIONS = (
    *(
        Action(f"view('{v.name}')", (v.key,), v.key, "", "Screens", f"{v.name}: {v.help}", id=f"go.{v.name}")
        for v in VIEWS
    ),
    Action(
        "back",
        ("escape", "backspace"),
        "esc ⌫",
        "Back",
        "Screens",
        "back",
        False,
        _BUT_DASHBOARD - {"coverage"},
        "go.back",
    ),
    # replay, before all else
    Action(
        "play",
        ("space",),
        "space",
        "Play",
        "Replay",
        "play a recorded run, or stand still",
        views=_ALL - {"runs"},
        id="replay.play",
        palette=False,
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
        id="replay.on",
        replay=True,
    ),
    Action(
        "step(-1)",
        ("left_square_bracket",),
        "[",
        "",
        "Replay",
        "one event back",
        views=_on("dashboard"),
        id="replay.back",
        replay=True,
    ),
    Action(
        "speed(1)",
        ("right_curly_bracket",),
        "}",
        "Speed",
        "Replay",
        "faster, up to 64x and as fast as it goes",
        id="replay.faster",
        replay=True,
    ),
    Action("speed(-1)", ("left_curly_bracket",), "{", "", "Replay", "slower", id="replay.slower", replay=True),
    Action(
        "goto",
        ("g",),
        "g",
        "Go to",
        "Replay",
        "go to a moment (Home: first row); the bar takes clicks, too",
        views=_ALL - {"data"},
        id="replay.goto",
        palette=False,
        replay=True,
    ),
    Action("home_run", ("B",), "B", "Home run", "Screens", "back to the run first opened", id="replay.home"),
    # dashboard
    Action("open", ("enter",), "↵", "Detail", "Screens", "the station in detail", views=_on("dashboard")),
    Action("move(-1)", ("k", "up"), "k ↑", "", "Move", "one row up", False, _LISTS, "move.up"),
    Action("move(1)", ("j", "down"), "j ↓", "", "Move", "one row down", False, _LISTS, "move.down"),
    Action("page(-1)", ("pageup",), "PgUp", "", "Move", "one page up", False, _LISTS, "move.page_up"),
    Action("page(1)", ("pagedown",), "PgDn", "", "Move", "one page down", False, _LISTS, "move.page_down"),
    Action("end(False)", ("g", "home"), "g", "", "Move", "first row", False, _LISTS, "move.first"),
    Action("end(True)", ("G", "end"), "G", "", "Move", "last row", False, _LISTS, "move.last"),
    Action(
        "filter",
        ("slash",),
        "/",
        "Filter",
        "View",
        "filter: text, !text, state:retry, ttfb>1000",
        views=_on("dashboard"),
    ),
    Action(
        "clear",
        ("escape", "backspace"),
        "esc ⌫",
        "",
        "View",
        "clear the marks, else the filter",
        views=_on("dashboard"),
    ),
    Action("sort", ("s",), "s", "Sort", "View", "sort by the next column", views=_TABLES, id="sort.next"),
    Action(
        "sort_left",
        ("less_than_sign",),
        "<",
        "",
        "View",
        "sort by the column to the left",
        views=_TABLES,
        id="sort.left",
    ),
    Action(
        "sort_right",
        ("greater_than_sign",),
        ">",
        "",
        "View",
        "sort by the column to the right",
        views=_TABLES,
        id="sort.right",
    ),
    Action("reverse", ("S",), "S", "", "View", "turn the order around", views=_TABLES, id="sort.reverse"),
    Action(
        "mark",
        ("space",),
        "space",
        "Mark",
        "Run",
        "mark the station, or not: keys act on all that are marked",
        views=_on("dashboard"),
        id="station.mark",
    ),
    Action(
        "mark_all",
        ("asterisk",),
        "*",
        "",
        "Run",
        "mark all stations that the filter shows",
        views=_on("dashboard"),
        id="station.mark_all",
    ),
    Action("unmark", ("u",), "u", "", "Run", "mark none", views=_on("dashboard"), id="station.unmark"),
    Action(
        "concurrency(1)",
        ("plus", "equals_sign"),
        "+ =",
        "",
        "Run",
        "one more request in flight at most",
        views=_on("dashboard"),
        id="run.more",
    ),
    Action(
        "concurrency(-1)",
        ("minus",),
        "-",
        "",
        "Run",
        "one request in flight less at most",
        views=_on("dashboard"),
        id="run.less",
    ),
    Action(
        "undo",
        ("z",),
        "z",
        "",
        "Run",
        "undo the last pause, resume or change of the limit, within 10 s",
        views=_on("dashboard"),
        id="run.undo",
    ),
    Action("level(1)", ("l",), "l", "", "Log", "log: only more serious lines", views=_LOGS, id="log.level_up"),
    Action("level(-1)", ("L",), "L", "", "Log", "log: less serious lines too", views=_LOGS, id="log.level_down"),
    Action(
        "follow",
        ("F",),
        "F",
        "",
        "Log",
        "log: follow the newest line, or stand still",
        views=_LOGS,
        id="log.follow",
    ),
    # station
    Action(
        "station(-1)",
        ("left_square_bracket",),
        "[",
        "Previous",
        "Station",
        "the station before",
        views=_on("station"),
        id="station.previous",
    ),
    Action(
        "station(1)",
        ("right_square_bracket",),
        "]",
        "Next",
        "Station",
        "the next station",
        views=_on("station"),
        id="station.next",
    ),
    Action("open", ("enter",), "↵", "Facts", "Station", "every fact of the attempt", views=_on("station")),
    Action("zoom", ("z",), "z", "Zoom", "View", "the attempts alone, or with all panels", views=_on("station")),
    Action("scale(1)", ("plus",), "+", "Finer", "View", "a finer time scale", views=_on("station"), id="station.finer"),
    Action(
        "scale(-1)",
        ("minus",),
        "-",
        "Coarser",
        "View",
        "a coarser time scale",
        views=_on("station"),
        id="station.coarser",
    ),
    Action("copy", ("c",), "c", "Copy", "Files", "copy the attempt as JSON (OSC 52)", views=_on("station")),
    # coverage
    Action("open", ("enter",), "↵", "Story", "Screens", "all that is known of the chunk", views=_on("coverage")),
    Action("move(-1)", ("k", "up"), "k ↑", "", "Move", "one station up", False, _on("coverage"), id="coverage.up"),
    Action("move(1)", ("j", "down"), "j ↓", "", "Move", "one station down", False, _on("coverage"), id="coverage.down"),
    Action(
        "aside(-1)",
        ("h", "left"),
        "h ←",
        "",
        "Move",
        "back in time",
        False,
        _on("coverage"),
        id="coverage.back_in_time",
    ),
    Action(
        "aside(1)", ("l", "right"), "l →", "", "Move", "on in time", False, _on("coverage"), id="coverage.on_in_time"
    ),
    Action("page(-1)", ("pageup",), "PgUp", "", "Move", "one page up", False, _on("coverage"), id="coverage.page_up"),
    Action(
        "page(1)", ("pagedown",), "PgDn", "", "Move", "one page down", False, _on("coverage"), id="coverage.page_down"
    ),
    Action("end(False)", ("g",), "g", "", "Move", "first station", False, _on("coverage"), id="coverage.first"),
    Action("end(True)", ("G",), "G", "", "Move", "last station", False, _on("coverage"), id="coverage.last"),
    Action(
        "edge(False)",
        ("home", "circumflex_accent"),
        "^ Home",
        "",
        "Move",
        "first column",
        False,
        _on("coverage"),
        id="coverage.first_column",
    ),
    Action(
        "edge(True)",
        ("end", "dollar_sign"),
        "$ End",
        "",
        "Move",
        "last column",
        False,
        _on("coverage"),
        id="coverage.last_column",
    ),
    Action(
        "zoom(1)",
        ("plus", "equals_sign", "z"),
        "+ z",
        "Nearer",
        "View",
        "zoom in",
        views=_on("coverage"),
        id="coverage.nearer",
    ),
    Action(
        "zoom(-1)", ("minus", "Z"), "- Z", "Farther", "View", "zoom out", views=_on("coverage"), id="coverage.farther"
    ),
    Action("interval", ("i",), "i", "Interval", "View", "daily or hourly records", views=_on("coverage")),
    Action("scope", ("o",), "o", "Scope", "View", "every station and year, or what is stored", views=_on("coverage")),
    Action("filter", ("slash",), "/", "Filter", "View", "filter: text, !text, state:failed", views=_on("coverage")),
    Action(
        "clear_filter", ("escape", "backspace"), "esc ⌫", "Back", "View", "filter off, then back", views=_on("coverage")
    ),
    # map
    Action("open", ("enter",), "↵", "Detail", "Screens", "the selected station in detail", views=_on("map")),
    Action("pan(-1,0)", ("h", "left"), "h ←", "", "Move", "the map: to the west", False, _on("map"), id="map.west"),
    Action("pan(1,0)", ("l", "right"), "l →", "", "Move", "the map: to the east", False, _on("map"), id="map.east"),
    Action("pan(0,-1)", ("k", "up"), "k ↑", "", "Move", "the map: to the north", False, _on("map"), id="map.north"),
    Action("pan(0,1)", ("j", "down"), "j ↓", "", "Move", "the map: to the south", False, _on("map"), id="map.south"),
    Action(
        "turn(1)", ("tab",), "tab", "Next", "Move", "select the next station by number", views=_on("map"), id="map.next"
    ),
    Action(
        "turn(-1)", ("shift+tab",), "⇧tab", "", "Move", "select the station before", views=_on("map"), id="map.previous"
    ),
    Action("nearest", ("n",), "n", "Nearest", "Move", "select the station nearest to the middle", views=_on("map")),
    Action("zoom(1)", ("plus", "equals_sign"), "+", "Nearer", "View", "zoom in", views=_on("map"), id="map.nearer"),
    Action("zoom(-1)", ("minus",), "-", "Farther", "View", "zoom out", views=_on("map"), id="map.farther"),
    Action("whole", ("z",), "z", "Whole", "View", "the whole state again", views=_on("map")),
    # data
    Action("item", ("i",), "i", "Item", "Series", "pick the data item", views=_on("data")),
    Action(
        "overlay", ("o",), "o", "Second", "Series", "pick a second item or station to lay over it", views=_on("data")
    ),
    Action("interval", ("H",), "H", "Hours", "Series", "hourly records, or daily ones again", views=_on("data")),
    Action(
        "station(1)",
        ("right_square_bracket",),
        "]",
        "Next",
        "Series",
        "next station with data",
        views=_on("data"),
        id="data.next",
    ),
    Action(
        "station(-1)",
        ("left_square_bracket",),
        "[",
        "",
        "Series",
        "station with data before",
        views=_on("data"),
        id="data.previous",
    ),
    Action("severe", ("Q",), "Q", "", "Series", "hide values flagged severe, or show them", views=_on("data")),
    *(
        Action(
            f"range('{word}')", (key,), key, "", "Window", f"{text} at the cursor", views=_on("data"), id=f"data.{word}"
        )
        for key, word, text in (
            ("d", "day", "the day (hourly records)"),
            ("w", "week", "the week"),
            ("m", "month", "the month"),
            ("y", "year", "the year"),
        )
    ),
    Action("range('all')", ("a",), "a", "All", "Window", "all that is stored", views=_on("data"), id="data.all"),
    Action(
        "zoom(0.5)",
        ("plus", "equals_sign"),
        "+",
        "Zoom",
        "Window",
        "half as long, about the cursor",
        views=_on("data"),
        id="data.nearer",
    ),
    Action("zoom(2.0)", ("minus",), "-", "", "Window", "twice as long", views=_on("data"), id="data.farther"),
    Action(
        "shift(-0.25)", ("h", "left"), "h ←", "", "Window", "a quarter earlier", False, _on("data"), id="data.earlier"
    ),
    Action("shift(0.25)", ("l", "right"), "l →", "", "Window", "a quarter later", False, _on("data"), id="data.later"),
    Action(
        "shift(-1.0)",
        ("k", "up", "pageup"),
        "k ↑",
        "",
        "Window",
        "the whole window earlier",
        False,
        _on("data"),
        id="data.window_earlier",
    ),
    Action(
        "shift(1.0)",
        ("j", "down", "pagedown"),
        "j ↓",
        "",
        "Window",
        "the whole window later",
        False,
        _on("data"),
        id="data.window_later",
    ),
    Action(
        "edge(False)",
        ("home",),
        "Home",
        "",
        "Window",
        "where what is stored begins",
        False,
        _on("data"),
        id="data.begin",
    ),
    Action("edge(True)", ("end",), "End", "", "Window", "where what is stored ends", False, _on("data"), id="data.end"),
    Action("date", ("g",), "g", "Date", "Window", "go to a date", views=_on("data")),
    Action(
        "cursor(-1)",
        ("comma",),
        ",",
        "",
        "Cursor",
        "cursor one column to the left",
        False,
        _on("data"),
        id="data.cursor_left",
    ),
    Action(
        "cursor(1)",
        ("full_stop",),
        ".",
        "",
        "Cursor",
        "cursor one column to the right",
        False,
        _on("data"),
        id="data.cursor_right",
    ),
    Action(
        "record(-1)",
        ("less_than_sign",),
        "<",
        "",
        "Cursor",
        "cursor one record back",
        False,
        _on("data"),
        id="data.record_back",
    ),
    Action(
        "record(1)",
        ("greater_than_sign",),
        ">",
        "",
        "Cursor",
        "cursor one record on",
        False,
        _on("data"),
        id="data.record_on",
    ),
    # runs
    Action("mark", ("space",), "space", "Mark", "Runs", "mark the run as A, then another as B", views=_on("runs")),
    Action(
        "compare", ("d",), "d", "Compare", "Runs", "compare A with B: what is better, worse, changed", views=_on("runs")
    ),
    Action("open_run", ("enter",), "↵", "Replay", "Runs", "open the run: a recorded one is played", views=_on("runs")),
    # alerts
    Action(
        "open",
        ("enter",),
        "↵",
        "Go to it",
        "Screens",
        "where the alert comes from: the station, or the dashboard",
        views=_on("alerts"),
    ),
    Action(
        "acknowledge",
        ("a",),
        "a",
        "Ack",
        "Alerts",
        "acknowledge the alert: it was seen, and asks no more",
        views=_on("alerts"),
        id="alert.acknowledge",
    ),
    Action(
        "acknowledge_all",
        ("A",),
        "A",
        "Ack all",
        "Alerts",
        "acknowledge all alerts that fire",
        views=_on("dashboard", "alerts"),
        id="alert.acknowledge_all",
    ),
    Action(
        "mute",
        ("m",),
        "m",
        "Mute",
        "Alerts",
        "mute the alert for ten minutes, or no longer",
        views=_on("alerts"),
        id="alert.mute",
    ),
    # logs
    Action("open", ("enter",), "↵", "Station", "Log", "the station of the line, in detail", views=_on("logs")),
    Action("filter", ("slash",), "/", "Filter", "Log", "choose lines: text, !text, station:62", views=_on("logs")),
    Action("level(1)", ("l",), "l", "Level", "Log", "only more serious lines", views=_on("logs"), id="logs.level_up"),
    Action("level(-1)", ("L",), "L", "", "Log", "less serious lines too", views=_on("logs"), id="logs.level_down"),
    Action("follow", ("F",), "F", "Follow", "Log", "follow the newest line, or stand still", views=_on("logs")),
    Action(
        "error(1)", ("n",), "n", "Next error", "Log", "the next error below", views=_on("logs"), id="logs.next_error"
    ),
    Action("error(-1)", ("N",), "N", "", "Log", "the error above", views=_on("logs"), id="logs.previous_error"),
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
    Action(
        "pause",
        ("p",),
        "p",
        "Pause",
        "Run",
        "pause or resume the station, or those marked",
        views=_STATIONS,
        id="station.pause",
    ),
    Action("pause_run", ("P",), "P", "Pause all", "Run", "pause or resume the whole run", id="run.pause"),
    Action(
        "retry",
        ("r",),
        "r",
        "Retry",
        "Run",
        "try the failed jobs of the station, or of those marked, again",
        views=_STATIONS,
        id="station.retry",
    ),
    Action("retry_all", ("R",), "R", "", "Run", "try all failed jobs again", id="run.retry"),
    Action(
        "cancel",
        ("x",),
        "x",
        "Cancel",
        "Run",
        "cancel the jobs of the station, or of those marked (asks first)",
        views=_STATIONS,
        id="station.cancel",
    ),
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
    *("help", "quit", "back", "clear_filter", "open", "filter", "sort", "pause", "retry", "cancel", "freeze"),
    *("mark", "export", "pause_run", "theme", "palette", "acknowledge_all"),
)
"""Which footer entries stay when there is not room for all: the first ones, then a view's own in their order."""


def actions_of(view: str, table: Sequence[Action] = ACTIONS) -> list[Action]:
    """What can be done on a screen, in the order of the table."""
    return [action for action in table if view in action.views]


def bindings(view: str) -> list[Binding]:
    """The table as Textual bindings of a screen; the app's key map may give them other keys."""
    return [Binding(",".join(a.keys), a.name, a.help, show=False, id=a.id) for a in actions_of(view)]


_SPELLED = str.maketrans({"↵": "Enter", "⌫": "BS", "↑": "Up", "↓": "Down", "←": "Left", "→": "Right", "⇧": "shift+"})


def spelled(table: Sequence[Action]) -> tuple[Action, ...]:
    """The table with keys shown by their names, for a terminal that has no signs for them."""
    return tuple(replace(action, shown=action.shown.translate(_SPELLED)) for action in table)


def footer_actions(
    width: int,
    view: str = "dashboard",
    table: Sequence[Action] = ACTIONS,
    *,
    now: Situation | None = None,
    replay: bool = False,
    frozen: bool = False,
    away: bool = False,
) -> list[Action]:
    """The actions a footer of `width` columns has room for, in the order of the table, with the words they have there.

    Commands to the engine are there when they can be done `now`; None: nothing is known of the run yet. A `replay` has
    keys that steer it, in place of those and of what else its keys mean. `frozen`: the display is. `away`: it is not
    the run the console was opened on.
    """
    here = actions_of(view, table)
    steer = {key for action in here if action.replay for key in action.keys}

    def acts(action: Action) -> bool:
        if action.name == "home_run":
            return away
        if action.name in CONTROLS:
            return not replay and now is not None and why_not(action.name, now) is None
        if not replay or action.replay:
            return replay or not action.replay
        return not steer.issuperset(action.keys)

    def named(action: Action) -> Action:
        word = "Unfreeze" if frozen and action.name == "freeze" else offered(action.name, now) if now else ""
        return replace(action, footer=word) if word else action

    labelled = [named(action) for action in here if action.footer and acts(action)]
    kept: set[str] = set()
    used = 1
    for action in sorted(labelled, key=lambda action: _footer_rank(action, view)):
        need = footer_width(action)
        if used + need > width:
            break
        kept.add(action.name)
        used += need
    return [action for action in labelled if action.name in kept]


def _footer_rank(action: Action, view: str) -> float:
    """Help, quit, the ways back, open and filter first, then what this view is for, then the rest of `FOOTER_ORDER`.

    Where one looks at a single station, what steers it comes before how it is drawn."""
    own = action.name not in FOOTER_ORDER or action.group.lower() == view
    before = "cancel" if view == "station" else "filter"
    return FOOTER_ORDER.index(before) + 0.5 if own else FOOTER_ORDER.index(action.name)


def footer_width(action: Action) -> int:
    return len(footer_key(action)) + len(action.footer) + 3


def footer_key(action: Action) -> str:
    return action.shown.split()[0]
