"""The top lines: which run, how it stands, how far, how long yet. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, Line, clip, fit, spread, width_of
from cimis_tui.view.frame import Feed, Vitals
from cimis_tui.view.present import GLYPHS
from cimis_tui.view.steer import in_flight_words

PHASES = {
    "starting": ("·", "STARTING", "dim"),
    "running": ("●", "RUNNING", "run"),
    "paused": ("‖", "PAUSED", "warn"),
    "draining": ("‖", "DRAINING", "warn"),
    "done": ("✓", "DONE", "ok"),
    "partial": ("▲", "PARTIAL", "warn"),
    "failed": ("✗", "FAILED", "bad"),
    "interrupted": ("‖", "INTERRUPTED", "warn"),
}
"""How the run stands → glyph, word, role."""

ENDED = ("done", "partial", "failed", "interrupted")
_FEED = {
    "WAIT": ("·", "dim"),
    "LIVE": ("●", "ok"),
    "STALE": ("▲", "warn"),
    "LOST": ("✗", "bad"),
    "END": ("✓", "dim"),
    "PLAY": ("▶", "run"),
    "HELD": ("‖", "warn"),
    "CUT": ("✗", "bad"),
}
_SAID = {"CUT": "CUT OFF"}
_USUAL = ("WAIT", "LIVE", "PLAY", "END")
"""Feeds that may give way where there is little room."""
_COUNTED = ("running", "slow", "retrying", "failed", "cancelled", "paused", "done", "queued")


def feed_badge(feed: Feed) -> Line:
    glyph, role = _FEED[feed.word]
    age = f" {units.span(feed.age)}" if feed.word in ("STALE", "LOST") else ""
    return (Cell(f"{glyph} {_SAID.get(feed.word, feed.word)}{age}", role),)


def present_header(vitals: Vitals, width: int, height: int, crumb: str = "") -> tuple[Line, ...]:
    """One or two lines of `width` columns. `crumb`: the place in the console, empty on its first screen."""
    return (_identity(vitals, width, crumb), _progress(vitals, width))[:height]


def _identity(v: Vitals, width: int, crumb: str) -> Line:
    glyph, word, role = PHASES[v.phase]
    wide = width >= 110
    left: list[Cell] = [Cell(" cimis ", "head"), Cell("▸ " if wide else "", "dim"), Cell(v.mode, "key")]
    if crumb:
        left += [Cell(" ▸ ", "dim"), Cell(crumb, "key")]
    which = [Cell("  run " if wide else " ", "dim"), Cell(v.run_id, "text")]
    behind = "" if v.held_back is None else f"{units.count(v.held_back)}{' stations' if wide else ''} behind"
    held = [Cell(f"  ◆ FROZEN {behind}", "warn")] if behind else []
    played = v.mode.startswith("replay")
    state: Line = (Cell(f"{glyph} {word}", "dim" if played and v.phase not in ENDED else role),)
    if v.feed.word == "CUT":
        state = ()  # whatever the run was doing when its engine died, it does no more
    duration: Line = (Cell(f"+{units.clock(v.elapsed)}", "text"),)
    over = v.phase in ENDED
    known = v.eta if v.feed.word in _USUAL else None  # what is heard no more says nothing of the future
    eta: Line = () if over else (Cell("ETA ", "dim"), Cell(units.clock(known), "text"))
    pid: Line = (Cell(f"pid {v.pid}", "dim"),) if v.pid is not None and not over and not played else ()
    feed = feed_badge(v.feed)
    time: Line = (Cell(f"{units.of_day(v.now)}Z", "dim"),)
    parts = [state, pid, feed, time, duration, eta] if wide else [state, duration, eta, feed]
    gap = 3 if wide else 2
    if v.feed.word not in _USUAL:  # what is wrong with the feed says how far to trust all the rest
        parts = parts if wide else [state, feed, duration, eta]
        room = width - width_of(state) - width_of(feed) - gap - 3
        which = which if width_of(left) + width_of(which) <= room else []
        left = [*clip(left, room)]
    left += [*which, *held]
    room = width - width_of(left) - 2
    for least in (pid, time):  # first what matters least
        if sum(width_of(part) + gap for part in parts if part) - gap > room:
            parts = [part for part in parts if part != least]
    right = fit(parts, room, gap=gap)
    return spread(left, (*right, Cell(" ")), width)


def _progress(v: Vitals, width: int) -> Line:
    wide = width >= 110
    counts, gap = _counts(v, words=wide, of_stations=wide, done=width >= 100), 3 if wide else 2
    if wide and sum(width_of(c) + gap for c in counts) > width - 19:  # closer together, so that all of it stays
        counts, gap = _counts(v, words=True, of_stations=False, done=True), 2
    wanted = width - 9 - sum(width_of(c) + 3 for c in counts)
    room = max(8, width // 5) if width < 70 else max(10, min(44, wanted))
    apart = "  " if width < 70 else "   "
    tail = fit(counts, width - room - 7 - len(apart), gap=gap)
    filled, track = bar(v.progress, room)
    percent = f" {int(v.progress * 100):3d}%"
    line = (Cell(" "), Cell(filled, "bar"), Cell(track, "track"), Cell(percent, "head"), Cell(apart), *tail)
    return (*line, Cell(" " * max(0, width - width_of(line))))


def _counts(v: Vitals, *, words: bool, of_stations: bool, done: bool) -> list[Line]:
    """Stations done, those in each state, requests in flight."""
    share = f"{v.by_status.get('done', 0)}/{v.stations}"
    counts: list[Line] = [(Cell(share, "head"), Cell(" stations" if of_stations else "", "dim"))]
    for status in _COUNTED:
        number = v.by_status.get(status, 0)
        if number and (status != "done" or done):
            glyph, word, role = GLYPHS[status]
            counts.append((Cell(f"{glyph} {number}", role), Cell(f" {word}" if words else "", "dim")))
    if v.limit and v.phase not in ENDED:
        counts.append((Cell(in_flight_words(v.in_flight, v.limit, v.ceiling), "text" if v.in_flight else "dim"),))
    return counts
