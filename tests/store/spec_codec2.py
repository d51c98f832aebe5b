"""A reader of codec 2 written from `docs/format.md` alone: plain Python integers, nothing of `cimis_engine`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[2] / "cimis_engine" / "store" / "tables"
COMMON = b" YRNMHISAQPTE"
RANKED = [*COMMON, *(b for b in range(256) if b not in COMMON)]
LIMIT = 1 << 23


@cache
def table_of(tag: bytes) -> Any:
    (file,) = TABLES.glob(f"{tag.hex()}*.json")
    return json.loads(file.read_bytes())


def unzigzag(code: int) -> int:
    return (code >> 1) ^ -(code & 1)


def held(value: int) -> int:
    return max(-LIMIT, min(LIMIT, value))


def signed(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


class Bits:
    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{b:08b}" for b in data)
        self.at = 0

    def plain(self, width: int) -> int:
        self.at += width
        return int(self.bits[self.at - width : self.at] or "0", 2)

    def unary(self) -> int:
        begin, self.at = self.at, self.bits.index("1", self.at) + 1
        return self.at - 1 - begin

    def gamma(self) -> int:
        return (1 << (zeros := self.unary())) + self.plain(zeros) - 1

    def rest(self) -> int:
        """Skips the padding; how many bytes have been read."""
        size = -(-self.at // 8)
        assert "1" not in self.bits[self.at : size * 8]
        return size


class Numbers:
    def __init__(self, data: bytes, counts: list[int]) -> None:
        *some, full, unary = counts
        self.unary = Bits(data[:unary])
        self.plain = Bits(data[unary : len(data) - 8 * full])
        tail = data[len(data) - 8 * full :]
        self.full = iter([int.from_bytes(tail[i : i + 8], "little") for i in range(0, len(tail), 8)])
        gaps = [[self.unary.unary() for _ in range(n)] for n in some]
        self.gaps = [iter([(g << 7 - c) + self.plain.plain(7 - c) for g in row]) for c, row in enumerate(gaps)]
        self.zeros = [next(row, None) for row in self.gaps]

    def next(self, c: int) -> int:
        if c >= 8:
            unary, low = self.unary.unary(), self.plain.plain(c - 7)
            return next(self.full) if unary == 24 else unary << (c - 7) | low
        if not self.yes(c):
            return 0
        length = self.unary.unary()
        low = self.plain.plain(max(length - 1, 0))
        if length == 24:
            return next(self.full) + 1
        return (1 << (length - 1) | low if length else 0) + 1

    def yes(self, c: int) -> bool:
        left = self.zeros[c]
        if left is None or left > 0:
            self.zeros[c] = None if left is None else left - 1
            return False
        self.zeros[c] = next(self.gaps[c], None)
        return True


class Marks:
    def __init__(self, head: Bits, sizes: list[int]) -> None:
        self.sizes, rows = sizes, [at for at, s in enumerate(sizes) if s]
        self.modes = {at: head.gamma() for at in rows}
        self.odd = (head.gamma(), head.gamma()) if len(rows) > 1 else None
        self.classes = {at: head.gamma() for at in rows}
        self.which = {at: head.gamma() for at in rows if sizes[at] > 1}

    def read(self, numbers: Numbers, n: int) -> list[list[int]]:
        marks = [[0] * n for _ in self.sizes]
        odd = [True] * n
        if self.odd:
            mode, c = self.odd
            for t in range(n):
                told = numbers.yes(c)
                odd[t] = told != (odd[t - 1] if t else False) if mode else told
        for at, c in self.classes.items():
            marks[at] = [int(numbers.yes(c)) if o else 0 for o in odd]
        for at, c in self.which.items():
            marks[at] = [m + numbers.next(c) if m else 0 for m in marks[at]]
        for at, mode in self.modes.items():
            if mode:
                marks[at] = [total % (self.sizes[at] + 1) for total in accumulate(marks[at])]
        return marks


def passes(stride: int, n: int) -> Iterator[tuple[int, range]]:
    yield stride, range(0, n, stride)
    step = stride // 2
    while step:
        yield step, range(step, n, 2 * step)
        step //= 2


def read_block(block: bytes, codes: list[int], first: int, last: int, n: int) -> tuple[list[int], list[Any]]:
    """Slots, and for each item: exponent, values (None where missing), flag bytes."""
    table = table_of(block[:4])
    head = Bits(block[4:])
    counts = [head.gamma() for _ in range(10)]
    if not n:
        assert 4 + head.rest() == len(block)
        return [], [(0, [], []) for _ in codes]
    palettes = [[RANKED[head.gamma()] for _ in range(head.gamma() + 1)] for _ in codes]
    flag_marks = Marks(head, [len(palette) - 1 for palette in palettes])
    missing_marks = Marks(head, [head.gamma() for _ in codes])
    order = [c for c in table["order"] if c in codes]
    plans = {c: (unzigzag(head.gamma()), head.gamma(), unzigzag(head.gamma())) for c in order}
    numbers = Numbers(block[4 + head.rest() :], counts)

    slots = [first]
    for _ in range(n - 1):
        slots.append(slots[-1] + 1 + (numbers.next(1) if n < last - first + 1 else 0))
    flags = [[p[m] for m in row] for p, row in zip(palettes, flag_marks.read(numbers, n), strict=True)]
    there = [
        [bool(m) == (f == ord("M")) for m, f in zip(row, flag, strict=True)]
        for row, flag in zip(missing_marks.read(numbers, n), flags, strict=True)
    ]
    seen: dict[int, list[int]] = {}
    errors: dict[int, list[int]] = {}
    values: dict[int, list[int]] = {}
    for item in order:
        shift, model, bias = plans[item]
        column(table, item, model, shift, bias, numbers, there[codes.index(item)], seen, errors, values)
        derive(table, seen, n)
    assert numbers.unary.rest() == len(numbers.unary.bits) // 8
    assert numbers.plain.rest() == len(numbers.plain.bits) // 8
    assert next(numbers.full, None) is None and numbers.zeros == [None] * 8
    columns = []
    for row, code in enumerate(codes):
        exponent = table["exponents"][code] + plans[code][0]
        cells = zip(values[code], there[row], strict=True)
        columns.append((exponent, [v if here else None for v, here in cells], flags[row]))
    return slots, columns


def column(
    table: Any,
    item: int,
    model: int,
    shift: int,
    bias: int,
    numbers: Numbers,
    there: list[bool],
    seen: dict[int, list[int]],
    errors: dict[int, list[int]],
    values: dict[int, list[int]],
) -> None:
    n = len(there)
    own, wrong, real = [0] * n, [0] * n, [0] * n

    def usual(value: int) -> int:
        return held(value // 10**shift) if shift >= 0 else held(held(value) * 10**-shift)

    for (step, records), plan in zip(passes(table["stride"], n), table["models"][item][model], strict=True):
        fine, before = step < table["stride"], 0
        for t in records:
            total, spread = plan["constant"], plan["spread"]["constant"]
            for c, *weights in plan["terms"]:
                for weight, at in zip(weights, (t - step, t, t + step), strict=True):
                    total += weight * seen[c][max(0, min(n - 1, at))]
            for c, weight in plan["spread"]["terms"]:
                spread += weight * errors[c][t]
            if fine:
                left = own[t - step]
                right = own[t + step] if t + step < n else left
                far_left = own[t - 3 * step] if t >= 3 * step else left
                far_right = own[t + 3 * step] if t + 3 * step < n else right
                near = (left, right, far_left, far_right)
                total += sum(w * v for w, v in zip(plan["own"], near, strict=True))
                unrest = (
                    abs(left - right),
                    abs(left) + abs(right),
                    abs(left - far_left) + abs(right - far_right),
                )
                spread += sum(w * v for w, v in zip(plan["spread"]["own"], unrest, strict=True))
            guess = held((total + 32768) >> 16)
            guess = guess * 10**shift if shift >= 0 else guess // 10**-shift
            spread = max(spread, 1)
            b = spread.bit_length() - 1
            quarter = 4 * b + 4 * spread // 2**b - 4
            error = unzigzag(numbers.next(max(0, min(47, (quarter + bias) >> 2)))) if there[t] else 0
            real[t] = signed(guess + error + (before if not fine and plan["own"] == [1] else 0))
            before = real[t]
            own[t], wrong[t] = usual(real[t]), abs(usual(error))
    seen[item], errors[item], values[item] = own, wrong, real


def derive(table: Any, seen: dict[int, list[int]], n: int) -> None:
    """Every derived column that can be had and is not there yet."""
    for at, (op, *of, number) in enumerate(table["derived"], len(table["exponents"])):
        if at in seen or not all(c in seen for c in of):
            continue
        row = []
        for a, b in zip(seen[of[0]], seen[of[-1]], strict=True):
            if op == "lookup":
                first, entries = table["lookups"][number]
                value = entries[max(0, min(len(entries) - 1, a - first))]
            elif op == "product":
                value = a * b >> number
            elif op == "ratio":
                value = a * number // max(b, 1)
            elif op == "less":
                value = a - b
            else:
                value = a if b > 0 else 0
            row.append(held(value))
        seen[at] = row
