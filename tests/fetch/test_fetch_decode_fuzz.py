"""The fast decoder against the reference: the same of everything valid, never laxer on anything else."""

from __future__ import annotations

import random

import pytest
from fetch_documents import IjsonPageDecoder, PageDecoder, decode, document, facts, record, small_batches
from fetch_fuzz import Asked, any_document, broken
from hypothesis import given, settings
from hypothesis import strategies as st

from cimis_engine.fetch.decode_error import DecodeError

BATCHES = (64, 300, 2000, 128 << 10)
PROOF_DOCUMENTS = 40_000


def reference(body: bytes, want: Asked) -> object:
    """What the reference says: the page's facts, or its refusal."""
    try:
        return facts(decode(IjsonPageDecoder, body, **want.options()))
    except DecodeError as error:
        return error


def fast(body: bytes, want: Asked, rng: random.Random) -> object:
    """The same of the fast decoder, fed in any slices, with batches of any size."""
    slices = [rng.choice((1, 7, 50, 300)) for _ in range(rng.randrange(30))]
    with small_batches(rng.choice(BATCHES)):
        try:
            return facts(decode(PageDecoder, body, slices, **want.options()))
        except DecodeError as error:
            return error


def check_valid(rng: random.Random) -> None:
    body, want = any_document(rng)
    expected = reference(body, want)
    assert not isinstance(expected, DecodeError), f"the reference refuses it ({expected}): {body!r}"
    assert fast(body, want, rng) == expected, body


def check_broken(rng: random.Random) -> bool:
    """Whether the fast decoder took a document after accidents; then the reference must have, and say the same."""
    body, want = any_document(rng)
    body = broken(rng, body)
    found = fast(body, want, rng)
    if isinstance(found, DecodeError):
        return False
    expected = reference(body, want)
    if isinstance(expected, DecodeError) and "overflow" in str(expected):
        # yajl keeps numbers in 64 bits and refuses larger ones wherever they stand. JSON does not, and no number of a
        # CIMIS record is any of ours: values are strings.
        return True
    assert not isinstance(expected, DecodeError), f"laxer than the reference ({expected}): {body!r}"
    assert found == expected, body
    return True


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_both_say_the_same_of_everything_valid(rng: random.Random) -> None:
    check_valid(rng)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_fast_is_never_laxer_than_the_reference(rng: random.Random) -> None:
    check_broken(rng)


def test_a_thousand_documents() -> None:
    """As the proof below, small enough for every day."""
    taken = run_seeds(range(1000))
    assert taken > 50, "accidents that leave a document valid are compared, too"


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(8))
def test_forty_thousand_documents(part: int) -> None:
    first = 1_000_000 + part * PROOF_DOCUMENTS // 8
    seeds = range(first, first + PROOF_DOCUMENTS // 8)
    print(f"\nseeds {seeds.start} to {seeds.stop - 1}: {run_seeds(seeds)} broken ones taken by both")


def run_seeds(seeds: range) -> int:
    """One document a seed, every fourth of them valid; how many of the others the fast decoder took."""
    taken = 0
    for seed in seeds:
        try:
            if seed % 4 == 0:
                check_valid(random.Random(seed))
            else:
                taken += check_broken(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    return taken


@pytest.mark.parametrize("size", [64, 256, 2000])
@pytest.mark.parametrize("records", [0, 3])
def test_white_space_may_be_of_any_width(size: int, records: int) -> None:
    body = document(*(record(f"2014-10-{n + 1:02d}") for n in range(records)))
    wide = b"".join(bytes([c]) + b" " * size if c in b"{}[],:" else bytes([c]) for c in body)
    expected = facts(decode(IjsonPageDecoder, wide))
    assert facts(decode(PageDecoder, wide)) == expected == facts(decode(PageDecoder, body))


def test_a_large_page_in_its_own_batches() -> None:
    """Bodies of several real batches, cut where cutting misleads: the other tests shrink the batches instead."""
    nasty = ("},{", "}]}]}}", '"', "\\", '"Records": [', '},"DayEto":{"Value":"1"')
    records = [record(f"2014-10-{n + 1:02d}", Note=(nasty[n % 6] + 60 * "x") * (n * 40)) for n in range(31)]
    body = document(*records)
    assert len(body) > 8 * BATCHES[-1]
    assert facts(decode(PageDecoder, body)) == facts(decode(IjsonPageDecoder, body))
