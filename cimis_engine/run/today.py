"""The agency's day: the one door through which "today" comes in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date

from cimis_engine.model.period import parse_date, today_pst

TODAY_VARIABLE = "CIMIS_TODAY"


def agency_today(now: float, environ: Mapping[str, str] = os.environ) -> date:
    """The date in Pacific Standard Time at a Unix time.

    `CIMIS_TODAY` (yyyy-mm-dd) takes its place: for tests, and for a simulator that was started with another `--now`.
    Raises `UsageError` if that is no date.
    """
    given = environ.get(TODAY_VARIABLE)
    return parse_date(given) if given else today_pst(now)
