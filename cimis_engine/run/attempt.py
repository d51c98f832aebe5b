"""One attempt of a page: request, bytes into the decode pipeline, verdict. It touches no disk and emits no event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from cimis_engine.clock import Clock
from cimis_engine.fetch.classify import Verdict, classify
from cimis_engine.fetch.decode import DecodedPage, DecodeError
from cimis_engine.fetch.pipeline import Session
from cimis_engine.fetch.transport import ApiRequest, AttemptError, Slot
from cimis_engine.run.events import Timings


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What an attempt came to. `page` is there exactly when the verdict is ok or empty."""

    verdict: Verdict
    page: DecodedPage | None
    status: int | None
    timings: Timings
    reused: bool
    wire_bytes: int
    decoded_bytes: int
    content_encoding: str


async def run_attempt(
    slot: Slot,
    request: ApiRequest,
    session: Session,
    *,
    clock: Clock,
    whole_body: bool,
    release: Callable[[], None],
) -> AttemptOutcome:
    """Download on `slot`, call `release` as soon as the last byte of an answer is in, then wait for the decoder.

    After anything but an answer the slot is kept: what the refusal means is known before it starts another page.
    With `whole_body` nothing is decoded before the response has ended: the baseline that streaming is compared with.
    """
    held: list[bytes] = []

    async def hold(chunk: bytes) -> None:
        held.append(chunk)

    sink: Callable[[bytes], Awaitable[None]] = hold if whole_body else session.write
    error: AttemptError | DecodeError | None = None
    page: DecodedPage | None = None
    headers: dict[str, str] = {}

    def begun(status: int, came: Mapping[str, str]) -> None:
        headers.update(came)
        session.begin(status, came)

    try:
        exchange = await slot.get(request, sink, on_response=begun)
    except AttemptError as failure:
        session.abort()
        error, phases, wire, status = failure, failure.phases, failure.wire_bytes, failure.status
    except BaseException:
        session.abort()
        raise
    else:
        phases, wire, status = exchange.phases, exchange.wire_bytes, exchange.status
        if status == 200:
            release()
    if error is None:
        if whole_body:
            await session.write(b"".join(held))
            held.clear()
        try:
            page = await session.finish()
        except DecodeError as failure:
            error = failure
    verdict = classify(status, headers, slot.redactor.data(session.head), error, now=clock.time())
    verdict = replace(verdict, reason=slot.redactor.text(verdict.reason))
    timings = Timings(
        pool_wait=phases.pool_wait,
        dns=phases.dns,
        tcp=phases.tcp,
        tls=phases.tls,
        send=phases.send,
        ttfb=phases.ttfb,
        read=phases.read,
        decode=session.decode_ms if session.decoded_bytes else None,
        total=phases.total_ms,
    )
    return AttemptOutcome(
        verdict,
        page,
        status,
        timings,
        phases.reused,
        wire,
        session.decoded_bytes,
        headers.get("content-encoding", "identity"),
    )
