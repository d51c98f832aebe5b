"""Decimal strings to scaled integers, exactly."""

from __future__ import annotations

import re

from cimis_engine.model.batch import MAX_EXPONENT

MAX_WHOLE = 9
"""Digits before the point; with nine after it, every value and every alignment fits 64 bits."""
_NUMBER = re.compile(rf"(-?[0-9]{{1,{MAX_WHOLE}}})(?:\.([0-9]{{1,{MAX_EXPONENT}}}))?")


def parse_decimal(text: str) -> tuple[int, int] | None:
    """`-12.50` → (-1250, 2): value = scaled / 10**exponent. None for anything but a plain decimal of a size that fits.

    A plain decimal is an optional minus, digits, and optionally a dot and digits, at most 9 on either side.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, places = match[1], match[2] or ""
    return int(whole + places), len(places)
