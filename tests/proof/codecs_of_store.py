"""Every codec there is, as a function from a batch to a chunk file's bytes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from cimis_engine.model.batch import RecordBatch
from cimis_engine.store.chunk import EncodedChunk, encode_chunk

Encoder = Callable[[RecordBatch], EncodedChunk]
ENCODERS: dict[int, Encoder] = (
    {codec: partial(encode_chunk, codec=codec) for codec in (1, 2)}
    if "codec" in inspect.signature(encode_chunk).parameters
    else {1: encode_chunk}
)
