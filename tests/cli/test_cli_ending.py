from __future__ import annotations

import pytest

from cimis_tui.cli.ending import settle


@pytest.mark.parametrize(
    ("code", "fail_on", "missing", "interrupted", "ends"),
    [
        (3, "any", 0, False, 3),
        (3, "all", 0, False, 0),
        (3, "never", 0, False, 0),
        (4, "all", 0, False, 4),
        (4, "never", 0, False, 0),
        (5, "never", 0, False, 5),
        (0, "missing", 2, False, 3),
        (0, "any", 2, False, 0),
        (3, "all", 0, True, 3),
        (3, "never", 0, True, 3),
        (130, "never", 0, True, 130),
    ],
)
def test_fail_on_bends_failures_and_never_an_interruption(
    code: int, fail_on: str, missing: int, interrupted: bool, ends: int
) -> None:
    assert settle(code, fail_on, missing, interrupted=interrupted) == ends
