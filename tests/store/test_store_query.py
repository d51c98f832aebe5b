"""Queries: inclusive dates across years, exact values, and what they cost."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import sample

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import column
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.plausible import DEFAULT_RULES, JUMP, RANGE, Limits
from cimis_engine.model.qc import NOT_REPORTED
from cimis_engine.store.frames import MissingPackageError
from cimis_engine.store.query import MixedUnitsError, query
from cimis_engine.store.records import Piece, assembled
from cimis_engine.store.store import MissingChunkError, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "D")
    for station in (2, 5):
        store.write(sample(station=station, year=2023, first=1, count=365))
        store.write(sample(station=station, year=2024, first=1, count=366))
    return store


def test_inclusive_dates_across_years(store: Store) -> None:
    result = query(store, [5, 2], Interval.DAILY, Span(date(2023, 12, 30), date(2024, 1, 2)))
    days = [date(2023, 12, 30), date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2)]
    assert [(s, d, h) for s, d, h, _ in result.records()] == [(s, d, None) for s in (2, 5) for d in days]
    assert (len(result), result.units) == (8, UnitSystem.METRIC)
    assert (result.cost.chunks, result.cost.blocks_decoded) == (4, 4)
    assert result.cost.bytes_read == store.catalog.totals().stored_bytes
    assert min(result.cost.read_ms, result.cost.decode_ms, result.cost.select_ms) > 0


def test_values_and_flags_are_exact(store: Store) -> None:
    result = query(store, [2], Interval.DAILY, Span(date(2024, 1, 1), date(2024, 1, 2)), DAILY_ITEMS[:1])
    slug = DAILY_ITEMS[0].slug
    assert [values for *_, values in result.records()] == [{slug: (None, " ")}, {slug: (Decimal("15.2"), "Y")}]


def test_hours_are_numbered_as_the_agency_does(store: Store) -> None:
    store.write(sample(interval=Interval.HOURLY, first=24, count=2))
    result = query(store, [2], Interval.HOURLY, Span(date(2024, 1, 1), date(2024, 1, 2)))
    assert [(d, h) for _, d, h, _ in result.records()] == [(date(2024, 1, 1), 24), (date(2024, 1, 2), 1)]


def test_nothing_stored_is_no_error(store: Store) -> None:
    span = Span(date(1999, 1, 1), date(2000, 1, 1))
    result = query(store, [2, 9], Interval.DAILY, span)
    assert (len(result), result.columns, result.units, result.cost.chunks) == (0, (), None, 0)
    asked = query(store, [9], Interval.DAILY, span, DAILY_ITEMS[:2], units=UnitSystem.ENGLISH, plausible=DEFAULT_RULES)
    assert [len(c) for c in asked.columns] == [0, 0] and asked.units is UnitSystem.ENGLISH


def test_unit_systems_are_not_mixed_unasked(store: Store) -> None:
    store.write(sample(station=9, units=UnitSystem.ENGLISH))
    store.write(sample(station=1, year=2022, units=UnitSystem.ENGLISH))
    span = Span(date(2024, 1, 1), date(2024, 1, 3))
    with pytest.raises(MixedUnitsError, match="station 009, 2024 is stored in english units") as caught:
        query(store, [1, 2, 9], Interval.DAILY, span)
    assert "--units" in caught.value.hint
    assert query(store, [9], Interval.DAILY, span).units is UnitSystem.ENGLISH


def test_both_unit_systems_in_one_answer(store: Store) -> None:
    store.write(sample(station=3, units=UnitSystem.ENGLISH, start=690))
    span = Span(date(2024, 1, 3), date(2024, 1, 4))
    result = query(store, [2, 3, 5], Interval.DAILY, span, units=UnitSystem.METRIC)
    assert result.stations.tolist() == [2, 2, 3, 3, 5, 5]
    assert result.converted.tolist() == [False, False, True, True, False, False]
    column = result[DAILY_ITEMS[0].slug]
    # 69.4, 69.1 °F: (69.4 - 32) / 1.8 = 20.78, (69.1 - 32) / 1.8 = 20.61
    assert column.texts() == ["15.4", "15.1", "20.8", "20.6", "15.4", "15.1"]
    assert (column.unit, result.units) == ("(C)", UnitSystem.METRIC)
    assert [c.present.tolist()[2] for c in result.columns] == [True, True, False]
    assert result.columns[2].scaled[2] == 0, "a missing value is not converted"


def test_columns_are_arrays(store: Store) -> None:
    store.write(sample(station=2, interval=Interval.HOURLY, first=23, count=3))
    result = store.query(2, "2024-01-01", date(2024, 1, 2), interval="hourly", items=["hly-air-tmp"])
    assert result.hours is not None
    assert (result.dates.dtype, result.hours.tolist()) == (np.dtype("datetime64[D]"), [23, 24, 1])
    assert [str(t) for t in result.times] == ["2024-01-01T23:00:00", "2024-01-02T00:00:00", "2024-01-02T01:00:00"]
    column = result["hly-air-tmp"]
    np.testing.assert_array_equal(column.values, [np.nan, 15.2, 15.4])
    assert (column.exponent, column.scaled.tolist(), column.present.tolist()) == (1, [0, 152, 154], [False, True, True])
    assert (column.flags.tolist(), column.value(0), column.value(1)) == ([" ", "Y", " "], None, Decimal("15.2"))
    daily = store.query("2,5", "2023-12-31", "2024-01-01")
    assert [str(t) for t in daily.times[:2]] == ["2023-12-31T00:00:00", "2024-01-01T00:00:00"]
    with pytest.raises(KeyError):
        daily["hly-air-tmp"]


def test_years_of_other_decimals_and_items_meet(store: Store) -> None:
    fine = column(DAILY_ITEMS[1], 3, np.array([1234]), np.array([True]), np.array([32]))
    store.write(replace(sample(station=7, year=2025, count=1), columns=(fine,)))
    store.write(sample(station=7, year=2024, first=366, count=1, items=1))
    store.write(sample(station=7, year=2026, count=2, items=2))
    result = store.query("all", "2024-12-31", "2026-01-02")
    assert set(result.stations.tolist()) == {2, 5, 7}
    result = store.query(7, "2024-12-31", "2026-01-02")
    assert [c.item for c in result.columns] == list(DAILY_ITEMS[:2])
    assert result.columns[1].texts("-") == ["-", "1.234", "15.100", "-"]
    assert result.columns[1].qc.tolist() == [NOT_REPORTED, 32, ord("Y"), 32]
    assert [str(d) for d in result.dates] == ["2024-12-31", "2025-01-01", "2026-01-01", "2026-01-02"]


def test_texts_are_exact_beyond_floating_point() -> None:
    largest = int(np.iinfo(np.int64).max)
    values = np.array([largest, -largest, 1, 0])
    batch = replace(sample(count=4, items=1), columns=())
    batch = replace(batch, columns=(column(DAILY_ITEMS[0], 9, values, np.ones(4, np.bool_), np.full(4, 32)),))
    found = assembled(Interval.DAILY, [(Piece.of(batch), slice(0, 4))], DAILY_ITEMS[:1], batch.units)
    assert found.columns[0].texts() == ["9223372036.854775807", "-9223372036.854775807", "0.000000001", "0.000000000"]


@given(st.integers(0, 9), st.lists(st.integers(-(2**52), 2**52), min_size=1, max_size=50).filter(lambda v: any(v)))
def test_texts_and_values_are_those_of_decimal(exponent: int, scaled: list[int]) -> None:
    made = column(DAILY_ITEMS[0], exponent, np.array(scaled), np.ones(len(scaled), np.bool_), np.full(len(scaled), 32))
    batch = replace(sample(count=len(scaled), items=1), columns=(made,))
    (found,) = assembled(
        Interval.DAILY, [(Piece.of(batch), slice(0, len(scaled)))], DAILY_ITEMS[:1], batch.units
    ).columns
    exact = [Decimal(v).scaleb(-exponent) for v in scaled]
    assert [Decimal(text) for text in found.texts()] == exact
    assert found.values.tolist() == [float(v) for v in exact]


def test_severe_flags_can_be_dropped(store: Store) -> None:
    flags = np.frombuffer(b"IMSYR ", np.uint8)
    present = np.array([True, False, True, True, True, True])
    made = column(DAILY_ITEMS[0], 1, np.full(6, 205), present, flags)
    store.write(replace(sample(station=9, count=6), columns=(made,)))
    result = store.query(9, "2024-01-01", "2024-01-06", drop_severe=True)
    assert result.columns[0].texts() == ["", "", "", "20.5", "20.5", "20.5"]
    assert "".join(result.columns[0].flags) == "IMSYR "
    assert result.dropped == 2
    assert store.query(9, "2024-01-01", "2024-01-06").dropped == 0
    assert store.query(9, "2024-01-02", "2024-01-06", drop_severe=True, plausible=True).dropped == 1


def test_marks_do_not_depend_on_the_dates_asked_for(store: Store) -> None:
    for year, values in ((2023, [20] * 364 + [20]), (2024, [40, 40, -50])):
        count = len(values)
        made = column(DAILY_ITEMS[0], 0, np.array(values), np.ones(count, np.bool_), np.full(count, 32))
        store.write(replace(sample(station=9, year=year, count=count), columns=(made,)))
    for start, expected in (("2023-12-31", [0, JUMP, 0, RANGE | JUMP]), ("2024-01-01", [JUMP, 0, RANGE | JUMP])):
        (made,) = store.query(9, start, "2024-12-31", plausible=True).columns
        assert made.marks is not None
        assert made.marks.tolist() == expected
    (made,) = store.query(9, "2024-01-01", "2024-01-03", plausible=True, units="E").columns
    assert made.mark_words.tolist() == ["jump", None, "range+jump"], "by what is stored, not by what is shown"
    assert made.texts() == ["104.0", "104.0", "-58.0"], "and nothing is altered"
    other = {DAILY_ITEMS[0].slug: Limits(high=Decimal(39))}
    (made,) = store.query(9, "2024-01-01", "2024-01-03", plausible=other).columns
    assert made.mark_words.tolist() == ["range", "range", None]
    assert store.query(9, "2024-01-01", "2024-01-03").columns[0].marks is None


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"interval": "weekly"}, "weekly"),
        ({"units": "K"}, "K"),
        ({"items": ["day-nothing"]}, "day-nothing"),
        ({"items": ["hly-air-tmp"]}, "hly-air-tmp"),
        ({"stations": "two"}, "two"),
        ({"stations": 0}, "not a station's number, or several: 0"),
        ({"stations": [2, 10000]}, "10000"),
        ({"stations": 2.5}, "2.5"),
        ({"stations": None}, "None"),
        ({"start": "1/1/2024"}, "1/1/2024"),
        ({"end": "2023-01-01"}, "ends"),
    ],
)
def test_mistakes_are_usage_errors(store: Store, wrong: dict[str, Any], word: str) -> None:
    asked = {"stations": 2, "start": "2024-01-01", "end": "2024-01-02"} | wrong
    with pytest.raises(UsageError, match=word):
        store.query(asked.pop("stations"), asked.pop("start"), asked.pop("end"), **asked)


def test_frames_need_their_packages_and_say_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    result = store.query(2, "2024-01-01", "2024-01-02")
    for name, ask in (("polars", result.to_polars), ("pandas", result.to_pandas), ("pyarrow", result.to_arrow)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingPackageError, match=f"'{name}'") as caught:
            ask()
        assert name in caught.value.hint


def test_an_arrow_table_says_what_its_columns_are(store: Store) -> None:
    pa = pytest.importorskip("pyarrow")
    table = store.query(2, "2024-01-01", "2024-01-02", items=["day-air-tmp-avg"], units="E", plausible=True).to_arrow()
    assert [(f.name, str(f.type)) for f in table.schema] == [
        ("station", "int16"),
        ("date", "date32[day]"),
        ("converted", "bool"),
        ("day_air_tmp_avg", "double"),
        ("day_air_tmp_avg_qc", "string"),
        ("day_air_tmp_avg_mark", "string"),
    ]
    assert table.to_pylist()[0] == {
        "station": 2,
        "date": date(2024, 1, 1),
        "converted": True,
        "day_air_tmp_avg": None,
        "day_air_tmp_avg_qc": " ",
        "day_air_tmp_avg_mark": None,
    }
    assert table.schema.field("day_air_tmp_avg").metadata[b"unit"] == b"(F)"
    assert table.schema.metadata[b"units"] == b"E"
    store.write(sample(station=2, interval=Interval.HOURLY, first=24, count=1, items=1))
    (row,) = store.query(2, "2024-01-01", "2024-01-01", interval="hourly").to_arrow().to_pylist()
    assert (row["hour"], row["time"]) == (24, datetime(2024, 1, 2, 8, tzinfo=UTC))
    assert pa.types.is_timestamp(store.query(2, "2024-01-01", "2024-01-01", interval="hourly").to_arrow()["time"].type)


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_other_frames_hold_the_same(store: Store, name: str) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip(name, reason=f"{name} is not installed: its frames are not tested here")
    frame = getattr(store.query("2,5", "2024-01-01", "2024-01-03"), f"to_{name}")()
    assert frame["day_air_tmp_max"].sum() == pytest.approx(2 * (15.1 + 15.5))
    assert len(frame) == 6


def test_a_chunk_that_is_gone_is_a_loss_and_not_an_absence(store: Store) -> None:
    path = store.path(2, Interval.DAILY, 2024)
    path.unlink()
    assert len(store.query(2, "2023-12-01", "2023-12-31")), "the year before is read as ever"
    with pytest.raises(MissingChunkError, match="2024_daily") as caught:
        store.query(2, "2023-12-31", "2024-01-01")
    assert (caught.value.path, caught.value.exit_code, "--repair" in caught.value.hint) == (path, 6, True)
    store.rebuild()
    assert len(store.query(2, "2023-12-31", "2024-01-01")) == 1, "what the catalog does not know is not missed"


def test_dates_numbers_and_items_as_numpy_and_a_person_write_them(store: Store) -> None:
    slug = DAILY_ITEMS[0].slug
    found = store.query(np.int64(2), np.datetime64("2024-01-01"), datetime(2024, 1, 2, 9), items=slug)  # type: ignore[arg-type]
    assert (len(found), [c.item.slug for c in found.columns]) == (2, [slug])
    assert len(store.query(np.array([2, 5]), "2024-01-01", "2024-01-01")) == 2
