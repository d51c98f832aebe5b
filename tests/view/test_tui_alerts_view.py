"""Alerts as rows: their order, words with units, what cleared; rules; what becomes critical."""

from __future__ import annotations

from tui_alerts import troubled
from tui_journal import midst

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import in_words
from cimis_engine.run.state import RunState
from cimis_tui.view.alert_bar import present_alerts
from cimis_tui.view.alert_rules import present_rules, rules_title
from cimis_tui.view.alert_words import critical_since
from cimis_tui.view.alerts import AlertFacts, present_alerts_screen
from cimis_tui.view.cells import width_of
from cimis_tui.view.vitals import present_alerts_of


def fold(told: list[ev.Stamped]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)
    return state


def facts() -> AlertFacts:
    state = fold(troubled())
    return present_alerts_screen(state, state.now)


def test_what_needs_a_person_comes_first() -> None:
    assert [(item.key[0], item.state) for item in facts().items] == [
        ("checksum", "firing"),
        ("retry_ratio", "firing"),
        ("memory", "firing"),
        ("fetch_p99", "acknowledged"),
        ("error_rate", "muted"),
        ("compression", "cleared"),
        ("fetch_p50", "ok"),
        ("success_rate", "ok"),
        ("retained", "ok"),
    ]
    assert (facts().firing, facts().quiet, facts().cleared) == (3, 2, 1)


def test_words_have_their_units() -> None:
    rows = {item.key[0]: [cell.text for cell in item.cells] for item in facts().items}
    assert rows["memory"][2:6] == ["memory > 200 MB", "run", "112 MB", "firing"]
    assert rows["checksum"][2:6] == ["checksum > 0 chunks", "83 Kesterson", "1 chunk", "firing"]
    assert rows["compression"][2:6] == ["compression < 2.0:1", "run", "1.7:1", "cleared"]
    assert rows["error_rate"][4:6] == ["2.13%", "muted 9m59s"]
    assert in_words(101, "B/record") == "101 B/record"
    assert in_words(2310.4, "ms") == "2,310 ms"


def test_an_alert_of_a_station_leads_to_it() -> None:
    assert [item.station for item in facts().items[:2]] == [83, None]


def test_rules_say_all_numbers_and_how_near_the_limit_it_was() -> None:
    (memory,) = (rule for rule in facts().rules if rule.name == "memory")
    assert (memory.warn, memory.critical, memory.clear, memory.wait) == ("> 200 MB", "> 400 MB", "≤ 180 MB", "5 s")
    known = [value for value in memory.trail if value is not None]
    assert len(known) > 50 and 0.4 < known[0] < 0.6 and max(known) == 1.0
    (compression,) = (rule for rule in facts().rules if rule.name == "compression")
    assert compression.trail[-1] is not None and compression.trail[-1] < 0.3, "8:1 is far from 2:1"
    for width in (40, 56, 78, 98, 116, 196):
        assert all(width_of(line) <= width for line in present_rules(facts().rules, width, 10))


def test_a_journal_that_tells_no_rules_says_so() -> None:
    state = present_alerts_screen(RunState(), 0.0)
    assert len(state.rules) == 9
    assert "this journal tells none" in rules_title(state.told)[0]


def test_the_bar_tells_of_what_is_neither_muted_nor_seen() -> None:
    state = fold(troubled())
    rows = present_alerts_of(state, state.now)
    assert [(row.rule, row.quiet) for row in rows] == [
        ("checksum > 0 chunks", False),
        ("retry ratio > 30%", False),
        ("memory > 200 MB", False),
        ("fetch p99 > 5,000 ms", True),
    ]
    line = "".join(cell.text for cell in present_alerts(rows, 100, [("A", "Ack all", "acknowledge_all")]))
    assert line.startswith(" ▲ 3 alerts   ✗ checksum > 0 chunks  1 chunk  83 Kesterson")
    assert line.endswith("A Ack all ") and len(line) == 100
    quiet = tuple(row for row in rows if row.quiet)
    assert "✓ 1 acknowledged" in "".join(cell.text for cell in present_alerts(quiet, 100))


def test_what_becomes_critical_is_told_once_unless_muted_or_seen() -> None:
    state = fold(midst())
    started = state.now
    alert = {"rule": "error_rate", "subject": "run"}

    def told(event: ev.Event) -> list[str]:
        state.apply(ev.Stamped(state.seq + 1, started + 1.0, event))
        return critical_since(state, state.now, started)

    words = ["error rate > 1%: 2.13% (run)"]
    assert told(ev.AlertRaised(**alert, severity="critical", value=0.0213, limit=0.01)) == words
    assert critical_since(state, state.now, state.now) == []
    assert told(ev.AlertMuted(**alert, until=started + 9.0)) == []
    assert critical_since(state, started + 9.0, started) == words
    assert told(ev.AlertAcknowledged(**alert)) == []
