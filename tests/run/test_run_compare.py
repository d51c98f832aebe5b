"""Two runs side by side: over which stations, what is better or worse, whether the data changed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from runs_app import moved, revised
from tui_journal import ended, midst, numbers

from cimis_engine.run import events as ev
from cimis_engine.run.compare import Comparison, Metric, _metric, compare, side_of
from cimis_engine.run.figures import figures_of
from cimis_engine.run.histogram import Histogram
from cimis_engine.run.state import RunState


def metric(found: Comparison, name: str) -> Metric:
    return next(m for m in found.metrics if m.name == name)


def test_a_run_and_itself_are_the_same() -> None:
    side = side_of(ended())
    found = compare(side, side)
    assert {m.verdict for m in found.metrics} == {"same"}
    assert {m.change for m in found.metrics} == {0.0}
    assert (found.slower, found.changed, found.only_a, found.only_b) == ((), (), 0, 0)
    assert found.compared == 47 * 4


def test_the_figures_are_those_of_the_fold() -> None:
    state = RunState()
    for stamped in ended():
        state.apply(stamped)
    figures, found = figures_of(state), compare(side_of(ended()), side_of(ended()))
    assert metric(found, "records").a == figures.records
    assert metric(found, "TTFB p95").a == figures.ttfb_p95_ms
    assert metric(found, "error rate").a == figures.error_rate
    assert metric(found, "compression").a == figures.ratio
    assert metric(found, "peak RSS").a == figures.rss_peak_bytes


def test_a_slow_run_is_worse_and_its_stations_are_named_worst_first() -> None:
    found = compare(side_of(moved(ended(), "slow", 0, slow=2.0)), side_of(ended()))
    assert metric(found, "TTFB p50").verdict == "worse"
    assert metric(found, "TTFB p50").change == pytest.approx(1.0, abs=0.05)
    assert metric(found, "compression").verdict == "same"
    assert len(found.slower) == 48
    changes = [s.change for s in found.slower]
    assert changes == sorted(changes, reverse=True)
    back = compare(side_of(ended()), side_of(moved(ended(), "slow", 0, slow=2.0)))
    assert metric(back, "TTFB p50").verdict == "better"
    assert back.slower == ()


def test_only_the_stations_both_have_count() -> None:
    some = set(numbers()[:5])
    few = [s for s in ended() if getattr(s.event, "station", None) in {None, *some}]
    found = compare(side_of(few), side_of(ended()))
    assert found.stations == tuple(sorted(some))
    assert (found.only_a, found.only_b) == (0, 43)
    for m in found.metrics:
        assert m.a == m.b, m.name


def test_data_that_changed_is_named() -> None:
    found = compare(side_of(revised(ended())), side_of(ended()))
    (changed,) = found.changed
    assert (changed.station, changed.year, changed.interval) == (2, 2016, "daily")
    assert (changed.a, changed.b) == ("1" * 64, "0" * 64)


def test_hourly_and_daily_data_are_not_compared() -> None:
    told = ended()
    hourly = [replace(told[0].event, interval="hourly")]
    other = [ev.Stamped(1, told[0].t, hourly[0]), *told[1:]]
    assert compare(side_of(other), side_of(told)).compared == 0


def test_a_run_cut_off_at_its_start_has_no_figures() -> None:
    found = compare(side_of(midst()[:1]), side_of(ended()))
    assert (found.stations, found.only_b) == ((), 48)
    assert metric(found, "TTFB p50").verdict == ""
    assert metric(found, "records/s").change is None


@pytest.mark.parametrize(
    ("unit", "better", "a", "b", "verdict"),
    [
        ("ms", "less", 104.0, 100.0, "same"),
        ("ms", "less", 106.0, 100.0, "worse"),
        ("ms", "less", 94.0, 100.0, "better"),
        ("/s", "more", 94.0, 100.0, "worse"),
        ("%", "less", 0.0215, 0.02, "same"),
        ("%", "less", 0.023, 0.02, "worse"),
        ("", "", 5.0, 6.0, "differs"),
        ("ms", "less", 5.0, 0.0, "differs"),
        ("ms", "less", 0.0, 0.0, "same"),
    ],
)
def test_verdicts(unit: str, better: str, a: float, b: float, verdict: str) -> None:
    assert _metric("x", unit, better, a, b).verdict == verdict


def test_merged_histograms_count_both() -> None:
    whole, low, high = Histogram(), Histogram(), Histogram()
    for n in range(1, 101):
        whole.add(n)
        (low if n <= 30 else high).add(n)
    low.merge(high)
    low.merge(Histogram())
    quantiles: list[Any] = [(h.percentile(0.1), h.percentile(0.9), h.count, h.sum, h.most) for h in (whole, low)]
    assert quantiles[0] == quantiles[1]
