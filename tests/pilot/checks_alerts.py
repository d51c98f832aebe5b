"""The alerts screen: going to what an alert is about, acknowledging, muting."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, check, live
from tui_alerts import troubled

from cimis_tui.widgets.row_list import RowList


def rule(at: At) -> object:
    key = at.one(RowList).cursor
    assert isinstance(key, tuple)
    return key[0]


@check("alerts.open", on="alerts", start=live(troubled))
async def open_subject(at: At) -> AsyncIterator[None]:
    assert rule(at) == "checksum"
    yield
    assert at.screen.VIEW == "station"
    assert at.app.pump.selected == 83


@check("alert.acknowledge", on="alerts", start=live(troubled))
async def acknowledge(at: At) -> AsyncIterator[None]:
    await at.press("j")
    yield
    assert await at.commands() == [{"cmd": "ack", "rule": "retry_ratio", "subject": "run"}]


@check("alert.acknowledge_all", on="alerts", start=live(troubled))
async def acknowledge_all(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "ack"}]


@check("alert.mute", on="alerts", start=live(troubled))
async def mute(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "mute", "rule": "checksum", "subject": "83"}]


@check("alert.mute", on="alerts", start=live(troubled))
async def unmute(at: At) -> AsyncIterator[None]:
    await at.press("j", "j", "j", "j")
    assert rule(at) == "error_rate"
    yield
    assert await at.commands() == [{"cmd": "unmute", "rule": "error_rate", "subject": "run"}]
