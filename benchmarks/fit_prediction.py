"""Fits the prediction tables of codec 2 on recorded CIMIS data and writes them under the hash of their content.

    python benchmarks/fit_prediction.py [FOLDER]

FOLDER (default: the package's own `tables`) gets one file an interval and unit system; put the printed names into
`NEWEST` in `cimis_engine/store/tables.py`. `CIMIS_REAL_DATA` names the folder of recorded data.

Method, item after item in the order of coding:
1. A linear prediction from the items before it, from columns derived from those (saturation vapour pressure, humidity
   by the Magnus formula, the two terms of Penman's equation as CIMIS uses it) and from the item's own neighbours, by
   least absolute deviations (iteratively reweighted least squares). Predictors are taken greedily, at most `MOST`.
2. The expected error of that, as a sum with weights >= 0 of the errors of those items and the unrest of the item's own
   neighbours, by maximum likelihood of a Laplace distribution. Daily columns have one for all records: 3 % more bytes,
   but a reader then knows all classes from a block's head.
3. Weights are rounded to integers; the errors that later items see are those of the rounded prediction.
Besides the full model each item has smaller ones, for blocks that lack some items, and two that need none.

English tables are fitted on the metric data converted (there is hardly any English data); daily items that the daily
files do not carry are computed from the hourly ones.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

from store_real import file_batches, real_data

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.store.biases import cheapest
from cimis_engine.store.codec_v1 import zigzag
from cimis_engine.store.predict import Scene, Shifts, passes
from cimis_engine.store.tables import Table, parse_table

UNSHIFTED = Shifts([0])
MOST = {Interval.DAILY: 5, Interval.HOURLY: 8}
UNIT = 1 << 16
STRIDE = {Interval.DAILY: 1, Interval.HOURLY: 8}
ORDER = {
    Interval.DAILY: "day-air-tmp-avg day-air-tmp-max day-air-tmp-min day-dew-pnt day-vap-pres-avg day-vap-pres-max "
    "day-vap-pres-min day-rel-hum-avg day-rel-hum-max day-rel-hum-min day-sol-rad-avg day-sol-rad-net "
    "day-wind-spd-avg day-wind-run day-eto day-asce-eto day-asce-etr day-soil-tmp-avg day-soil-tmp-max "
    "day-soil-tmp-min day-precip day-wind-ene day-wind-ese day-wind-nne day-wind-nnw day-wind-sse day-wind-ssw "
    "day-wind-wnw day-wind-wsw",
    Interval.HOURLY: "hly-sol-rad hly-net-rad hly-air-tmp hly-dew-pnt hly-rel-hum hly-vap-pres hly-wind-spd "
    "hly-res-wind hly-wind-dir hly-eto hly-asce-eto hly-asce-etr hly-soil-tmp hly-precip",
}
DERIVED = {
    Interval.DAILY: """
        e_avg lookup day-air-tmp-avg 0 | e_max lookup day-air-tmp-max 0 | e_min lookup day-air-tmp-min 0
        e_dew lookup day-dew-pnt 0 | hum ratio e_dew e_avg 1600 | hum_max ratio e_dew e_min 1600
        hum_min ratio e_dew e_max 1600 | w lookup day-air-tmp-avg 1 | u lookup day-air-tmp-avg 2
        deficit less e_avg e_dew 0 | dry product u deficit 12 | wind_dry product dry day-wind-spd-avg 4
        w_sun product w day-sol-rad-avg 8 | w_net product w day-sol-rad-net 8""",
    Interval.HOURLY: """
        e_air lookup hly-air-tmp 0 | e_dew lookup hly-dew-pnt 0 | hum ratio e_dew e_air 1600
        w lookup hly-air-tmp 1 | u lookup hly-air-tmp 2 | deficit less e_air e_dew 0 | dry product u deficit 12
        wind_dry product dry hly-wind-spd 4 | w_net product w hly-net-rad 8 | w_sun product w hly-sol-rad 8
        day_dry where dry hly-net-rad 0 | day_wind_dry where wind_dry hly-net-rad 0
        day_w_net where w_net hly-net-rad 0 | day_eto where hly-eto hly-net-rad 0""",
}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """A stretch of records: by item code the values at the usual exponent (missing ones filled) and which are real."""

    station: int
    slots: NDArray[np.uint16]
    values: dict[int, NDArray[np.int64]]
    present: dict[int, NDArray[np.bool_]]


# --- what the tables are fitted on ------------------------------------------------------------------------------------


def exponents(interval: Interval, units: UnitSystem) -> list[int]:
    """The usual decimals of recorded values, trailing zeros left out."""
    rain = 2 if units is UnitSystem.ENGLISH else 1
    usual = {"(%)": 0, "(°)": 0, "(W./sq.m)": 0, "(mm)": 2, "(kPa)": 1}
    return [rain if "precip" in item.slug else usual.get(item.unit_metric, 1) for item in items_of(interval)]


def frames_of(folder: Path, interval: Interval) -> list[Frame]:
    """The metric files of the folder; to daily ones those daily means are added that only the hourly ones give."""
    batches = [(first, b) for first, b in file_batches(folder) if b.units is UnitSystem.METRIC]
    found = {(b.station, first): _frame(b) for first, b in batches if b.interval is interval}
    for first, b in batches:
        daily = found.get((b.station, first))
        if interval is Interval.DAILY and b.interval is Interval.HOURLY and daily and len(b) > 300 * 24:
            _add_means(daily, b)
    return [frame for _, frame in sorted(found.items())]


def _frame(batch: RecordBatch) -> Frame:
    usual, values, present = exponents(batch.interval, UnitSystem.METRIC), {}, {}
    for c in batch.columns:
        scaled = c.scaled.astype(np.int64) * 10 ** max(usual[c.item.code] - c.exponent, 0)
        values[c.item.code] = filled(scaled // 10 ** max(c.exponent - usual[c.item.code], 0), c.present)
        present[c.item.code] = c.present
    return Frame(batch.station, batch.slots, values, present)


MEANS = {
    "day-vap-pres-avg": ("hly-vap-pres", np.nanmean, 1.0),
    "day-rel-hum-avg": ("hly-rel-hum", np.nanmean, 1.0),
    "day-rel-hum-max": ("hly-rel-hum", np.nanmax, 1.0),
    "day-rel-hum-min": ("hly-rel-hum", np.nanmin, 1.0),
    "day-soil-tmp-avg": ("hly-soil-tmp", np.nanmean, 1.0),
    "day-soil-tmp-max": ("hly-soil-tmp", np.nanmax, 1.0),
    "day-soil-tmp-min": ("hly-soil-tmp", np.nanmin, 1.0),
    "day-wind-run": ("hly-wind-spd", np.nanmean, 86.4),
}


def _add_means(daily: Frame, hourly: RecordBatch) -> None:
    """Adds the items of `MEANS`: of the hours of each day, where at least 20 are there."""
    codes = {item.slug: item.code for interval in Interval for item in items_of(interval)}
    usual = exponents(Interval.DAILY, UnitSystem.METRIC)
    for slug, (source, mean, factor) in MEANS.items():
        c = next(c for c in hourly.columns if c.item.slug == source)
        hours = np.full(367 * 24, np.nan)
        hours[hourly.slots[c.present] - 1] = c.scaled[c.present] / 10.0**c.exponent
        days = hours.reshape(-1, 24)[daily.slots - 1]
        there = np.count_nonzero(~np.isnan(days), axis=1) >= 20
        values = np.zeros(len(days))
        values[there] = mean(days[there], axis=1) * factor
        scaled = np.floor(values * 10 ** usual[codes[slug]] + 0.5).astype(np.int64)
        daily.values[codes[slug]], daily.present[codes[slug]] = filled(scaled, there), there


def filled(values: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.int64]:
    last = np.maximum.accumulate(np.where(present, np.arange(len(values)), 0))
    return values[last]


def in_english(frame: Frame, interval: Interval) -> Frame:
    """The frame in English units, to the decimals of the API (half up)."""
    values = {}
    for code, metric in frame.values.items():
        item = items_of(interval)[code]
        x = metric / 10 ** exponents(interval, UnitSystem.METRIC)[code]
        match item.unit_metric:
            case "(C)":
                x = x * 1.8 + 32
            case "(mm)":
                x = x / 25.4
            case "(W./sq.m)":
                x = x * 2.06362
            case "(kPa)":
                x = x * 10
            case "(m/s)":
                x = x * 2.236936
            case "(km)":
                x = x / 1.609344
        values[code] = np.floor(x * 10 ** exponents(interval, UnitSystem.ENGLISH)[code] + 0.5).astype(np.int64)
    return Frame(frame.station, frame.slots, values, frame.present)


def lookups(units: UnitSystem) -> list[list[Any]]:
    """By temperature in tenths of a degree: saturation vapour pressure in Pa, W and 1 - W of Penman in 4096ths.

    e = 610.8 exp(17.27 T / (T + 237.3)); W = d / (d + g), d = 4099 e / (T + 237.3)^2, g = 66.5 Pa/K (CIMIS, near sea
    level).
    """
    first, last = (-400, 600) if units is UnitSystem.METRIC else (-400, 1400)
    tenths = np.arange(first, last + 1) / 10
    t = tenths if units is UnitSystem.METRIC else (tenths - 32) / 1.8
    e = 610.8 * np.exp(17.27 * t / (t + 237.3))
    d = 4099 * e / (t + 237.3) ** 2
    w = d / (d + 66.5)
    return [[first, np.rint(c).astype(int).tolist()] for c in (e, 4096 * w, 4096 * (1 - w))]


# --- fitting ----------------------------------------------------------------------------------------------------------


def least_absolute(a: Floats, y: Floats, rounds: int = 6) -> Floats:
    scale = np.abs(a).max(axis=0) + 1e-9
    a = a / scale
    weights, found = np.ones(len(y)), np.zeros(a.shape[1])
    for _ in range(rounds):
        weighted = a * weights[:, None]
        found = np.linalg.solve(
            weighted.T @ a + 1e-6 * np.trace(weighted.T @ a) / a.shape[1] * np.eye(a.shape[1]), weighted.T @ y
        )
        weights = 1 / np.maximum(np.abs(y - a @ found), 0.3)
    return found / scale


def greedy(groups: list[Floats], own: Floats, y: Floats, most: int) -> list[int]:
    """Which groups of predictors to take, in order of what they bring, beside `own`."""
    everything = np.concatenate([own, *groups], axis=1)
    found = least_absolute(everything, y, 3)
    weights = 1 / np.maximum(np.abs(y - everything @ found), 0.5)
    scale = np.abs(everything).max(axis=0) + 1e-9
    scaled = everything / scale
    gram = (scaled * weights[:, None]).T @ scaled
    side = (scaled * weights[:, None]).T @ y
    whole = float(weights @ y**2)
    gram += 1e-7 * np.trace(gram) / len(gram) * np.eye(len(gram))

    def rest(taken: list[int]) -> float:
        at = list(range(own.shape[1]))
        for g in taken:
            start = own.shape[1] + sum(x.shape[1] for x in groups[:g])
            at += range(start, start + groups[g].shape[1])
        part = gram[np.ix_(at, at)]
        return whole - float(side[at] @ np.linalg.solve(part, side[at]))

    taken: list[int] = []
    left = rest(taken)
    while len(taken) < most and len(taken) < len(groups):
        best, at = min((rest([*taken, g]), g) for g in range(len(groups)) if g not in taken)
        if best > 0.99 * left:
            break
        taken, left = [*taken, at], best
    return taken


def nonnegative(g: Floats, errors: Floats) -> Floats:
    """Weights >= 0 of an expected error: Laplace likelihood by reweighted non-negative least squares."""
    scale = g.max(axis=0) + 1e-9
    g = g / scale
    w = np.zeros(g.shape[1])
    w[0] = errors.mean() + 0.05
    for _ in range(6):
        weight = 1 / np.maximum(g @ w, 0.02) ** 2
        gram, side = (g * weight[:, None]).T @ g, (g * weight[:, None]).T @ errors
        for _ in range(30):
            for at in range(len(w)):
                if gram[at, at] > 0:
                    w[at] = max(0.0, w[at] + (side[at] - gram[at] @ w) / gram[at, at])
    return w / scale


class Fit:
    """One table in the making."""

    def __init__(self, interval: Interval, units: UnitSystem, frames: Sequence[Frame]) -> None:
        self.interval, self.units, self.frames = interval, units, frames
        codes = {item.slug: item.code for item in items_of(interval)}
        self.order = [codes[slug] for slug in ORDER[interval].split()]
        names, self.derived = dict(codes), []
        for entry in DERIVED[interval].replace("\n", "|").split("|"):
            if entry.strip():
                name, op, *of, number = entry.split()
                self.derived.append([op, *(names[n] for n in of), int(number)])
                names[name] = len(names)
        self.names = {row: name for name, row in names.items()}
        self.models: list[list[Any]] = [[] for _ in codes]
        table = self.table()
        self.needs = [frozenset({at}) for at in range(len(codes))] + [d.needs for d in table.derived]
        self.scenes = []
        for frame in frames:
            scene = Scene(table, table.derivable(frozenset(frame.values)), len(next(iter(frame.values.values()))), 1)
            for item in self.order:
                if item in frame.values:
                    scene.see(item, slice(None), frame.values[item][:, None], UNSHIFTED)
                    scene.finish(item)
            self.scenes.append(scene)

    def content(self) -> bytes:
        said = {
            "interval": self.interval,
            "units": self.units,
            "stride": STRIDE[self.interval],
            "exponents": exponents(self.interval, self.units),
            "order": self.order,
            "lookups": lookups(self.units),
            "derived": self.derived,
            "models": self.models,
        }
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"

    def table(self) -> Table:
        return parse_table(self.content())

    def run(self) -> bytes:
        for place, item in enumerate(self.order):
            self.models[item] = self.item(item, self.order[:place])
        return self.content()

    def rows(self, frames: list[int], before: list[int]) -> list[int]:
        """Predictors that only need items before, and that all of the frames hold."""
        known = {i for i in before if all(i in self.frames[f].values for f in frames)}
        return [row for row, needs in enumerate(self.needs) if needs <= known]

    def item(self, item: int, before: list[int]) -> list[Any]:
        frames = [at for at, frame in enumerate(self.frames) if item in frame.values]
        rows = self.rows(frames, before)
        plain = [self.passes(item, frames, own, rows, 0) for own in (1, 0)]
        models = []
        if frames and rows:
            tries = [self.passes(item, frames, own, rows, MOST[self.interval]) for own in (1, 0)]
            if STRIDE[self.interval] > 1:
                tries += [self.passes(item, frames, own, rows, 0, errors=True) for own in (1, 0)]
            full = min(tries, key=lambda t: t[0])
            models.append(full)
            taken = full[2]
            if taken:
                lost = self.needs[taken[0]]
                smaller = [r for r in rows if not (self.needs[r] & lost)]
                for some, most in ((taken[:3], 3), (taken[:1], 1), (smaller, 3)):
                    if some:
                        models.append(
                            min((self.passes(item, frames, own, some, most) for own in (1, 0)), key=lambda t: t[0])
                        )
            self.learn_errors(item, frames, full[1])
        elif frames:
            self.learn_errors(item, frames, min(plain, key=lambda t: t[0])[1])
        print(
            f"{self.names[item]:18}",
            " ".join(
                f"{m[0] / 8 / max(1, sum(len(self.frames[f].present[item]) for f in frames)):.3f}"
                for m in [*models, *plain]
            ),
            [self.names[r] for r in models[0][2]] if models else "",
            models[0][1][0]["own"] if models else "",
            file=sys.stderr,
        )
        return [m[1] for m in [*models, *plain]]

    def passes(
        self, item: int, frames: list[int], own: int, rows: list[int], most: int, errors: bool = False
    ) -> tuple[float, list[Any], list[int]]:
        """Bits on the frames, the model, and its predictors. `errors`: expect errors where others had them."""
        stride = STRIDE[self.interval]
        steps = [step for step, _ in passes(stride, 2 * stride)]
        if not frames:
            spread = {"constant": 2048, "terms": [], "own": [0, 0, 0]}
            weights = [36864, 36864, -4096, -4096]
            return (
                0.0,
                [
                    {"constant": 0, "terms": [], "own": [own] if step == stride else weights, "spread": spread}
                    for step in steps
                ],
                [],
            )
        finest = self.gather(item, frames, steps[-1], own, rows)
        thin = slice(None, None, max(1, len(finest[2]) // 15000))
        taken = (
            [rows[g] for g in greedy([g[thin] for g in finest[0]], finest[1][thin], finest[2][thin], most)]
            if most
            else []
        )
        spreads = sorted({n for r in (rows if errors else taken) for n in self.needs[r]}) if stride > 1 else []
        model, bits = [], 0
        for step in steps:
            groups, mine, y, present, own_spread = self.gather(item, frames, step, own, taken)
            a = np.concatenate([mine, *groups], axis=1)
            weights = np.rint(least_absolute(a[present], y[present]) * UNIT)
            if not taken and step == stride:
                weights[:] = 0
            guess = np.floor((a @ weights + UNIT / 2) / UNIT)
            error = np.abs(y - guess)
            g = [np.full((len(y), 1), 1.0), *self.error_terms(frames, step, spreads), own_spread]
            spread = np.concatenate(g, axis=1)
            w = np.minimum(np.rint(nonnegative(spread[present], error[present]) * 256), 1 << 16)
            numbers = zigzag((y - guess).astype(np.int64))[present]
            quarters = np.maximum(spread @ w, 1.0).view(np.int64) >> 50
            bits += int(cheapest(numbers[:, None], quarters[present][:, None], None)[0][0])
            constant, *rest = weights.astype(int).tolist()
            base, *more = w.astype(int).tolist()
            mine_count = mine.shape[1] - 1
            terms = [[row, *rest[mine_count + 3 * at : mine_count + 3 * at + 3]] for at, row in enumerate(taken)]
            model.append(
                {
                    "constant": constant,
                    "terms": [t for t in terms if any(t[1:])],
                    "own": [own] if step == stride else rest[:4],
                    "spread": {
                        "constant": base,
                        "terms": [[n, k] for n, k in zip(spreads, more, strict=False) if k],
                        "own": more[len(spreads) :] or [0, 0, 0],
                    },
                }
            )
        return bits / 128, model, taken

    def gather(self, item: int, frames: list[int], step: int, own: int, rows: list[int]) -> tuple[Any, ...]:
        """Of one pass: a group of three columns for each predictor, [1, own …], target, present, own spread."""
        stride = STRIDE[self.interval]
        parts = []
        for f in frames:
            scene, frame = self.scenes[f], self.frames[f]
            values = frame.values[item]
            here = dict(passes(stride, len(values)))[step]
            size = len(range(len(values))[here])
            at = stride + here.start
            window = [slice(at + o, at + o + (size - 1) * here.step + 1, here.step) for o in (-step, 0, step)]
            groups = [np.stack([scene.seen[row, w, 0] for w in window], axis=1) for row in rows]
            y = values[here].astype(float)
            mine, spread = [np.ones(size)], np.empty((size, 0))
            if step < stride:
                around = scene.around(item, step, size)[:, 0]
                far_left, left, right, far_right = (around[at : at + size] for at in range(4))
                mine += [left, right, far_left, far_right]
                spread = np.stack(
                    [
                        np.abs(left - right),
                        np.abs(left) + np.abs(right),
                        np.abs(left - far_left) + np.abs(right - far_right),
                    ],
                    axis=1,
                )
            elif own:
                y = np.diff(y, prepend=y[0])
            parts.append((groups, np.stack(mine, axis=1), y, frame.present[item][here], spread))
        return (
            [np.concatenate([p[0][g] for p in parts]) for g in range(len(rows))],
            *(np.concatenate([p[k] for p in parts]) for k in (1, 2, 3, 4)),
        )

    def error_terms(self, frames: list[int], step: int, items: list[int]) -> list[Floats]:
        terms = []
        for n in items:
            parts = []
            for f in frames:
                scene = self.scenes[f]
                errors = scene.seen[scene.table.error_row + n, scene.edge : scene.edge + scene.count, 0]
                parts.append(errors[dict(passes(STRIDE[self.interval], len(errors)))[step]])
            terms.append(np.concatenate(parts)[:, None])
        return terms

    def learn_errors(self, item: int, frames: list[int], model: list[Any]) -> None:
        """The errors the model makes, for those that come after."""
        self.models[item] = [model]
        plans = self.table().models[item][0].passes
        for f in frames:
            scene, values = self.scenes[f], self.frames[f].values[item]
            for (step, here), plan in zip(passes(STRIDE[self.interval], len(values)), plans, strict=True):
                guess, _ = scene.prediction(item, plan, step, here)
                found = values[here]
                if step == STRIDE[self.interval] and plan.own[0]:
                    found = np.diff(found, prepend=np.int64(0))
                errors = np.where(self.frames[f].present[item][here], found - guess[:, 0], 0)
                scene.see_errors(item, here, errors[:, None], UNSHIFTED)


def fit(frames: Sequence[Frame], interval: Interval, units: UnitSystem) -> bytes:
    """The content of a table's file."""
    if units is UnitSystem.ENGLISH:
        frames = [in_english(frame, interval) for frame in frames]
    return Fit(interval, units, frames).run()


def main() -> int:
    folder = real_data()
    if folder is None:
        print("no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
        return 1
    package = Path(__file__).resolve().parents[1] / "cimis_engine" / "store" / "tables"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else package
    out.mkdir(exist_ok=True)
    for interval in Interval:
        frames = frames_of(folder, interval)
        for units in UnitSystem:
            content = fit(frames, interval, units)
            name = hashlib.sha256(content).hexdigest()
            (out / f"{name}.json").write_bytes(content)
            print(f"{interval} {units}: {name}, {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
