"""A row of small unsigned numbers in Elias gamma codes: the head of a block. Slow, so for some hundred at most."""

from __future__ import annotations

from cimis_engine.store.wire import Cursor


def write_gamma(numbers: list[int]) -> bytes:
    """n as the binary digits of n + 1, after as many zeros as follow its first digit; padded with 0 to a byte."""
    digits = "".join(format(n + 1, "b").rjust(2 * (n + 1).bit_length() - 1, "0") for n in numbers)
    size = (len(digits) + 7) // 8
    return int(digits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")


class GammaReader:
    """Reads numbers from where `cursor` stands; `end` moves the cursor behind the last byte of them."""

    def __init__(self, cursor: Cursor, limit: int) -> None:
        """`limit`: the most bytes the numbers can take."""
        self._cursor = cursor
        data = cursor.peek(limit)
        self._digits = format(int.from_bytes(data, "big"), "b").rjust(len(data) * 8, "0") if data else ""
        self._at = 0

    def number(self, most: int, name: str) -> int:
        """The next number. Raises `ChunkError` where it is above `most`."""
        return self.numbers(1, most, name)[0]

    def numbers(self, count: int, most: int, name: str) -> list[int]:
        """The next numbers. Raises `ChunkError` where one is above `most`."""
        digits, at, size, found = self._digits, self._at, len(self._digits), []
        for _ in range(count):
            first = digits.find("1", at)
            end = 2 * first - at + 1
            if first < 0 or end > size:
                raise self._cursor.error(f"{name}: the head ends early")
            found.append(int(digits[first:end], 2) - 1 if first > at else 0)
            at = end
        if found and max(found) > most:
            raise self._cursor.error(f"{name} is {max(found)}, at most {most} is possible")
        self._at = at
        return found

    def end(self) -> None:
        size = (self._at + 7) // 8
        if "1" in self._digits[self._at : size * 8]:
            raise self._cursor.error("padding of the head is not 0")
        self._cursor.take(size, "head")
