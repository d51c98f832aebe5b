"""One-off requests, read whole and tried again like any other: the station directory, records that are only shown."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.fetch.classify import Verdict, VerdictKind, classify
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.transport import ApiRequest, AttemptError, Slot

_MAX_BYTES = 16 << 20
T = TypeVar("T")


class ApiError(CimisError):
    """A request that was given up. `exit_code` 4 if trying later may help, 5 if not."""

    def __init__(self, what: str, verdict: Verdict, attempts: int) -> None:
        hint = verdict.hint or ("ask for fewer days or places" if verdict.kind is VerdictKind.SPLIT else "")
        super().__init__(f"{what}: {verdict.reason}", hint=hint)
        self.verdict, self.error_class, self.attempts = verdict, verdict.error_class, attempts
        self.exit_code = 4 if verdict.kind in (VerdictKind.RETRY, VerdictKind.BLOCKED) else 5


async def fetch_document(
    slot: Slot,
    request: ApiRequest,
    parse: Callable[[bytes], T],
    what: str,
    *,
    policy: RetryPolicy,
    clock: Clock,
    rng: random.Random,
) -> T:
    """What `parse` makes of the whole body of the answer; it may raise `DecodeError`.

    Raises `ApiError`, whose text begins with `what`, and what else `parse` raises.
    """
    started = clock.monotonic()
    attempt = 0
    while True:
        attempt += 1
        document, verdict = await _attempt(slot, request, parse, clock)
        if document is not None and verdict.kind in (VerdictKind.OK, VerdictKind.EMPTY):
            return document
        delay = policy.delay(attempt, verdict, rng, clock.monotonic() - started)
        if delay is None:
            raise ApiError(what, verdict, attempt)
        await clock.sleep(delay)


async def _attempt(
    slot: Slot, request: ApiRequest, parse: Callable[[bytes], T], clock: Clock
) -> tuple[T | None, Verdict]:
    wire = bytearray()
    headers: dict[str, str] = {}

    async def sink(chunk: bytes) -> None:
        wire.extend(chunk)

    def begun(_: int, came: Mapping[str, str]) -> None:
        headers.update(came)

    try:
        exchange = await slot.get(request, sink, on_response=begun)
    except AttemptError as failure:
        return None, classify(failure.status, headers, b"", failure, now=clock.time())
    body, document = bytearray(), None
    error: DecodeError | None = None
    try:
        inflater = Inflater(exchange.content_encoding, _MAX_BYTES)
        for piece in inflater.pieces(bytes(wire)):
            body += piece
        if exchange.status == 200:
            inflater.finish()
            document = parse(bytes(body))
    except DecodeError as failure:
        error = failure
    head = slot.redactor.data(bytes(body[:2048]))
    verdict = classify(exchange.status, exchange.headers, head, error, now=clock.time())
    return document, replace(verdict, reason=slot.redactor.text(verdict.reason))
