"""The map: outline, stations and names into lines of cells; and what stands beside it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from cimis_tui.view import units
from cimis_tui.view.braille import Canvas
from cimis_tui.view.california import CITIES, OUTLINE
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, spread, width_of
from cimis_tui.view.places import Chosen, MapFacts, Nowhere, Spot
from cimis_tui.view.present import GLYPHS, RANK
from cimis_tui.view.viewport import Viewport, scale_bar

NAMED_AT_MOST = 40
"""Stations in sight that have their names written; of more, only the selected one."""
MANY = "ⁿ"
"""The number of more than nine stations drawn as one."""
CITY = "▫"
_ON_MAP = {"queued": "○"}
"""Glyphs that are others here: a dot would be one more of the outline's."""
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def mark_of(status: str) -> tuple[str, str]:
    """Glyph and role of a state on the map, where quiet ones must stand out from the dots of the outline."""
    glyph, _, role = GLYPHS[status]
    return _ON_MAP.get(status, glyph), "text" if role == "dim" else role


def outline(view: Viewport) -> list[str]:
    """California's outline in braille; to be kept as long as the view stays."""
    canvas = Canvas(view.columns, view.rows)
    for ring in OUTLINE:
        canvas.path([view.dot(*place) for place in ring])
    return canvas.lines()


@dataclass(slots=True)
class Sheet:
    """What is written over the outline: texts at their places, none over another."""

    columns: int
    rows: int
    written: dict[int, dict[int, tuple[str, str]]] = field(default_factory=lambda: defaultdict(dict))
    taken: set[tuple[int, int]] = field(default_factory=set)

    def write(self, column: int, row: int, text: str, role: str) -> bool:
        """Write where all of it is free and in the picture; whether it was."""
        cells = [(x, row) for x in range(column, column + len(text))]
        if column < 0 or column + len(text) > self.columns or not self.taken.isdisjoint(cells):
            return False
        self.taken.update(cells)
        self.written[row][column] = text, role
        return True

    def beside(self, column: int, row: int, text: str, role: str, wide: int = 1) -> bool:
        """Write to the right of what is `wide` columns, or to the left of it where the right is not free."""
        return self.write(column + wide, row, text, role) or self.write(column - len(text), row, text, role)

    def over(self, ground: Sequence[str]) -> tuple[Line, ...]:
        return tuple(_line(ground[row], self.written.get(row, {})) for row in range(self.rows))


def _line(ground: str, written: dict[int, tuple[str, str]]) -> Line:
    cells: list[Cell] = []
    at = 0
    for column, (text, role) in sorted(written.items()):
        if column > at:
            cells.append(Cell(ground[at:column], "line"))
        cells.append(Cell(text, role))
        at = column + len(text)
    if at < len(ground):
        cells.append(Cell(ground[at:], "line"))
    return tuple(cells)


def by_cell(spots: Sequence[Spot], view: Viewport) -> dict[tuple[int, int], list[Spot]]:
    """The stations in sight by their cell, in each the one that most needs a person first."""
    found: dict[tuple[int, int], list[Spot]] = defaultdict(list)
    for spot in spots:
        cell = view.cell(spot.latitude, spot.longitude)
        if cell is not None:
            found[cell].append(spot)
    for together in found.values():
        together.sort(key=lambda s: (RANK[s.status], s.number))
    return found


def gathered(spots: Sequence[Spot], view: Viewport) -> dict[tuple[int, int], list[Spot]]:
    """The stations in sight as they are drawn: several in one cell are one glyph and, right of it, their number.

    What lies beneath the number is drawn with them and counted, so that a number always belongs to the glyph before it.
    """
    cells = by_cell(spots, view)
    found: dict[tuple[int, int], list[Spot]] = {}
    for column, row in sorted(cells, key=lambda cell: (cell[1], cell[0])):
        together, at = cells[column, row], column
        if len(together) > 1 and column == view.columns - 1:
            at = max(0, column - 1)  # there must be room for the number
        if len(found.get((at - 1, row), ())) > 1:
            at -= 1
        found[at, row] = sorted([*found.get((at, row), ()), *together], key=lambda s: (RANK[s.status], s.number))
    return found


def number_of(together: Sequence[Spot]) -> str:
    """How many stations a glyph stands for, raised; nothing for one."""
    count = len(together)
    return "" if count == 1 else _RAISED[count] if count < len(_RAISED) else MANY


def paint_map(facts: MapFacts, view: Viewport, ground: Sequence[str]) -> tuple[Line, ...]:
    """The picture: `ground` is the view's outline."""
    sheet = Sheet(view.columns, view.rows)
    places = gathered(facts.spots, view)
    mine = facts.chosen.number if facts.chosen else None
    for (column, row), together in places.items():
        glyph, role = mark_of(together[0].status)
        role = "here" if any(s.number == mine for s in together) else role
        _ = sheet.write(column, row, glyph + number_of(together), role) or sheet.write(column, row, glyph, role)
    _add_names(sheet, places, mine)
    for name, place in CITIES:
        cell = view.cell(*place)
        if cell is not None:
            _add_city(sheet, *cell, name)
    return sheet.over(ground)


def _add_names(sheet: Sheet, places: dict[tuple[int, int], list[Spot]], mine: int | None) -> None:
    """The name of the selected station first; the others' where there is room for all of them."""
    few = sum(len(together) for together in places.values()) <= NAMED_AT_MOST
    first = sorted(places.items(), key=lambda item: (all(s.number != mine for s in item[1]), item[1][0].number))
    for (column, row), together in first:
        chosen = next((s for s in together if s.number == mine), None)
        if chosen is None and (not few or len(together) > 1):
            continue
        name, role = f" {(chosen or together[0]).name} ", "here" if chosen else "text"
        sheet.beside(column, row, name, role, 1 + len(number_of(together)))


def _add_city(sheet: Sheet, column: int, row: int, name: str) -> None:
    """Its mark at its place and the name right or left of that; both beside the place where a station is drawn."""
    before, behind = f"{CITY}{name} ", f" {name}{CITY}"
    _ = (
        sheet.write(column, row, before, "dim")
        or sheet.write(column + 1 - len(behind), row, behind, "dim")
        or sheet.write(column + 1, row, before, "dim")
        or sheet.write(column - len(behind), row, behind, "dim")
    )


# beside the map


def map_titles(facts: MapFacts, view: Viewport) -> tuple[str, str]:
    """Of the map's frame: how much is in sight; and the scale."""
    seen = sum(view.cell(s.latitude, s.longitude) is not None for s in facts.spots)
    length, kilometres = scale_bar(view, max(6, view.columns // 4))
    bar = "├" + "─" * max(0, length - 2) + "┤"
    return f"California  {seen} of {len(facts.spots)} in sight", f"zoom {view.zoom}×  {bar} {kilometres} km"


def present_chosen(c: Chosen | None, width: int) -> tuple[Line, ...]:
    """The selected station, in a few lines."""
    if c is None:
        return (clip((Cell("no station selected: tab, n or a click selects one", "dim"),), width),)
    _, word, role = GLYPHS[c.status]
    glyph, _ = mark_of(c.status)
    head = spread((Cell(f"{c.number} {c.name}", "head"),), (Cell(f"{glyph} {word}", role),), width)
    share = f" of {units.count(c.expected)}" if c.expected else ""
    lines: list[Line] = [
        head,
        fit(((Cell(f"{c.county} county" if c.county else "county not known", "dim"),), _elevation(c)), width),
        (_position(c),),
        fit(
            (
                (Cell("pages ", "dim"), Cell(f"{c.pages_done}/{c.pages}")),
                (Cell(f"{units.count(c.records)}{share}"), Cell(" records", "dim")),
            ),
            width,
        ),
        fit((_time("TTFB", c.ttfb), _time("p95 of totals", c.p95)), width),
    ]
    if c.message:
        lines.append((Cell(c.message, "bad" if c.status == "failed" else "warn"),))
    return tuple(clip(line, width) for line in lines)


def _elevation(c: Chosen) -> Line:
    if c.elevation is None:
        return ()
    return (Cell(f"{c.elevation} ft"), Cell(f" ({c.elevation * 0.3048:.0f} m)", "dim"))


def _position(c: Chosen) -> Cell:
    if c.latitude is None or c.longitude is None:
        return Cell("no coordinates in the journal or the directory", "warn")
    north, east = ("N" if c.latitude >= 0 else "S"), ("E" if c.longitude >= 0 else "W")
    return Cell(f"{abs(c.latitude):.4f}° {north}  {abs(c.longitude):.4f}° {east}")


def _time(name: str, value: float | None) -> Line:
    return (Cell(f"{name} ", "dim"), Cell(units.ms(value)), Cell(" ms" if value is not None else "", "dim"))


def present_together(c: Chosen | None, places: Iterable[Sequence[Spot]], width: int) -> list[Line]:
    """Which stations are drawn as one with the selected one; a click selects one."""
    together = next((t for t in places if c and any(s.number == c.number for s in t)), ())
    others = [s for s in together if c and s.number != c.number]
    if not others:
        return []
    line, used = [Cell("drawn with ", "dim")], len("drawn with ")
    for at, spot in enumerate(others):
        text, rest = f"{spot.number} {spot.name}", len(others) - at - 1
        if used + len(text) + (len(f" and {rest} more") if rest else 0) > width:
            line.append(Cell(f" and {rest + 1} more" if at else f"{rest + 1} more", "dim"))
            break
        line += [Cell(", ", "dim")] if at else []
        line.append(Cell(text, "text", f"choose({spot.number})"))
        used += len(text) + 2
    return [clip(line, width)]


def present_legend(facts: MapFacts, most: int, width: int) -> list[Line]:
    """Every state there is of the run's stations, with its count; then what else is drawn on the map.

    `most` is how many stations are drawn as one, at most.
    """
    counts = dict(facts.counts)
    wide = len(str(max(counts.values(), default=0)))
    parts = [
        (Cell(f"{mark_of(s)[0]} ", mark_of(s)[1]), Cell(f"{counts[s]:>{wide}} "), Cell(f"{GLYPHS[s][1]:<7}", "dim"))
        for s in sorted(counts, key=lambda s: RANK[s])
    ]
    across = max(1, (width + 2) // (wide + 12))
    across = ceil(len(parts) / max(1, ceil(len(parts) / across)))  # as many in every line
    lines = [fit(parts[start : start + across], width, gap=2) for start in range(0, len(parts), max(1, across))]
    city: Line = (Cell(f"{CITY} city", "dim"),)
    return [*lines, (*_numbers(most, width - width_of(city) - 2), Cell("  "), *city) if most > 1 else city]


def _numbers(most: int, width: int) -> Line:
    """What a raised number means, in the most words there is room for."""
    over = f", {MANY} over 9" if most >= len(_RAISED) else ""
    said = (
        f" 2 stations there{over}, drawn as the worse",
        f" 2 there{over}, drawn as the worse",
        f" 2 there{over}",
    )
    words = next((s for s in said if len(s) + 2 <= width), said[-1])
    return clip((Cell("✓²", "ok"), Cell(words, "dim")), width)


def present_nowhere(facts: MapFacts, width: int, height: int) -> list[Line]:
    """The stations that cannot be drawn, by name; none is lost."""
    if not facts.nowhere or height <= 0:
        return []
    count = len(facts.nowhere)
    title = f"{count} without coordinates: tab goes to {'it' if count == 1 else 'them'}"
    return _listed(title, "warn", facts.nowhere, width, height)


def present_in_sight(facts: MapFacts, view: Viewport, width: int, height: int) -> list[Line]:
    """The stations in sight by name, those that need a person first; a click selects one."""
    seen = [s for s in facts.spots if view.cell(s.latitude, s.longitude) is not None]
    seen.sort(key=lambda s: (RANK[s.status], s.number))
    if height < 2:
        return []
    if not seen:
        return [clip((Cell("no station in sight: n goes to the nearest, z shows all", "dim"),), width)]
    return _listed("In sight, what needs you first" if height > 3 else "", "dim", seen, width, height)


def _listed(title: str, role: str, stations: Sequence[Spot | Nowhere], width: int, height: int) -> list[Line]:
    """A title, and as many stations as there is room for; how many more there are is said."""
    lines: list[Line] = [(Cell(title, role),)] if title else []
    room = height - len(lines)
    shown = stations if len(stations) <= room else stations[: max(0, room - 1)]
    for station in shown:
        (glyph, tone), pick = mark_of(station.status), f"choose({station.number})"
        name = pad(f"{station.number:>3} {station.name}", max(8, width - 12))
        lines.append((Cell(f"{glyph} ", tone, pick), Cell(f"{name} ", "text", pick), Cell(_word(station), "dim", pick)))
    if len(shown) < len(stations) and room > 0:
        lines.append((Cell(f"… and {len(stations) - len(shown)} more{'' if title else ' in sight'}", "dim"),))
    return [clip(line, width) for line in lines]


def _word(station: Spot | Nowhere) -> str:
    return GLYPHS[station.status][1]


def present_beside(facts: MapFacts, view: Viewport, width: int, height: int) -> tuple[Line, ...]:
    """All that stands beside the map, the selected station first."""
    if not facts.started:
        return (clip((Cell("waiting for the plan…", "dim"),), width),)
    places = list(gathered(facts.spots, view).values())
    head = [*present_chosen(facts.chosen, width), *present_together(facts.chosen, places, width)]
    legend = present_legend(facts, max(map(len, places), default=0), width)
    gap: list[Line] = [()] if height > len(head) + len(legend) + 4 else []
    lines = [*head, *gap, *legend]
    lost = present_nowhere(facts, width, min(4, height - len(lines) - len(gap)))
    lines += [*gap, *lost] if lost else []
    lines += [*gap, *present_in_sight(facts, view, width, height - len(lines) - len(gap))]
    return tuple(lines[:height])
