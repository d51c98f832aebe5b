"""Incremental inflating with a cap on what may come out."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from cimis_engine.fetch.decode_error import DecodeError, TruncatedError

PIECE = 64 << 10
MAX_BODY_BYTES = 256 << 20
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15

# isal inflates three times as fast; it comes along wherever there is a wheel of it.
_engine: Any
try:
    from isal import isal_zlib

    _engine = isal_zlib
except ImportError:
    _engine = zlib


class Inflater:
    """`gzip`, `deflate` or `identity` bytes in, plain pieces of at most 64 KiB out.

    Raises `DecodeError` (`encoding`: unknown or broken; `too_large`: more than `max_bytes` come out) and, at `finish`,
    `TruncatedError`.
    """

    def __init__(self, encoding: str, max_bytes: int = MAX_BODY_BYTES) -> None:
        name = encoding.strip().lower() or "identity"
        if name not in ("gzip", "x-gzip", "deflate", "identity"):
            raise DecodeError("encoding", f"content encoding {name!r} was not asked for")
        self._gzip, self._deflate = name in ("gzip", "x-gzip"), name == "deflate"
        self._max_bytes = max_bytes
        self._stream: Any = None
        self._wire = 0
        self.out = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What comes out for `data`, lazily: nothing is inflated before it is asked for."""
        self._wire += len(data)
        if not (self._gzip or self._deflate):
            for start in range(0, len(data), PIECE):
                yield self._counted(data[start : start + PIECE])
            return
        while data:
            if self._stream is None or self._stream.eof:
                if self._stream is not None and self._deflate:
                    raise DecodeError("encoding", "bytes after the end of the compressed body")
                self._stream = _engine.decompressobj(self._bits(data))
            try:
                piece = self._stream.decompress(data, PIECE)
            except (zlib.error, _engine.error) as error:
                raise DecodeError("encoding", f"broken compressed body ({error})", offset=self.out) from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield self._counted(piece)

    def _bits(self, data: bytes) -> int:
        """`deflate` is meant to be zlib-wrapped (RFC 9110); some servers send it raw. The low nibble 8 is zlib's."""
        if self._gzip:
            return _GZIP_BITS
        return _ZLIB_BITS if data[0] & 0x0F == 8 else _RAW_BITS

    def _counted(self, piece: bytes) -> bytes:
        self.out += len(piece)
        if self.out > self._max_bytes:
            raise DecodeError("too_large", f"the body inflates to more than {self._max_bytes} bytes", offset=self.out)
        return piece

    def finish(self) -> None:
        """The body has ended. Raises `TruncatedError` if its compression had not; an empty body is no error here."""
        if self._wire and (self._gzip or self._deflate) and not self._stream.eof:
            raise TruncatedError("the compressed body ends early", self.out)
