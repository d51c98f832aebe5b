"""Bad input through the whole engine: a real run against a server that answers with it, and what is on disk after."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from fetch_documents import cell, document, record
from fetch_journey import SPAN, plan_of
from fetch_server import always, response, serving

from cimis_engine.fetch.network import Resolve, resolve
from cimis_engine.model.items import Interval
from cimis_engine.run import events as ev
from cimis_engine.run.engine import run_engine
from cimis_engine.run.spec import Request, RunSpec, Settings, save_spec
from cimis_engine.run.state import RunState
from cimis_engine.store.store import Store

GOOD = document(record(), record("2014-10-02"))


async def run(
    root: Path, answer: bytes, resolver: Resolve = resolve, host: str = "localhost", **settings: Any
) -> tuple[RunState, list[ev.Event], Store]:
    """A run of one page that gets `answer`; its final state, its events, and the store."""
    store = Store.create(root)
    events: list[ev.Event] = []
    async with serving(always(answer)) as url:
        base_url = url.replace("localhost", host)
        chosen = Settings(base_url=base_url, concurrency=1, max_attempts=2, backoff_base=0.0, **settings)
        request = Request(stations="6", start=str(SPAN.start), end=str(SPAN.end))
        spec = RunSpec(run_id="r", command="backfill", data_dir=str(root), request=request, settings=chosen)
        save_spec(spec)
        with store.lock():
            state = await run_engine(
                spec,
                plan_of(SPAN),
                store=store,
                key="key",
                on_event=lambda stamped: events.append(stamped.event),
                handle_signals=False,
                resolver=resolver,
            )
    return state, events, store


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root / "stations")) for p in (root / "stations").rglob("*") if p.is_file())


BAD: dict[str, tuple[bytes, str, int, str]] = {
    "cut mid-record": (response(GOOD[:-70]), "truncated", 4, f"byte {len(GOOD) - 70}"),
    "cut gzip": (
        response(gzip.compress(GOOD)[:-9], "200 OK", "Content-Encoding: gzip"),
        "truncated",
        4,
        "the compressed body ends early",
    ),
    "blocked, 200": (response(b"<html>Request Rejected</html>"), "blocked", 4, "Request Rejected"),
    "blocked, 403": (response(b"<html>Request Rejected</html>", "403 Forbidden"), "blocked", 4, "Request Rejected"),
    "key": (response(b'"[ERR1006-INVALID APP KEY] x"', "403 Forbidden"), "auth", 5, "ERR1006"),
    "schema": (response(b'{"data":{}}'), "schema", 5, "missing at Data"),
    "NaN": (
        response(document(record(), record("2014-10-02", DayEto=cell("NaN")))),
        "schema",
        5,
        "Data.Providers[0].Records[1].DayEto.Value",
    ),
    "bomb": (response(b'{"Data":' + b"[" * 100_000), "schema", 5, "Data"),
    "huge integer": (response(GOOD.replace(b'"7.18"', b"9" * 5000)), "schema", 5, "DayEto.Value"),
    "gzip bomb": (
        response(gzip.compress(b"[" + b" " * (30 << 20)), "200 OK", "Content-Encoding: gzip"),
        "schema",
        5,
        "no records where they should be",
    ),
    "Records twice": (response(GOOD.replace(b'"Name"', b'"Records":[],"Name"')), "schema", 5, "Records comes twice"),
    "one slot twice": (response(document(record(), record())), "schema", 5, "slot 274 of 2014"),
    "another station": (response(document(record(Station="7"))), "schema", 5, "Records[0].Station"),
    "volume": (response(b'"[ERR2112-DATA VOLUME VIOLATION] x"', "400 Bad Request"), "volume", 5, "ERR2112"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", BAD)
async def test_nothing_of_it_is_stored_and_the_run_says_why(name: str, tmp_path: Path) -> None:
    answer, error_class, exit_code, said = BAD[name]
    state, events, store = await run(tmp_path, answer)
    assert files(tmp_path) == []
    assert store.catalog.get(6, Interval.DAILY, 2014) is None
    assert state.exit_code == exit_code
    attempts = [e for e in events if isinstance(e, ev.AttemptFailed)]
    assert {e.error_class for e in attempts} == {error_class}
    assert all(said in e.reason for e in attempts)
    failed = [e for e in events if isinstance(e, ev.JobFailed)]
    assert [e.error_class for e in failed] == [error_class] and said in failed[0].message
    store.close()


@pytest.mark.asyncio
async def test_an_empty_answer_is_stored_as_one(tmp_path: Path) -> None:
    """No data for a period is a result: it is asked for once, and covered from then on."""
    state, _, store = await run(tmp_path, response(document()))
    assert state.exit_code == 0 and files(tmp_path) == ["006/2014_daily.zst"]
    batch = store.read(6, Interval.DAILY, 2014)
    assert batch is not None and len(batch) == 0
    assert [(c.first, c.last) for c in store.covered(6, Interval.DAILY, 2014)] == [(274, 275)]
    store.close()


@pytest.mark.asyncio
async def test_a_missing_day_is_counted(tmp_path: Path) -> None:
    state, events, store = await run(tmp_path, response(document(record())))
    (chunk,) = (e for e in events if isinstance(e, ev.ChunkFinished))
    assert (chunk.records, chunk.expected, chunk.missing, state.exit_code) == (1, 2, 1, 0)
    store.close()


@pytest.mark.asyncio
async def test_odd_widths_and_scales_are_stored_exactly(tmp_path: Path) -> None:
    odd = document(record(DayEto=cell("-7999")), record("2014-10-02", DayEto=cell("123456789.050")))
    _, _, store = await run(tmp_path, response(odd))
    batch = store.read(6, Interval.DAILY, 2014)
    assert batch is not None
    (column,) = (c for c in batch.columns if c.item.field == "DayEto")
    assert [str(column.value(n)) for n in (0, 1)] == ["-7999.00", "123456789.05"]
    store.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("given", [True, False])
async def test_gzip_asked_for_and_not_given_is_a_warning(asked: bool, given: bool, tmp_path: Path) -> None:
    zipped = response(gzip.compress(GOOD), "200 OK", "Content-Encoding: gzip")
    _, events, store = await run(tmp_path, zipped if given else response(GOOD), gzip=asked)
    warned = [e.code for e in events if isinstance(e, ev.Warned)]
    assert warned == (["no-gzip"] if asked and not given else [])
    (finished,) = (e for e in events if isinstance(e, ev.AttemptFinished))
    assert finished.content_encoding == ("gzip" if given else "identity")
    assert (finished.wire_bytes < finished.decoded_bytes) == given
    assert finished.decoded_bytes == len(GOOD)
    store.close()


@pytest.mark.asyncio
async def test_a_name_is_looked_up_where_the_engine_is_told_to(tmp_path: Path) -> None:
    """Resolver and network of a run can be given: what the benchmark of the phases injects its delays by."""
    looked_up: list[str] = []

    async def here(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    state, _, store = await run(tmp_path, response(GOOD), here, "api.test")
    assert (looked_up, state.exit_code) == (["api.test"], 0)
    store.close()
