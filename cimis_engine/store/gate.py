"""The gate before a chunk takes its place: what was written is read back, decoded, and compared with what was meant."""

from __future__ import annotations

from pathlib import Path

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import RecordBatch
from cimis_engine.store.chunk import EncodedChunk, decode_chunk, encode_canonical
from cimis_engine.store.formats import Format
from cimis_engine.store.wire import ChunkError

_WAY_ROUND = "`--format v1` stores these records all the same; please report the station and year"
_NO_WAY_ROUND = "a fault of this program or of the machine's memory: please report the station and year"


class FormatFaultError(CimisError):
    """Records could not be written as `format` so that they can be read again. What was stored before is untouched."""

    def __init__(self, path: Path, format: Format, what: str) -> None:
        super().__init__(
            f"{path} was not stored: format {format} {what}",
            hint=_NO_WAY_ROUND if format is Format.V1 else _WAY_ROUND,
        )
        self.path, self.format, self.what = path, format, what


def encode(whole: RecordBatch, digest: bytes, format: Format, path: Path) -> EncodedChunk:
    """A canonical batch in a format. Raises `FormatFaultError` whatever is wrong with the encoder."""
    try:
        return encode_canonical(whole, digest, format.codec)
    except Exception as error:
        raise FormatFaultError(path, format, f"cannot hold these records ({_told(error)})") from error


def check(data: bytes, encoded: EncodedChunk, whole: RecordBatch, format: Format, path: Path) -> None:
    """`data` came back from the disk; `whole` is what it must decode to: count, first and last slot, content digest.

    Raises `ChunkError` where the disk lies, `FormatFaultError` where the codec does.
    """
    if data != encoded.data:
        raise ChunkError("the disk returned other bytes than were written", 0, path)
    try:
        found = decode_chunk(data, path)  # which checks every CRC, and the digest of what it decodes
    except Exception as error:
        raise FormatFaultError(path, format, f"did not give the records back ({_told(error)})") from error
    meant, came = _facts(whole), _facts(found)
    if came != meant:
        raise FormatFaultError(path, format, f"gave back {came}, not {meant} (records, first slot, last slot)")


def _facts(batch: RecordBatch) -> tuple[int, int, int]:
    return (len(batch), int(batch.slots[0]), int(batch.slots[-1])) if len(batch) else (0, 0, 0)


def _told(error: Exception) -> str:
    return error.what if isinstance(error, ChunkError) else f"{type(error).__name__}: {error}"
