from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.qc import GOOD, MEANINGS
from cimis_engine.simulator.climate import hourly_truth, revised_days
from cimis_engine.simulator.noise import normal, persistent
from cimis_engine.simulator.physics import asce_eto, dew_point, extraterrestrial, saturation
from cimis_engine.simulator.render import scaled
from cimis_engine.simulator.stations import directory_entry, stations
from cimis_engine.simulator.weather import OCTANTS, StationYear, Weather

STATIONS = {s.number: s for s in stations()}
SWEEP = [(n, y) for n in (2, 6, 35, 41, 90, 99, 155) for y in (1996, 2015, 2023)]


def year_of(station: int, interval: Interval, year: int, seed: int = 1, revise: int | None = None) -> StationYear:
    return Weather(seed, revise).station_year(STATIONS[station], interval, year)


def printed(data: StationYear, slug: str, units: UnitSystem = UnitSystem.METRIC) -> np.ndarray:
    item = next(i for i in (*DAILY_ITEMS, *HOURLY_ITEMS) if i.slug == slug)
    return scaled(item, units, data.columns[slug].values)


@pytest.mark.parametrize("interval", Interval)
def test_same_seed_same_weather_and_another_seed_another(interval: Interval) -> None:
    first, again, other = (year_of(6, interval, 2020, seed) for seed in (1, 1, 2))
    for slug, column in first.columns.items():
        assert np.array_equal(column.values, again.columns[slug].values)
        assert np.array_equal(column.flags, again.columns[slug].flags)
        assert np.array_equal(column.present, again.columns[slug].present)
        if not slug.endswith("asce-etr"):
            assert not np.array_equal(column.values, other.columns[slug].values)


@pytest.mark.parametrize(("station", "year"), SWEEP)
@pytest.mark.parametrize("units", UnitSystem)
def test_printed_maximum_is_not_below_average_nor_average_below_minimum(
    station: int, year: int, units: UnitSystem
) -> None:
    data = year_of(station, Interval.DAILY, year)
    for prefix in ("day-air-tmp", "day-rel-hum", "day-soil-tmp", "day-vap-pres"):
        high, mean, low = (printed(data, f"{prefix}-{part}", units) for part in ("max", "avg", "min"))
        assert np.all(high >= mean), prefix
        assert np.all(mean >= low), prefix
    assert np.all(printed(data, "day-rel-hum-max", units) <= 100)


@pytest.mark.parametrize(("station", "year"), SWEEP)
def test_days_are_aggregates_of_their_hours(station: int, year: int) -> None:
    day, hour = year_of(station, Interval.DAILY, year), year_of(station, Interval.HOURLY, year)

    def hours(slug: str) -> np.ndarray:
        return printed(hour, slug).reshape(-1, 24)

    assert np.array_equal(printed(day, "day-precip"), hours("hly-precip").sum(axis=1))
    assert np.all(np.abs(printed(day, "day-air-tmp-avg") - hours("hly-air-tmp").mean(axis=1)) <= 1.0)
    assert np.all(printed(day, "day-air-tmp-max") >= hours("hly-air-tmp").max(axis=1))
    assert np.all(printed(day, "day-air-tmp-min") <= hours("hly-air-tmp").min(axis=1))
    if STATIONS[station].eto:
        assert np.all(np.abs(printed(day, "day-asce-eto") - hours("hly-asce-eto").sum(axis=1)) <= 13)
    runs = sum(day.columns[f"day-wind-{name}"].values for name in OCTANTS)
    assert np.allclose(runs, day.columns["day-wind-run"].values)
    assert np.allclose(day.columns["day-wind-run"].values, day.columns["day-wind-spd-avg"].values * 86.4)


@pytest.mark.parametrize(("station", "year"), SWEEP)
def test_humidity_dew_point_and_vapour_pressure_agree_and_values_are_plausible(station: int, year: int) -> None:
    truth = hourly_truth(1, STATIONS[station], year)
    assert np.allclose(saturation(truth.dew), truth.vapour)
    assert np.allclose(dew_point(truth.vapour), truth.dew)
    assert np.allclose(100 * truth.vapour / saturation(truth.air), truth.humidity)
    assert np.all((truth.humidity > 2) & (truth.humidity <= 100))
    assert np.all((truth.air > -35) & (truth.air < 55))
    assert np.all((truth.solar >= 0) & (truth.solar < 1200))
    assert np.all(truth.resultant <= truth.wind)
    assert np.all((truth.direction >= 0) & (truth.direction < 360))
    assert np.all(truth.precipitation >= 0) and np.all(truth.eto >= 0) and np.all(truth.asce_eto >= 0)
    assert 600 < truth.asce_eto.sum() < 2600


def test_years_join() -> None:
    before, after = (hourly_truth(1, STATIONS[6], y) for y in (2019, 2020))
    for name in ("air", "dew", "soil", "wind"):
        series = np.concatenate([getattr(before, name)[-200:], getattr(after, name)[:200]])
        steps = np.abs(np.diff(series))
        assert steps[199] <= steps.max() and steps[199] <= 3 * np.percentile(steps, 90), name


def test_a_process_is_the_same_however_it_is_cut() -> None:
    whole = persistent(7, 0, 200, 0.8)
    assert np.allclose(whole[90:150], persistent(7, 90, 60, 0.8))
    assert abs(np.corrcoef(persistent(7, 0, 20_000, 0.8)[:-1], persistent(7, 1, 20_000, 0.8)[:-1])[0, 1] - 0.8) < 0.02
    sample = normal(3, np.arange(-50_000, 50_000))
    assert abs(sample.mean()) < 0.02 and abs(sample.std() - 1) < 0.02


def test_extraterrestrial_radiation_against_the_worked_example_of_fao_56() -> None:
    # FAO-56, example 8: 3 September at 20° S gives 32.2 MJ m⁻² day⁻¹.
    hours = np.arange(1.0, 25.0)
    total = extraterrestrial(-20.0, -120.0, np.full(24, 246.0), hours).sum() * 0.0036
    assert total == pytest.approx(32.2, abs=0.15)


def test_asce_equation_against_the_terms_of_a_published_hour() -> None:
    # FAO-56, example 19 (N'Diaye, 14–15 h): 38 °C, 52 %, 3.3 m/s, Rn 1.749 MJ, 8 m. Its terms: slope 0.358, gamma
    # 0.0673, deficit 3.180; with the 0.24 of ASCE-EWRI 2005 for the 0.34 of FAO-56 they give 0.656 mm (FAO: 0.63).
    one = np.ones(1)
    found = asce_eto(one * 1.749 / 0.0036, one * 38.0, one * 3.445, one * 3.3, 8.0)
    assert found[0] == pytest.approx(0.656, abs=0.005)


def test_flags_occur_at_the_measured_rates_and_decide_nulls() -> None:
    years = [year_of(n, Interval.DAILY, y) for n in (2, 6, 12, 39, 62, 77, 90, 106) for y in range(2010, 2020)]
    temperature = np.concatenate([y.columns["day-air-tmp-avg"].flags for y in years])
    assert 0.88 < np.mean(temperature == GOOD) < 0.96
    assert 0.025 < np.mean(temperature == ord("Y")) < 0.055
    seen = {chr(f) for y in years for c in y.columns.values() for f in np.unique(c.flags)}
    assert seen == set(" YRHSMIQAN")
    for data in years:
        for column in data.columns.values():
            assert not np.any(column.present[np.isin(column.flags, list(b"SMN"))])
            assert np.all(column.present[np.isin(column.flags, list(b" YRHA"))])
    wind = years[0].columns["day-wind-spd-avg"]
    assert np.all(wind.present[wind.flags == ord("I")])
    assert 0 < sum(int(y.absent.sum()) for y in years) < 60


def test_what_a_station_does_not_measure_is_null_and_n() -> None:
    data = year_of(62, Interval.HOURLY, 2020)
    for slug in ("hly-eto", "hly-asce-eto", "hly-asce-etr"):
        assert not data.columns[slug].present.any()
        assert np.all(data.columns[slug].flags == ord("N"))


def test_revision_changes_some_days_and_only_those() -> None:
    old, new = year_of(6, Interval.DAILY, 2020), year_of(6, Interval.DAILY, 2020, revise=5)
    revised = revised_days(5, 6, 2020) > 0
    assert 1 <= revised.sum() < 30
    a, b = old.columns["day-air-tmp-avg"], new.columns["day-air-tmp-avg"]
    assert np.array_equal(np.abs(a.values - b.values) > 0.01, revised)
    for slug, column in old.columns.items():
        other = new.columns[slug]
        assert np.array_equal(column.values[~revised], other.values[~revised])
        assert np.array_equal(column.flags[~revised], other.flags[~revised])
    assert np.array_equal(old.absent, new.absent)


def test_every_flag_has_a_meaning() -> None:
    data = year_of(2, Interval.HOURLY, 2016)
    assert {chr(f) for c in data.columns.values() for f in np.unique(c.flags)} <= set(MEANINGS)


def test_station_list_can_be_any_length_and_repeats() -> None:
    assert len(stations(100)) == 100 and stations(100) == stations(100)
    assert [s.number for s in stations(len(STATIONS) + 2)][-2:] == [301, 302]
    assert len(stations(3)) == 3
    alive = [s for s in STATIONS.values() if s.connect < date(2020, 1, 1) and s.disconnect is None]
    assert len(alive) >= 40
    for station in stations(300):
        assert 32.0 < (station.latitude or 0) < 42.3 and -124.6 < (station.longitude or 0) < -114.0
        assert all(isinstance(v, str) for k, v in directory_entry(station).items() if k != "ZipCodes")
