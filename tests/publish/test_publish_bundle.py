"""Bundles from strangers: only typed errors, bounded memory, and a store that is as it was."""

from __future__ import annotations

import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from publish_samples import bundle_at, fill, on_disk, state, two_states

from cimis_engine.errors import CimisError
from cimis_engine.publish.apply import BundleMismatchError, apply_bundle
from cimis_engine.publish.bundle import BundleError, load_bundle, read_bundle
from cimis_engine.publish.manifest import FormatVersionError
from cimis_engine.publish.section import MAX_CONTENT
from cimis_engine.publish.tree import TreeError
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.store import Store

HEAD, SECTION = 78, 11


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return two_states(tmp_path)[1]


@pytest.fixture
def copy(tmp_path: Path) -> Store:
    return fill(tmp_path / "copy", state(1))


def sealed(data: bytes) -> bytes:
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4]))


def opened(data: bytes) -> tuple[int, int, bytes]:
    """Of the first section: where its frame begins, how many bytes that has, and its content."""
    _, chunks, _, size = struct.unpack_from("<BHII", data, HEAD)
    at = HEAD + SECTION + 40 * chunks
    return at, size, zstandard.ZstdDecompressor().decompress(data[at : at + size])


def with_content(data: bytes, content: bytes, claimed: int | None = None) -> bytes:
    """The first section's content replaced; every checksum made good again."""
    at, size, _ = opened(data)
    frame = zstandard.ZstdCompressor(level=3).compress(content)
    head = struct.pack("<II", len(content) if claimed is None else claimed, len(frame))
    return sealed(data[: HEAD + 3] + head + data[HEAD + SECTION : at] + frame + data[at + size :])


def refused(store: Store, data: bytes) -> CimisError:
    """The error it is refused with; nothing of the store has changed."""
    before = on_disk(store.root)
    with pytest.raises((BundleError, BundleMismatchError, FormatVersionError)) as caught:
        apply_bundle(store, read_bundle(data, Path("b")))
    assert on_disk(store.root) == before
    assert store.stale_temps() == list(store.root.rglob(".gen")) == []
    assert caught.value.hint
    return caught.value


def test_every_bit_counts(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    for at in range(len(data)):
        with pytest.raises((BundleError, FormatVersionError)):
            read_bundle(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :], Path("b"))
        with pytest.raises(BundleError):
            read_bundle(data[:at], Path("b"))
    with pytest.raises(BundleError):
        read_bundle(data + b"x", Path("b"))


def test_another_version_says_so(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    error = refused(copy, sealed(data[:8] + b"\x02\x00" + data[10:]))
    assert isinstance(error, FormatVersionError)
    assert error.exit_code == 2


def test_bombs(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    _, _, content = opened(data)
    bomb = bytes(MAX_CONTENT + 1)
    assert "at most" in str(refused(copy, with_content(data, bomb)))
    bombs = [with_content(data, bomb, claimed) for claimed in (0, len(content), len(content) - 1, 2**32 - 1)]
    tracemalloc.start()
    for one in bombs:
        refused(copy, one)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    at, size, _ = opened(data)
    sizeless = zstandard.ZstdCompressor(write_content_size=False).compress(content)
    head = struct.pack("<II", len(content), len(sizeless))
    refused(copy, sealed(data[: HEAD + 3] + head + data[HEAD + SECTION : at] + sizeless + data[at + size :]))


def test_counts_that_lie(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    _, chunks, _, _ = struct.unpack_from("<BHII", data, HEAD)
    for count in (0, 1, 3, 2**32 - 1):
        refused(copy, sealed(data[: HEAD - 4] + struct.pack("<I", count) + data[HEAD:]))
    for count in (0, chunks - 1, chunks + 1, 65535):
        refused(copy, sealed(data[: HEAD + 1] + struct.pack("<H", count) + data[HEAD + 3 :]))
    refused(copy, sealed(data[:HEAD] + b"\x02" + data[HEAD + 1 :]))


def test_sections_out_of_order(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    at, size, _ = opened(data)
    first, second = data[HEAD : at + size], data[at + size : -4]
    assert "out of order" in str(refused(copy, sealed(data[:HEAD] + second + first + bytes(4))))
    twice = data[: HEAD - 4] + struct.pack("<I", 3) + first + first + second
    assert "out of order" in str(refused(copy, sealed(twice + bytes(4))))


def test_a_bundle_that_comes_to_other_digests_changes_nothing(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    target = HEAD + SECTION
    error = refused(copy, sealed(data[:target] + bytes(32) + data[target + 32 :]))
    assert "does not come to its digest" in str(error)
    last = len(data) - 10  # in the last section's frame: the first sections are sound
    refused(copy, sealed(data[:last] + bytes([data[last] ^ 255]) + data[last + 1 :]))


def test_other_units_are_refused(bundle: Path, copy: Store) -> None:
    data = bundle.read_bytes()
    _, _, content = opened(data)
    chunks = struct.unpack_from("<H", data, HEAD + 1)[0]
    english = content[: 4 * chunks] + b"E" * chunks + content[5 * chunks :]
    assert "metric units, the bundle is in english" in str(refused(copy, with_content(data, english)))


@pytest.mark.parametrize("rounds", [300, pytest.param(20_000, marks=[pytest.mark.proof, pytest.mark.timeout(900)])])
def test_structure_fuzz_with_good_checksums(bundle: Path, copy: Store, rounds: int) -> None:
    """Content, tables and heads mutated, every checksum made good: typed errors only, and little memory."""
    data = bundle.read_bytes()
    _, _, content = opened(data)
    before, picked = on_disk(copy.root), random.Random(4)
    tracemalloc.start()
    outcomes = {"refused": 0, "sound": 0}
    for _ in range(rounds):
        if picked.random() < 0.8:
            mutated = bytearray(content)
            for _ in range(picked.randint(1, 4)):
                at = picked.randrange(len(mutated))
                mutated[at : at + picked.randint(0, 2)] = picked.choice([b"", b"\0", b"\xff", b"\x01", b"\x7f\xff"])
            changed = with_content(data, bytes(mutated))
        else:
            at = picked.randrange(10, HEAD + SECTION + 3 * 40)
            changed = sealed(data[:at] + picked.choice([b"\0", b"\xff", b"\x01"]) + data[at + 1 :])
        try:
            found = read_bundle(changed, Path("b"))
            if picked.random() < 0.1:
                apply_bundle(copy, found)
            else:
                for _ in found.patches():
                    pass
            outcomes["sound"] += 1
        except (BundleError, BundleMismatchError):
            outcomes["refused"] += 1
        if on_disk(copy.root) != before:  # only manifests' digests, or padding, were touched
            copy.replace_all(state(1))
            copy.path(8, state(2)[4].interval, 2025).unlink()
            assert on_disk(copy.root) == before
    assert outcomes["refused"] > rounds / 2
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_what_is_no_bundle(tmp_path: Path) -> None:
    for data in (b"", b"x", b"\x89CIMIB\r\n", bytes(200)):
        with pytest.raises(BundleError):
            read_bundle(data, tmp_path)
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(TreeError):
        load_bundle(FileSystem(), tmp_path / "link")
    with pytest.raises(CimisError, match="no such file"):
        load_bundle(FileSystem(), tmp_path / "none")
    assert bundle_at(two_states(tmp_path)[1]).chunks == 4
