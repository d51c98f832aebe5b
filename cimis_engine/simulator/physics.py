"""Formulas of the air above a reference lawn. Arrays in, arrays out; temperatures in °C, pressures in kPa.

Sources: FAO-56 = Allen et al. 1998, "Crop evapotranspiration", FAO Irrigation and Drainage Paper 56;
ASCE-EWRI 2005 = "The ASCE standardized reference evapotranspiration equation"; CIMIS = the agency's modified Penman
equation (Pruitt and Doorenbos 1977; Snyder and Pruitt 1985).
"""

from __future__ import annotations

import numpy as np

from cimis_engine.simulator.noise import Floats

PST_MERIDIAN = -120.0
_SIGMA = 2.042e-10
"""Stefan-Boltzmann constant, MJ m⁻² h⁻¹ K⁻⁴ (ASCE-EWRI 2005, eq. 44)."""
_MJ_PER_WATT_HOUR = 0.0036


def saturation(temperature: Floats) -> Floats:
    """Saturation vapour pressure (Tetens; FAO-56 eq. 11)."""
    return np.asarray(0.6108 * np.exp(17.27 * temperature / (temperature + 237.3)))


def dew_point(vapour: Floats) -> Floats:
    """Temperature at which `vapour` saturates: the inverse of `saturation`."""
    ratio = np.log(vapour / 0.6108)
    return np.asarray(237.3 * ratio / (17.27 - ratio))


def pressure(elevation: float) -> float:
    """Mean air pressure at an elevation in metres (FAO-56 eq. 7)."""
    return float(101.3 * ((293.0 - 0.0065 * elevation) / 293.0) ** 5.26)


def extraterrestrial(latitude: float, longitude: float, day_of_year: Floats, hour_ending: Floats) -> Floats:
    """Radiation above the atmosphere, mean of the hour that ends at `hour_ending` PST, W/m² (FAO-56 eq. 28–33)."""
    phi = np.radians(latitude)
    turn = 2.0 * np.pi * day_of_year / 365.0
    distance = 1.0 + 0.033 * np.cos(turn)
    declination = 0.409 * np.sin(turn - 1.39)
    b = 2.0 * np.pi * (day_of_year - 81.0) / 364.0
    correction = 0.1645 * np.sin(2 * b) - 0.1255 * np.cos(b) - 0.025 * np.sin(b)
    middle = np.pi / 12.0 * (hour_ending - 0.5 + (longitude - PST_MERIDIAN) / 15.0 + correction - 12.0)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1.0, 1.0))
    first = np.clip(middle - np.pi / 24.0, -sunset, sunset)
    last = np.clip(middle + np.pi / 24.0, -sunset, sunset)
    beam = (last - first) * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * (
        np.sin(last) - np.sin(first)
    )
    return np.asarray(np.maximum(0.0, 12.0 * 60.0 / np.pi * 0.0820 * distance * beam / _MJ_PER_WATT_HOUR))


def net_radiation(solar: Floats, clearness: Floats, temperature: Floats, vapour: Floats) -> Floats:
    """W/m² over grass; `clearness` is solar over clear-sky solar, 0.3..1 (ASCE-EWRI 2005 eq. 42–45)."""
    cloud = 1.35 * np.clip(clearness, 0.3, 1.0) - 0.35
    long_wave = _SIGMA * cloud * (0.34 - 0.14 * np.sqrt(vapour)) * (temperature + 273.16) ** 4
    return np.asarray(0.77 * solar - long_wave / _MJ_PER_WATT_HOUR)


def _slope(temperature: Floats) -> Floats:
    return np.asarray(4098.0 * saturation(temperature) / (temperature + 237.3) ** 2)


def asce_eto(net: Floats, temperature: Floats, vapour: Floats, wind: Floats, elevation: float) -> Floats:
    """Hourly short-crop reference ET, mm (ASCE-EWRI 2005 eq. 1 with table 1; elevation in metres), at least 0."""
    day = net > 0.0
    energy = net * _MJ_PER_WATT_HOUR
    ground = np.where(day, 0.1, 0.5) * energy
    denominator_constant = np.where(day, 0.24, 0.96)
    gamma = 0.000665 * pressure(elevation)
    slope = _slope(temperature)
    deficit = saturation(temperature) - vapour
    top = 0.408 * slope * (energy - ground) + gamma * 37.0 / (temperature + 273.0) * wind * deficit
    return np.asarray(np.maximum(0.0, top / (slope + gamma * (1.0 + denominator_constant * wind))))


def cimis_eto(net: Floats, temperature: Floats, vapour: Floats, wind: Floats, elevation: float) -> Floats:
    """Hourly reference ET as the agency computes it, mm (CIMIS Penman; elevation in metres), at least 0."""
    kilopascals = pressure(elevation)
    gamma = 0.000646 * (1.0 + 0.000946 * temperature) * kilopascals
    slope = _slope(temperature)
    weight = slope / (slope + gamma)
    wind_function = np.where(net > 0.0, 0.030 + 0.0576 * wind, 0.125 + 0.0439 * wind)
    net_water = net / (694.5 * (1.0 - 0.000946 * temperature))
    deficit = saturation(temperature) - vapour
    return np.asarray(np.maximum(0.0, weight * net_water + (1.0 - weight) * deficit * wind_function))
