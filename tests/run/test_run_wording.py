"""Events into words: the kinds that are skipped unasked really have nothing to say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cimis_engine.run import events as ev
from cimis_engine.run.wording import SILENT, describe

_BLANK: dict[str, Any] = {"Timings": ev.Timings(), "dict": {}, "list": []}


def blank(kind: type[ev.Event]) -> ev.Event:
    """An event of a kind with nothing in its fields; it is of the run, not of a station."""
    fields = {f.name: _BLANK.get(getattr(f.type, "__name__", ""), 0) for f in msgspec.structs.fields(kind)}
    return kind(**(fields | {"station": None} if "station" in fields else fields))


@pytest.mark.parametrize("kind", sorted(SILENT, key=lambda k: k.__name__))
def test_silent_kinds_say_nothing(kind: type[ev.Event]) -> None:
    assert list(describe(blank(kind), {})) == []


def test_other_kinds_do_speak() -> None:
    assert list(describe(ev.RunResumed(), {})) == [("INFO", "resumed")]
    assert list(describe(ev.RunPaused(reason="drain"), {})) == [("INFO", "draining: no new pages")]
