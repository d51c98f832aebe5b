"""A row of small unsigned numbers in Elias gamma codes: the head of a block. Slow, so for some hundred at most."""

from __future__ import annotations

from functools import cache, lru_cache

from cimis_engine.store.wire import Cursor

_AHEAD = 32
"""So many numbers are read before they are asked for: one loop is faster than many calls."""
_GLANCE = 512
"""Bytes that hold nearly every head."""
_WINDOW = 12
"""Digits that are looked up together. All there are of them are remembered: at most 2**13."""


@cache
def _within(digits: str) -> tuple[list[int], list[int]]:
    """The numbers whose codes are whole in these digits, and where each ends."""
    numbers, ends, at = list[int](), list[int](), 0
    while (first := digits.find("1", at)) >= 0 and 2 * first - at + 1 <= len(digits):
        end = 2 * first - at + 1
        numbers.append(int(digits[first:end], 2) - 1)
        ends.append(end)
        at = end
    return numbers, ends


@lru_cache(maxsize=1024)
def _code(n: int) -> str:
    return format(n + 1, "b").rjust(2 * (n + 1).bit_length() - 1, "0")


def write_gamma(numbers: list[int]) -> bytes:
    """n as the binary digits of n + 1, after as many zeros as follow its first digit; padded with 0 to a byte."""
    digits = "".join(map(_code, numbers))
    size = (len(digits) + 7) // 8
    return int(digits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")


class GammaReader:
    """Reads numbers from where `cursor` stands; `end` moves the cursor behind the last byte of them."""

    def __init__(self, cursor: Cursor, limit: int) -> None:
        """`limit`: the most bytes the numbers can take."""
        self._cursor, self._limit = cursor, limit
        self._digits = ""
        self._look(_GLANCE)
        self._values: list[int] = []
        self._ends = [0]
        self._taken = 0

    def _look(self, size: int) -> None:
        data = self._cursor.peek(min(size, self._limit))
        self._digits = format(int.from_bytes(data, "big"), "b").rjust(len(data) * 8, "0") if data else ""

    def number(self, most: int, name: str) -> int:
        """The next number. Raises `ChunkError` where it is above `most`."""
        return self.numbers(1, most, name)[0]

    def numbers(self, count: int, most: int, name: str) -> list[int]:
        """The next numbers. Raises `ChunkError` where one is above `most`."""
        end = self._taken + count
        if end > len(self._values) and not self._read_to(end + _AHEAD):
            self._look(self._limit)
            self._read_to(end)
        found = self._values[self._taken : end]
        if len(found) < count:
            raise self._cursor.error(f"{name}: the head ends early")
        if found and max(found) > most:
            raise self._cursor.error(f"{name} is {max(found)}, at most {most} is possible")
        self._taken = end
        return found

    def _read_to(self, count: int) -> bool:
        """Numbers until there are `count`, or no more (False): what follows the head is read as if it went on."""
        digits, at, values, ends = self._digits, self._ends[-1], self._values, self._ends
        while len(values) < count:
            found, found_ends = _within(digits[at : at + _WINDOW])
            if not found:
                first = digits.find("1", at)
                end = 2 * first - at + 1
                if first < 0 or end > len(digits):
                    return False
                found, found_ends = [int(digits[first:end], 2) - 1], [end - at]
            values += found
            ends += [at + end for end in found_ends]
            at = ends[-1]
        return True

    def end(self) -> None:
        at = self._ends[self._taken]
        size = (at + 7) // 8
        if "1" in self._digits[at : size * 8]:
            raise self._cursor.error("padding of the head is not 0")
        self._cursor.take(size, "head")
