"""QC flags: every flag the agency gives comes back as it was, and nothing else is one."""

from __future__ import annotations

import pytest

from cimis_engine.model import qc


@pytest.mark.parametrize("text", [None, "", " ", "Y", "Z", "~", "N/A", "N/C"])
def test_a_flag_comes_back_as_it_was(text: str | None) -> None:
    code = qc.flag_code(text)
    assert code is not None and code < 128
    assert qc.flag_text(code) == text


@pytest.mark.parametrize("text", ["YY", "é", "\n", "N/B", "n/a", "\x02"])
def test_what_is_no_flag(text: str) -> None:
    assert qc.flag_code(text) is None


def test_every_severe_flag_has_a_meaning() -> None:
    assert {qc.flag_text(code) for code in qc.SEVERE} <= set(qc.MEANINGS)
