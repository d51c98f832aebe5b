"""Manifests from strangers: only typed errors, whatever the bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publish_samples import fill, state

from cimis_engine.errors import CimisError
from cimis_engine.publish import manifest as manifests
from cimis_engine.publish.manifest import FormatVersionError, ManifestError
from cimis_engine.publish.publish import publish

DIGEST = "ab" * 32


def chunk(**other: Any) -> dict[str, Any]:
    return {
        "station": 2,
        "interval": "daily",
        "year": 2024,
        "units": "M",
        "digest": "12" * 32,
        "artifact_digest": DIGEST,
        "path": f"chunks/ab/{DIGEST}.zst",
        "size": 1000,
        "records": 10,
        "first_date": "2024-01-01",
        "last_date": "2024-01-10",
        "covered": [[1, 10, 7]],
    } | other


def manifest(*chunks: dict[str, Any], **other: Any) -> bytes:
    whole = {
        "schema_version": "1.0",
        "generation": 1,
        "previous": None,
        "created": "2024-06-21T04:10:00Z",
        "chunks": list(chunks),
    }
    return json.dumps(whole | other).encode()


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    publish(fill(tmp_path / "D", state(1)), tmp_path / "T")
    data = (tmp_path / "T" / "manifest.json").read_bytes()
    assert manifests.encode(manifests.decode(data, "m")) == data
    assert len(data.splitlines()) == 4 + 2, "a chunk a line"
    assert len(manifests.decode(manifest(chunk(), chunk(station=3)), "m").chunks) == 2


def test_fields_of_a_later_minor_version_are_skipped() -> None:
    read = manifests.decode(manifest(chunk(colour="green"), schema_version="1.7", licence="MIT"), "m")
    assert read.chunks[0].key == (2, "daily", 2024)


@pytest.mark.parametrize(
    "path",
    [
        f"chunks/ab/../../{DIGEST}.zst",
        f"../chunks/ab/{DIGEST}.zst",
        f"/chunks/ab/{DIGEST}.zst",
        f"chunks\\ab\\{DIGEST}.zst",
        f"chunks/ac/{DIGEST}.zst",
        f"chunks/ab/{DIGEST}.zst\0",
        f"chunks//ab/{DIGEST}.zst",
        "C:/secret",
        "",
    ],
)
def test_only_the_path_of_the_digest_is_taken(path: str) -> None:
    with pytest.raises(ManifestError):
        manifests.decode(manifest(chunk(path=path)), "m")


@pytest.mark.parametrize(
    "other",
    [
        {"station": 0},
        {"station": 10000},
        {"station": True},
        {"station": "2"},
        {"interval": "weekly"},
        {"units": "X"},
        {"year": 0},
        {"digest": "AB" * 32},
        {"digest": DIGEST + "\n"},
        {"artifact_digest": "../../../../etc/passwd"},
        {"size": 0},
        {"size": 1 << 40},
        {"size": 10**400},
        {"records": 367},
        {"records": -1},
        {"first_date": "yesterday"},
        {"covered": [[1, 367, 7]]},
        {"covered": [[9, 1, 7]]},
        {"covered": [[1, 5, 7], [6, 9, 7]]},
        {"covered": [[1, 5, 7], [3, 9, 1]]},
        {"covered": [[1, 5, 0]]},
        {"covered": [[1, 1, 1]] * 9000},
    ],
)
def test_facts_that_cannot_be(other: dict[str, Any]) -> None:
    with pytest.raises(ManifestError):
        manifests.decode(manifest(chunk(**other)), "m")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"schema_version":"1.0","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"schema_version":"1.0","x":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
        b" " * (manifests.MAX_MANIFEST + 1),
        manifest(chunk(), chunk()),
        manifest(chunk(station=3), chunk()),
        manifest(chunk(interval="hourly"), chunk()),
        manifest(chunk(), generation=0),
        manifest(chunk(), previous="none"),
        manifest(chunk(), created="now"),
        manifest(chunk()) + b"{}",
    ],
)
def test_documents_that_cannot_be(data: bytes) -> None:
    with pytest.raises(ManifestError):
        manifests.decode(data, "m")


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", "x", "1"])
def test_another_major_version_says_so(version: str) -> None:
    with pytest.raises(FormatVersionError, match=version):
        manifests.decode(manifest(schema_version=version), "m")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_mutation_is_sound_or_refused(data: st.DataObject) -> None:
    text = bytearray(manifest(chunk(), chunk(station=3)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"0", b'"', b"9", b"[", b"}", b"\\", b"-"])
        )
    try:
        read = manifests.decode(bytes(text), "m")
    except CimisError as error:
        assert isinstance(error, ManifestError | FormatVersionError)
    else:
        assert all(c.path == manifests.artifact_path(c.artifact_digest) for c in read.chunks)
