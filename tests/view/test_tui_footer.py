"""What the footer offers: what can be done now, in the words it has now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cimis_tui.actions import footer_actions, footer_width
from cimis_tui.reasons import CONTROLS, Situation

RUNNING = Situation(mode="live", phase="running", feed="LIVE", stations=("running",))


def test_the_footer_holds_what_fits() -> None:
    for width in (60, 80, 120):
        kept = footer_actions(width, now=RUNNING)
        assert 1 + sum(footer_width(a) for a in kept) <= width
        assert {"help", "quit"} <= {a.name for a in kept}


def offered(
    now: Situation | None, view: str = "dashboard", width: int = 200, *, frozen: bool = False
) -> dict[str, str]:
    """The footer's actions and their words."""
    return {a.name: a.footer for a in footer_actions(width, view, now=now, frozen=frozen)}


@pytest.mark.parametrize("now", [None, replace(RUNNING, phase="starting"), replace(RUNNING, phase="partial")])
def test_the_footer_has_no_key_that_steers_what_is_not_there(now: Situation | None) -> None:
    assert "pause" in offered(RUNNING)
    assert not CONTROLS & offered(now).keys()


def test_the_footer_offers_what_fits_the_station_under_the_cursor() -> None:
    steering = {"pause", "retry", "cancel"}
    assert steering & offered(RUNNING).keys() == {"pause", "cancel"}
    failed = offered(replace(RUNNING, stations=("failed",), failed=1))
    assert steering & failed.keys() == {"retry"}
    assert steering & offered(replace(RUNNING, stations=("done",))).keys() == set()
    assert offered(replace(RUNNING, stations=("paused",)))["pause"] == "Resume"


def test_the_footer_says_how_many_marked_stations_a_key_fits() -> None:
    now = replace(RUNNING, stations=("running", "paused", "failed", "done"), failed=1, marked=True)
    words = offered(now)
    assert (words["pause"], words["retry"], words["cancel"]) == ("Pause 2", "Retry 1", "Cancel 2")


def test_the_footer_names_the_way_out_of_what_is_on() -> None:
    assert (offered(RUNNING)["freeze"], offered(RUNNING, frozen=True)["freeze"]) == ("Freeze", "Unfreeze")
    assert offered(RUNNING)["pause_run"] == "Pause all"
    assert offered(replace(RUNNING, phase="paused"))["pause_run"] == "Resume all"


def test_a_station_can_be_steered_where_one_looks_at_it() -> None:
    assert {"pause", "cancel"} <= offered(RUNNING, "station", 60).keys()
    assert "retry" in offered(replace(RUNNING, stations=("failed",)), "station", 60)


def test_the_way_home_is_named_where_one_is_away() -> None:
    assert "home_run" not in {a.name for a in footer_actions(200)}
    assert "home_run" in {a.name for a in footer_actions(80, away=True)}
