"""Codec 1's choice between values and differences hangs on exact bit lengths: at every power of two."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.store.codec_v1 import bit_lengths


def test_bit_lengths_around_every_power() -> None:
    values = sorted({v for n in range(65) for v in (2**n - 1, 2**n, 2**n + 1) if v < 2**64})
    assert bit_lengths(np.array(values, np.uint64)).tolist() == [v.bit_length() for v in values]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_bit_lengths_of_any_code(values: list[int]) -> None:
    assert bit_lengths(np.array(values, np.uint64)).tolist() == [v.bit_length() for v in values]
