"""Patches: whatever two states of a chunk are, one patched is the other, exactly, also after a trip through bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publish_samples import revised
from store_samples import INT64, batches, same, sample

from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import DAILY_ITEMS
from cimis_engine.publish.patch import Draft, draft, patched
from cimis_engine.publish.section import cost, decode_section, encode_section
from cimis_engine.store.content import canonical, digest_of_canonical
from cimis_engine.store.wire import Cursor


def drafted(old: RecordBatch | None, new: RecordBatch) -> Draft:
    source = digest_of_canonical(old)[:8] if old else None
    return draft(old, new, source, digest_of_canonical(new))


def through_bytes(drafts: list[Draft]) -> list[RecordBatch | None]:
    patches = [d.patch for d in drafts]
    frame, size = encode_section(drafts)
    targets, sources = [p.target for p in patches], [p.source for p in patches]
    return decode_section(frame, size, patches[0].interval, targets, sources, Cursor(b""))  # type: ignore[return-value]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[RecordBatch | None, RecordBatch]:
    """Two contents of one chunk that share some records, or a chunk that is new."""
    new = canonical(draw(batches()))
    if draw(st.booleans()):
        return None, new
    other = draw(batches().filter(lambda b: b.interval is new.interval and b.year == new.year))
    old = canonical(replace(other, station=new.station, units=new.units))
    if draw(st.booleans()):  # most of the new in the old
        keep = np.array(draw(st.lists(st.booleans(), min_size=len(new), max_size=len(new))), np.bool_)
        old = canonical(new.select(keep))
        if len(old) and old.columns:
            old = canonical(revised(old, draw(st.integers(0, len(old) - 1)), draw(st.sampled_from([-1, 1, 10, 2**40]))))
    return old, new


@settings(max_examples=150, deadline=None)
@given(pairs())
def test_any_state_leads_to_any_other(pair: tuple[RecordBatch | None, RecordBatch]) -> None:
    old, new = pair
    one = drafted(old, new)
    assert same(patched(old, one.patch), new)
    (read,) = through_bytes([one])
    assert same(patched(old, read), new)  # type: ignore[arg-type]


def test_many_chunks_share_a_section() -> None:
    olds = [canonical(sample(station=n, count=20 + n, items=1 + n % 4)) for n in range(1, 30)]
    news = [canonical(sample(station=n, count=22 + n, items=1 + n % 4)) for n in range(1, 30)]
    olds[7], olds[9] = None, canonical(sample(station=10, count=31, items=6))  # type: ignore[call-overload]
    drafts = [drafted(old, new) for old, new in zip(olds, news, strict=True)]
    for old, new, patch in zip(olds, news, through_bytes(drafts), strict=True):
        assert same(patched(old, patch), new)  # type: ignore[arg-type]


def test_values_that_leave_64_bits_when_raised_are_exact() -> None:
    item, one = DAILY_ITEMS[0], np.ones(2, np.bool_)
    flags = np.full(2, 32, np.uint8)
    big, fine = np.array([INT64.max, INT64.min], np.int64), np.array([1, -1], np.int64)
    base = sample(count=2, items=0)
    a = canonical(replace(base, columns=(column(item, 0, big, one, flags),)))
    b = canonical(replace(base, columns=(column(item, 9, fine, one, flags),)))
    for old, new in ((a, b), (b, a)):
        (read,) = through_bytes([drafted(old, new)])
        assert same(patched(old, read), new)  # type: ignore[arg-type]


def test_a_patch_has_only_what_changed() -> None:
    old, new = canonical(sample(count=300)), canonical(revised(sample(count=301), 17))
    patch = drafted(old, new).patch
    assert (patch.added, patch.changed, patch.removed) == (((301, 301),), ((18, 18),), ())
    assert [(c.first, c.last) for c in patch.covered] == [(301, 301)]
    assert cost(patch) == 3 * 2 + 3
    assert cost(drafted(new, new).patch) == 0


def test_a_settled_flag_costs_next_to_nothing() -> None:
    new = canonical(sample(count=365, items=14))
    pending = tuple(
        column(c.item, c.exponent, c.scaled, c.present, np.where(new.slots > 320, ord("P"), c.qc)) for c in new.columns
    )
    old = canonical(replace(new, columns=pending))
    frame, _ = encode_section([drafted(old, new)])
    assert len(frame) < 200, "45 records of 14 items"


@pytest.mark.parametrize("mode", [False, True])
def test_steps_are_taken_where_they_are_shorter(mode: bool) -> None:
    size = 60
    values = np.arange(size) + 5000 if mode else np.where(np.arange(size) % 2, 100, -100)
    one = column(DAILY_ITEMS[0], 0, values, np.ones(size, np.bool_), np.full(size, 32, np.uint8))
    new = canonical(replace(sample(count=size, items=1), columns=(one,)))
    (read,) = through_bytes([drafted(None, new)])
    assert read is not None
    assert read.stepped.tolist() == [mode]  # type: ignore[attr-defined]
