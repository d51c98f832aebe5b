"""The strip of vital signs: five cards, or one line where there is no room for cards. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.bars import spark
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, width_of
from cimis_tui.view.frame import Vitals
from cimis_tui.view.header import ENDED


def failed_cell(v: Vitals, calm: str) -> Cell:
    """The share of attempts that failed, marked as the alert rule on it would; `calm`: its role where there is none."""
    rate = v.errors / v.attempts if v.attempts else None
    words = units.percent(rate)
    if rate is None or v.failed_warn is None or rate <= v.failed_warn:
        return Cell(words, calm)
    return Cell(f"▲ {words}", "bad" if v.failed_bad is not None and rate > v.failed_bad else "warn")


def _three(v: Vitals, room: int) -> str:
    numbers = [units.ms(x) for x in v.ttfb]
    return "  ".join(numbers) if sum(map(len, numbers)) + 7 <= room else " ".join(numbers)


def _records(v: Vitals) -> Cell:
    """Records a second; marked where requests are in flight and none has come for long."""
    words = units.ABSENT if v.records_per_s is None else units.count(v.records_per_s)
    return Cell(f"▲ {words}", "warn") if v.stalled else Cell(words, "head")


def _wire(value: float | None) -> str:
    return units.ABSENT if value is None else f"{units.size(value)}/s"


def present_kpi(v: Vitals, width: int, height: int) -> tuple[Line, ...]:
    """Four lines of five cards when `height` is 4, else one line."""
    return _cards(v, width) if height >= 4 else (_one_line(v, width),)


def _cards(v: Vitals, width: int) -> tuple[Line, ...]:
    edges = [width * n // 5 for n in range(6)]
    own = v.own
    engine: tuple[Line, ...] = ((Cell("ended" if v.phase in ENDED else units.ABSENT, "dim"),),)
    if v.engine_rss is not None and v.engine_cpu is not None:
        engine = ((Cell(f"{units.size(v.engine_rss)}", "head"),), (Cell(f"{v.engine_cpu:.0f}% cpu", "text"),))
    lag: Line = (Cell(f"lag {units.ms(v.engine_lag_ms)} ms", "dim"),) if v.engine_lag_ms is not None else ()
    cards: tuple[tuple[str, tuple[Line, ...], Line | None, str], ...] = (
        (
            "records/s" if width < 110 else "records/s whole run" if v.phase in ENDED else "records/s 10 s",
            ((_records(v),), (Cell(f"{units.count(v.records)} fetched", "dim"),)),
            None,
            "records",
        ),
        (
            "wire · ratio" if width < 110 else "wire · compression",
            ((Cell(_wire(v.wire_per_s), "head"),), (Cell(units.ratio(v.ratio), "text"),)),
            None,
            "wire",
        ),
        (
            "TTFB p50 95 99" if v.phase in ENDED or width < 120 else "TTFB 50 95 99 1 min",
            ((Cell(_three(v, edges[3] - edges[2] - 4), "head"), Cell(" ms", "dim")),),
            None,
            "ttfb",
        ),
        (
            "failed tries" if v.phase in ENDED or width < 110 else "failed tries 1 min",
            (
                (failed_cell(v, "head"),),
                (Cell(f"{v.errors} of {v.attempts}", "dim"),),
            ),
            None,
            "errors",
        ),
        (
            "engine · ui",
            (*engine, lag),
            fit(
                (
                    (Cell("ui ", "dim"), Cell(f"{own.cpu_percent:.1f}%", "text")),
                    (Cell(f"{own.rss_bytes / 1e6:.0f} MB", "text"),),
                    (Cell(f"{own.fps:.0f} fps", "dim"),),
                ),
                edges[5] - edges[4] - 4,
                gap=2 if edges[5] - edges[4] > 27 else 1,
            ),
            "",
        ),
    )
    series = {"records": v.records_series, "wire": v.wire_series, "ttfb": v.ttfb_series, "errors": v.errors_series}
    rows: list[list[Cell]] = [[], [], [], []]
    for n, (title, values, below, name) in enumerate(cards):
        inner = edges[n + 1] - edges[n] - 2
        rows[0] += _border_top(title, inner)
        rows[1] += _inside(fit(values, inner - 2, gap=2), inner)
        last = below if below is not None else (Cell(spark(series[name], inner - 2), "spark"),)
        rows[2] += _inside(last, inner)
        rows[3].append(Cell(f"╰{'─' * inner}╯", "track"))
    return tuple(tuple(row) for row in rows)


def _border_top(title: str, inner: int) -> list[Cell]:
    text = pad(title, min(len(title), inner - 3))
    return [Cell("╭─ ", "track"), Cell(text, "key"), Cell(f" {'─' * (inner - 3 - len(text))}╮", "track")]


def _inside(line: Line, inner: int) -> list[Cell]:
    body = clip(line, inner - 2)
    return [Cell("│ ", "track"), *body, Cell(" " * (inner - 1 - width_of(body))), Cell("│", "track")]


def _one_line(v: Vitals, width: int) -> Line:
    parts: list[Line] = [
        (
            _records(v),
            Cell(" rec/s ", "dim"),
            Cell(spark(v.records_series[-16:], 6).strip(), "spark"),
        ),
        (Cell(_wire(v.wire_per_s), "text"), Cell(f" {units.ratio(v.ratio)}", "dim")),
        (Cell("TTFB ", "dim"), Cell("/".join(units.ms(x) for x in v.ttfb), "text"), Cell(" ms", "dim")),
        (Cell("failed ", "dim"), failed_cell(v, "text")),
        (Cell(units.size(v.engine_rss), "text"),) if v.engine_rss is not None else (),
        (Cell("ui ", "dim"), Cell(f"{v.own.cpu_percent:.1f}%", "text")),
    ]
    line = (Cell(" "), *fit(parts, width - 2, gap=2))
    return (*line, Cell(" " * max(0, width - width_of(line))))
