"""The one decoder of the loop: queued bytes of all sessions, first in, first out, inflated and decoded in small pieces.

Slots only download; what they download waits here, under one bound for all. A single task does the work and yields
between pieces, so that the loop stays responsive however many slots there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cimis_engine.clock import Clock
from cimis_engine.fetch.columns import DecodedPage
from cimis_engine.fetch.decode import Decoder
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.inflate import Inflater

MAX_QUEUED = 8 << 20
HEAD_BYTES = 2 << 10


class Session:
    """The body of one attempt on its way to a page.

    `head`: the first 2 KiB, inflated. `decode_ms`: busy time, inflating included. A body that is not 200, or is a web
    page, is only looked at: its `finish` gives None. What cannot be data does not wait its turn for that: a refusal is
    known when its last byte is in, before the slot that brought it can carry another request.
    """

    def __init__(self, pipeline: DecodePipeline, decoder: Decoder, clock: Clock) -> None:
        self._pipeline, self._decoder, self._clock = pipeline, decoder, clock
        self._inflater: Inflater | None = None
        self._head_only = False
        self._at_once = False
        self._error: BaseException | None = None
        self._page: DecodedPage | None = None
        self._done = asyncio.Event()
        self._queued = 0
        self.head = b""
        self.decode_ms = 0.0
        self.decoded_bytes = 0

    @property
    def held_bytes(self) -> int:
        return self._queued + self._decoder.held_bytes

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The response has begun. To be called before the first `write`."""
        self._head_only = status != 200
        self._at_once = status != 200 or "html" in headers.get("content-type", "")
        try:
            self._inflater = Inflater(headers.get("content-encoding", "identity"))
        except DecodeError as error:
            self._error = error

    async def write(self, chunk: bytes) -> None:
        """Queue bytes as received; waits while too many are queued. Never raises what the decoder finds.

        After a decoder's error the bytes are dropped, so that the response can end and its connection be used again.
        """
        if self._error is not None or self._done.is_set():
            return
        if self._at_once:
            await self.consume(chunk)
        else:
            await self._pipeline.put(self, chunk)

    async def finish(self) -> DecodedPage | None:
        """Wait for everything written to be decoded. Raises `DecodeError`."""
        if self._at_once:
            await self.consume(None)
        else:
            await self._pipeline.put(self, None)
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._page

    def abort(self) -> None:
        """The body will not be completed: drop what is queued."""
        self._done.set()

    async def consume(self, chunk: bytes | None) -> None:
        """The pipeline's turn on one chunk, or on the end."""
        if self._done.is_set() or self._error is not None:
            if chunk is None:
                self._done.set()
            return
        try:
            await self._decode(chunk)
        except Exception as error:
            self._error = error
        if chunk is None:
            self._done.set()

    async def _decode(self, chunk: bytes | None) -> None:
        if self._inflater is None:
            self._inflater = Inflater("identity")
        started = self._clock.monotonic()
        if chunk is None:
            try:
                if not self._head_only:
                    self._inflater.finish()
                    self._page = self._decoder.finish()
            finally:
                self.decode_ms += (self._clock.monotonic() - started) * 1000
            return
        pieces = self._inflater.pieces(chunk)
        while True:
            try:
                piece = next(pieces, None)
                if piece is not None:
                    self._take(piece)
            finally:
                self.decode_ms += (self._clock.monotonic() - started) * 1000
            if piece is None or self._done.is_set() or (self._head_only and len(self.head) >= HEAD_BYTES):
                return
            await asyncio.sleep(0)
            started = self._clock.monotonic()

    def _take(self, piece: bytes) -> None:
        self.decoded_bytes += len(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
            if self.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
                self._head_only = True
        if not self._head_only:
            self._decoder.feed(piece)

    def account(self, change: int) -> None:
        self._queued += change


class DecodePipeline:
    """`run` must be running as a task for sessions to make progress. At most `max_queued` bytes wait in the queue."""

    def __init__(self, *, clock: Clock, max_queued: int = MAX_QUEUED) -> None:
        self._clock, self._max_queued = clock, max_queued
        self._queue: asyncio.Queue[tuple[Session, bytes | None]] = asyncio.Queue()
        self._queued = 0
        self._space = asyncio.Event()

    def open(self, decoder: Decoder) -> Session:
        return Session(self, decoder, self._clock)

    async def put(self, session: Session, chunk: bytes | None) -> None:
        """Queue one chunk (None: the end). A chunk larger than the bound is taken once the queue is empty."""
        size = len(chunk or b"")
        while self._queued and self._queued + size > self._max_queued:
            self._space.clear()
            await self._space.wait()
        self._queued += size
        session.account(size)
        self._queue.put_nowait((session, chunk))

    async def run(self) -> None:
        """Decode until cancelled."""
        while True:
            session, chunk = await self._queue.get()
            try:
                await session.consume(chunk)
            finally:
                size = len(chunk or b"")
                self._queued -= size
                session.account(-size)
                self._space.set()
            del session, chunk  # or an idle pipeline would keep the last page alive
