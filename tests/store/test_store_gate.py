"""The gate: a codec that fails costs its own chunk and nothing else, and the error names the way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_samples import same, sample

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.store import codec_v1, codec_v2, gate
from cimis_engine.store.chunk import EncodedChunk, read_header, seal
from cimis_engine.store.content import canonical
from cimis_engine.store.formats import Format
from cimis_engine.store.gate import FormatFaultError
from cimis_engine.store.repair import repair
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Kind, verify
from cimis_engine.store.wire import ChunkError

KEY = (2, Interval.DAILY, 2024)
OLD, NEW = sample(first=1), sample(first=11, start=300)
Encode = Callable[[RecordBatch, bytes, int], EncodedChunk]


def test_formats_are_named_after_their_codecs() -> None:
    assert {f.codec for f in Format} == {codec_v1.CODEC_ID, codec_v2.CODEC_ID}


def _raises(real: Encode) -> Encode:
    def encode(whole: RecordBatch, digest: bytes, codec: int) -> EncodedChunk:
        raise OverflowError("17 bits")

    return encode


def _alters(real: Encode) -> Encode:
    """Another value than was given, under the digest of what was given."""

    def encode(whole: RecordBatch, digest: bytes, codec: int) -> EncodedChunk:
        first = replace(whole.columns[0], scaled=whole.columns[0].scaled + np.int16(1))
        return real(replace(whole, columns=(first, *whole.columns[1:])), digest, codec)

    return encode


def _forgets(real: Encode) -> Encode:
    def encode(whole: RecordBatch, digest: bytes, codec: int) -> EncodedChunk:
        return real(whole.select(whole.slots < whole.slots[-1]), digest, codec)

    return encode


def _garbles(real: Encode) -> Encode:
    def encode(whole: RecordBatch, digest: bytes, codec: int) -> EncodedChunk:
        made = real(whole, digest, codec)
        block = read_header(made.data).blocks[0]
        return replace(
            made, data=made.data[: block.offset] + bytes(block.size) + made.data[block.offset + block.size :]
        )

    return encode


@pytest.mark.parametrize("fault", [_raises, _alters, _forgets, _garbles])
@pytest.mark.parametrize("format", list(Format))
def test_a_faulty_codec_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Encode], Encode], format: Format
) -> None:
    store = Store.create(tmp_path / "D", format=format)
    before = store.write(OLD).path.read_bytes()
    monkeypatch.setattr(gate, "encode_canonical", fault(gate.encode_canonical))
    written, error = store.write_all([NEW, sample(station=5)])
    assert (written, type(error)) == ([], FormatFaultError)
    assert isinstance(error, FormatFaultError)
    assert (error.format, error.path, error.exit_code) == (format, store.path(*KEY), 1)
    assert ("--format v1" in error.hint) == (format is not Format.V1)
    assert (store.path(*KEY).read_bytes(), store.stale_temps()) == (before, [])
    entry = store.catalog.get(*KEY)
    assert entry is not None
    assert entry.records == 10
    monkeypatch.undo()
    store.format = Format.V1
    assert store.write(NEW).records == 20, "the way round"


def test_a_decoder_that_gives_other_records_is_found_without_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "D")
    real = gate.decode_chunk
    monkeypatch.setattr(gate, "decode_chunk", lambda *a: (b := real(*a)).select(b.slots > b.slots[0]))
    with pytest.raises(FormatFaultError, match=r"gave back \(9, 2, 10\), not \(10, 1, 10\)"):
        store.write(OLD)
    assert store.files() == []


def test_chunks_are_written_in_the_format_chosen_and_read_in_any(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "D", format=Format.V1)
    store.write(OLD)
    store.close()
    again = Store.open(tmp_path / "D", format=Format.V2)
    assert not again.write(OLD).changed, "the same content is not written again for its format"
    again.write(sample(station=5))
    assert [e.codec for e in again.catalog.entries()] == [1, 2]
    for entry in again.catalog.entries():
        held: Any = again.read(*entry.key)
        assert same(held, sample(station=entry.station))


def test_a_newer_codec_is_no_damage(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "D")
    path = store.write(OLD).path
    info = read_header(path.read_bytes())
    block = replace(info.blocks[0], codec=9)
    payload = path.read_bytes()[block.offset : block.offset + block.size]
    path.write_bytes(seal(canonical(OLD), [(block, payload)], bytes.fromhex(info.digest)))
    before = path.read_bytes()
    with pytest.raises(ChunkError, match="codec 9 is not known") as caught:
        store.read(*KEY)
    assert "newer program" in caught.value.hint
    report = verify(store, read_data=True)
    assert ([f.kind for f in report.findings], report.sound) == ([Kind.NEWER_FORMAT], False)
    with store.lock():
        assert repair(store, report) == []
    assert path.read_bytes() == before
