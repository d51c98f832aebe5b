"""A body through the real pipeline to its verdict, without a network."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import Iterable, Mapping
from typing import Any

from fetch_documents import Decoders, make

from cimis_engine.clock import SystemClock
from cimis_engine.fetch.classify import Verdict, classify
from cimis_engine.fetch.columns import DecodedPage
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.pipeline import DecodePipeline, Session


async def through(session: Session, status: int, headers: Mapping[str, str], chunks: Iterable[bytes]) -> Any:
    """The page of a response that goes through `session` chunk by chunk. Raises `DecodeError`."""
    session.begin(status, headers)
    for chunk in chunks:
        await session.write(chunk)
    return await session.finish()


@contextlib.asynccontextmanager
async def running(max_queued: int = 1 << 20) -> Any:
    """A decode pipeline at work."""
    pipeline = DecodePipeline(clock=SystemClock(), max_queued=max_queued)
    worker = asyncio.create_task(pipeline.run())
    try:
        yield pipeline
    finally:
        worker.cancel()


async def judged(
    kind: Decoders, body: bytes, *, status: int = 200, zipped: bool = False, **options: Any
) -> tuple[Verdict, DecodedPage | None, Session]:
    """The verdict on a response, the page if it has one, and the session it went through."""
    headers = {"content-encoding": "gzip"} if zipped else {}
    wire = gzip.compress(body, 1) if zipped else body
    chunks = [wire[at : at + 16384] for at in range(0, len(wire), 16384)]
    error, page = None, None
    async with running() as pipeline:
        session = pipeline.open(make(kind, **options))
        try:
            page = await through(session, status, headers, chunks)
        except DecodeError as refused:
            error = refused
    return classify(status, headers, session.head, error, now=0.0), page, session
