"""One-off requests, read whole: the station directory."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.fetch.api import StationWebApi, parse_directory
from cimis_engine.fetch.classify import Verdict, VerdictKind, classify
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.transport import ApiRequest, AttemptError, Slot
from cimis_engine.model.station import Station

_MAX_BYTES = 16 << 20


class ApiError(CimisError):
    """A request that was given up. `exit_code` 4 if trying later may help, 5 if not."""

    def __init__(self, what: str, verdict: Verdict, attempts: int) -> None:
        super().__init__(f"{what}: {verdict.reason}", hint=verdict.hint)
        self.verdict, self.error_class, self.attempts = verdict, verdict.error_class, attempts
        self.exit_code = 4 if verdict.kind in (VerdictKind.RETRY, VerdictKind.BLOCKED) else 5


async def fetch_directory(
    slot: Slot, api: StationWebApi, policy: RetryPolicy, clock: Clock, rng: random.Random
) -> tuple[Station, ...]:
    """All stations of the API. Raises `ApiError`, or `StationDirectoryError` for an unreadable entry."""
    started = clock.monotonic()
    attempt = 0
    while True:
        attempt += 1
        stations, verdict = await _attempt(slot, api.stations_request(), clock)
        if stations is not None and verdict.kind in (VerdictKind.OK, VerdictKind.EMPTY):
            return stations
        delay = policy.delay(attempt, verdict, rng, clock.monotonic() - started)
        if delay is None:
            raise ApiError("the station directory", verdict, attempt)
        await clock.sleep(delay)


async def _attempt(slot: Slot, request: ApiRequest, clock: Clock) -> tuple[tuple[Station, ...] | None, Verdict]:
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
    body, stations = bytearray(), None
    error: DecodeError | None = None
    try:
        inflater = Inflater(exchange.content_encoding, _MAX_BYTES)
        for piece in inflater.pieces(bytes(wire)):
            body += piece
        if exchange.status == 200:
            inflater.finish()
            stations = parse_directory(bytes(body))
    except DecodeError as failure:
        error = failure
    head = slot.redact(bytes(body[:2048]))
    verdict = classify(exchange.status, headers, head, error, now=clock.time())
    return stations, replace(verdict, reason=slot.redact(verdict.reason))
