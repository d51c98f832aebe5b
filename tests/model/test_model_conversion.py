"""Unit conversion: exact against `decimal`, both ways, for every item; ties, extremes and what cannot be."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.model.conversion import SAME, OutOfRangeError, at_exponent, converted, line_of
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, DataItem, UnitSystem

M, E = UnitSystem.METRIC, UnitSystem.ENGLISH
ITEMS = (*DAILY_ITEMS, *HOURLY_ITEMS)
BY_SLUG = {item.slug: item for item in ITEMS}


def by_decimal(item: DataItem, value: Decimal, target: UnitSystem) -> Decimal:
    """The conversion as the cited factors say it, by division and multiplication at 60 digits."""
    there = target is E
    mile = Decimal("1.609344")
    match item.unit_metric:
        case "(C)":
            exact = value * Decimal("1.8") + 32 if there else (value - 32) / Decimal("1.8")
        case "(mm)":
            exact = value / Decimal("25.4") if there else value * Decimal("25.4")
        case "(W./sq.m)":
            exact = value / Decimal("0.484583") if there else value * Decimal("0.484583")
        case "(kPa)":
            exact = value * 10 if there else value / 10
        case "(m/s)":
            exact = value * Decimal("3.6") / mile if there else value * mile / Decimal("3.6")
        case "(km)":
            exact = value / mile if there else value * mile
        case _:
            return value
    return exact.quantize(Decimal(1).scaleb(-item.decimals), ROUND_HALF_UP)


@given(
    st.sampled_from(ITEMS),
    st.sampled_from([(M, E), (E, M)]),
    st.integers(0, 9),
    st.lists(st.one_of(st.integers(-100_000, 100_000), st.integers(-(10**15), 10**15)), min_size=1, max_size=20),
)
def test_agrees_with_decimal(
    item: DataItem, systems: tuple[UnitSystem, UnitSystem], exponent: int, scaled: list[int]
) -> None:
    source, target = systems
    found, decimals = converted(item, np.array(scaled, np.int64), exponent, line_of(item, source, target))
    with localcontext(prec=60):
        expected = [by_decimal(item, Decimal(v).scaleb(-exponent), target) for v in scaled]
        assert [Decimal(int(v)).scaleb(-decimals) for v in found] == expected


@pytest.mark.parametrize(
    ("slug", "source", "scaled", "exponent", "expected"),
    [
        ("day-air-tmp-avg", M, 0, 0, "32.0"),
        ("day-air-tmp-avg", M, -400, 1, "-40.0"),
        ("day-air-tmp-avg", M, 25, 2, "32.5"),  # 32.45: up
        ("day-air-tmp-avg", M, -1825, 2, "-0.9"),  # -0.85: half-up is away from zero
        ("day-eto", M, 127, 2, "0.05"),
        ("day-precip", E, 1, 2, "0.25"),  # 0.254
        ("day-vap-pres-avg", M, 125, 2, "12.50"),
        ("day-wind-run", M, 1609344, 4, "100.0"),
        ("hly-wind-spd", E, 10, 1, "0.4"),
        ("day-sol-rad-avg", M, 300, 0, "619"),
        ("hly-rel-hum", M, 55, 0, "55"),
    ],
)
def test_known_values(slug: str, source: UnitSystem, scaled: int, exponent: int, expected: str) -> None:
    item = BY_SLUG[slug]
    line = line_of(item, source, E if source is M else M)
    found, decimals = converted(item, np.array([scaled]), exponent, line)
    assert format(Decimal(int(found[0])).scaleb(-decimals), "f") == expected


def test_every_item_converts_there_and_back() -> None:
    for item in ITEMS:
        line = line_of(item, M, E)
        assert line.inverse.inverse == line and line_of(item, E, M) == line.inverse
        assert line_of(item, M, M) == SAME
        assert (line == SAME) == (item.unit_metric in ("(%)", "(°)"))


def test_what_fits_no_64_bits_is_refused_by_name() -> None:
    item = BY_SLUG["day-vap-pres-avg"]
    top = np.array([np.iinfo(np.int64).max, np.iinfo(np.int64).min])
    with pytest.raises(OutOfRangeError, match="day-vap-pres-avg"):
        converted(item, top, 0, line_of(item, M, E))
    with pytest.raises(OutOfRangeError):
        at_exponent(item, top, 0, 1)
    assert at_exponent(item, top, 3, 3).tolist() == top.tolist()
