"""`docs/publishing.md` is enough: a client written from it alone, plain Python, reads a tree and applies a bundle."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from publish_samples import fill, state, two_states
from store_samples import batches
from test_publish_patch import drafted, pairs

from cimis_engine.model.batch import RecordBatch
from cimis_engine.publish.publish import publish
from cimis_engine.publish.section import encode_section
from cimis_engine.store.content import canonical, digest_of_canonical

Content = dict[str, Any]


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def get(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def column(self, count: int, kind: str) -> list[int]:
        values = list(struct.unpack_from(f"<{count}{kind}", self.data, self.at))
        self.at += struct.calcsize(f"<{count}{kind}")
        return values

    def plane(self, bits: int) -> list[int]:
        held = self.get(f"{-(-bits // 8)}s")
        return [held[i >> 3] >> (7 - (i & 7)) & 1 for i in range(bits)]

    def planes(self, count: int, width: int) -> list[int]:
        codes = [0] * count
        for bit in range(width):
            codes = [c | b << bit for c, b in zip(codes, self.plane(count), strict=True)]
        return codes


def summed(steps: list[int]) -> list[int]:
    return [sum(steps[: n + 1]) % 2**16 for n in range(len(steps))]


def signed(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def content(batch: RecordBatch) -> Content:
    """A chunk as plain Python: what a client has that reads chunk files by `format.md`."""
    cells = {
        c.item.code: {
            slot: (int(c.qc[n]), int(c.scaled[n]) if c.present[n] else None)
            for n, slot in enumerate(batch.slots.tolist())
        }
        for c in batch.columns
    }
    asked = {slot: c.mask for c in batch.covered for slot in range(c.first, c.last + 1)}
    exponents = {c.item.code: c.exponent for c in batch.columns}
    return {"slots": set(batch.slots.tolist()), "cells": cells, "asked": asked, "exponents": exponents}


NOTHING: Content = {"slots": set(), "cells": {}, "asked": {}, "exponents": {}}


def digest(interval: int, units: int, station: int, year: int, chunk: Content) -> str:
    """The content digest by `format.md`."""
    slots, covered = sorted(chunk["slots"]), list[list[int]]()
    for slot in sorted(s for s, mask in chunk["asked"].items() if mask):
        mask = chunk["asked"][slot]
        if covered and covered[-1][1:] == [slot - 1, mask]:
            covered[-1][1] = slot
        else:
            covered.append([slot, slot, mask])
    sha = hashlib.sha256(b"CIMIS chunk content 1\n")
    codes = sorted(chunk["cells"])
    sha.update(struct.pack("<BBHHIIB", interval, units, station, year, len(covered), len(slots), len(codes)))
    sha.update(b"".join(struct.pack("<HHI", *run) for run in covered))
    sha.update(struct.pack(f"<{len(slots)}H", *slots))
    for code in codes:
        cells = [chunk["cells"][code][slot] for slot in slots]
        sha.update(bytes([code, chunk["exponents"][code], *(flag for flag, _ in cells)]))
        bits = "".join("0" if value is None else "1" for _, value in cells)
        bits += "0" * (-len(bits) % 8)
        sha.update(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
        sha.update(struct.pack(f"<{len(slots)}q", *(value or 0 for _, value in cells)))
    return sha.hexdigest()


def patch_section(interval: int, count: int, frame: bytes, before: Any) -> dict[tuple[int, int], tuple[int, Content]]:
    """Units and content of every chunk after; `before(station, year)` is the content before."""
    body = Bytes(zstandard.ZstdDecompressor().decompress(frame))
    stations, years = summed(body.column(count, "H")), summed(body.column(count, "H"))
    units, masks = body.column(count, "B"), body.column(count, "I")
    counts = [body.column(count, "H") for _ in range(4)]
    runs = []
    for kind in range(4):
        total = sum(counts[kind])
        columns = [body.column(total, "H"), body.column(total, "H")]
        columns.append(body.column(total, "I") if kind == 0 else [0] * total)
        rest = iter(zip(*columns, strict=True))
        runs.append([[next(rest) for _ in range(held)] for held in counts[kind]])
    covered, removed, added, changed = runs
    slots = [
        [[s for a, b, _ in found[n] for s in range(a, b + 1)] for found in (removed, added, changed)]
        for n in range(count)
    ]
    codes = [code for code in range(32) if any(mask >> code & 1 for mask in masks)]
    having = {code: [n for n in range(count) if masks[n] >> code & 1] for code in codes}
    places = {code: [(n, kind, s) for kind in (1, 2) for n in having[code] for s in slots[n][kind]] for code in codes}
    exponents = {code: dict(zip(having[code], body.column(len(having[code]), "B"), strict=True)) for code in codes}
    absent = {code: body.plane(len(places[code])) for code in codes}
    flags = {code: body.column(len(places[code]), "B") for code in codes}
    heads = {code: body.get("BBB") for code in codes}
    numbers = {}
    for code in codes:
        valued = [kind for (_, kind, _), gone in zip(places[code], absent[code], strict=True) if not gone]
        numbers[code] = body.planes(valued.count(1), heads[code][1]) + body.planes(valued.count(2), heads[code][2])
    assert body.at == len(body.data)

    result = {}
    for n in range(count):
        old = before(stations[n], years[n]) or NOTHING
        stay = old["slots"] - set(slots[n][0])
        asked = dict(old["asked"])
        asked.update({s: mask for a, b, mask in covered[n] for s in range(a, b + 1)})
        new: Content = {"slots": stay | set(slots[n][1]), "cells": {}, "asked": asked, "exponents": {}}
        for code in codes:
            if n not in having[code]:
                continue
            exponent = exponents[code][n]
            up = exponent - old["exponents"].get(code, 0)
            cells = {}
            for slot in stay:
                flag, value = old["cells"].get(code, {}).get(slot, (255, None))
                if value is not None:
                    value = signed(value * 10**up) if up >= 0 else value // 10**-up
                cells[slot] = (flag, value)
            rest = iter(numbers[code])
            fresh: dict[int, tuple[int, int | None]] = {}
            for (chunk, kind, slot), gone, flag in zip(places[code], absent[code], flags[code], strict=True):
                number = None if gone else next(rest)
                if chunk != n:
                    continue
                step = None if number is None else (number >> 1) ^ -(number & 1)
                if kind == 1:
                    fresh[slot] = (flag ^ 32, step)
                else:
                    was = cells[slot]
                    cells[slot] = (flag ^ was[0], None if step is None else signed(step + (was[1] or 0)))
            last = 0
            for slot in sorted(new["slots"]):
                if slot in fresh:
                    flag, step = fresh[slot]
                    cells[slot] = (flag, None if step is None else signed(step + (last if heads[code][0] else 0)))
                if cells[slot][1] is not None:
                    last = cells[slot][1]
            new["cells"][code], new["exponents"][code] = cells, exponent
        result[stations[n], years[n]] = (units[n], new)
    return result


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_any_patch_is_read_by_the_spec(pair: tuple[RecordBatch | None, RecordBatch]) -> None:
    old, new = pair
    frame, size = encode_section([drafted(old, new)])
    assert zstandard.frame_content_size(frame) == size
    interval = 0 if new.interval == "daily" else 1
    held = content(old) if old else None
    (((station, year), (units, chunk)),) = patch_section(interval, 1, frame, lambda *_: held).items()
    assert digest(interval, units, station, year, chunk) == digest_of_canonical(new).hex()


@settings(max_examples=20, deadline=None)
@given(st.lists(batches(), max_size=1))
def test_the_digest_is_that_of_the_format(found: list[RecordBatch]) -> None:
    for batch in map(canonical, found):
        interval = 0 if batch.interval == "daily" else 1
        told = digest(interval, ord(batch.units.value), batch.station, batch.year, content(batch))
        assert told == digest_of_canonical(batch).hex()


def test_a_bundle_is_applied_by_the_spec(tmp_path: Path) -> None:
    tree, file = two_states(tmp_path)
    copy = fill(tmp_path / "copy", state(1))
    data = file.read_bytes()
    body = Bytes(data)
    magic, version, begins, leads, sections = body.get("8sH32s32sI")
    assert (magic, version) == (b"\x89CIMIB\r\n", 1)
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    assert hashlib.sha256((tree / "manifests" / "1.json").read_bytes()).digest() == begins
    assert hashlib.sha256((tree / "manifest.json").read_bytes()).digest() == leads
    names = ("daily", "hourly")
    manifest = json.loads((tree / "manifest.json").read_text())
    goal = {(c["interval"], c["station"], c["year"]): c["digest"] for c in manifest["chunks"]}
    done = dict[tuple[str, int, int], str]()
    for _ in range(sections):
        interval, count, size, frame_size = body.get("BHII")
        targets = [body.get("32s").hex() for _ in range(count)]
        sources = [body.get("8s").hex() for _ in range(count)]
        frame = body.get(f"{frame_size}s")
        assert zstandard.frame_content_size(frame) == size
        before = dict[tuple[int, int], Content | None]()

        def held(
            station: int, year: int, interval: int = interval, before: dict[tuple[int, int], Any] = before
        ) -> Content | None:
            batch = copy.read(station, names[interval], year)  # type: ignore[arg-type]
            before[station, year] = content(batch) if batch else None
            return before[station, year]

        after = patch_section(interval, count, frame, held)
        for (key, (units, chunk)), target, source in zip(after.items(), targets, sources, strict=True):
            old = before[key]
            assert source == (digest(interval, units, *key, old)[:16] if old else "0" * 16)
            assert digest(interval, units, *key, chunk) == target
            done[names[interval], *key] = target
    assert body.at == len(data) - 4
    held_before = {(c["interval"], c["station"], c["year"]) for c in manifest["chunks"]} - set(done)
    assert {key: goal[key] for key in done} == done
    assert held_before == {("daily", 3, 2023)}, "the one that did not change is not in the bundle"


def test_a_tree_is_read_by_the_spec(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    publish(fill(tmp_path / "D", state(1)), tmp_path / "T", key=key)
    data = (tmp_path / "T" / "manifest.json").read_bytes()
    lines = (tmp_path / "T" / "manifest.json.sig").read_bytes().split()
    key.public_key().verify(base64.b64decode(lines[0]), data)
    manifest = json.loads(data)
    assert (manifest["schema_version"], manifest["generation"], manifest["previous"]) == ("1.0", 1, None)
    order = [(("daily", "hourly").index(c["interval"]), c["station"], c["year"]) for c in manifest["chunks"]]
    assert order == sorted(set(order))
    for chunk in manifest["chunks"]:
        artifact = chunk["artifact_digest"]
        assert chunk["path"] == f"chunks/{artifact[:2]}/{artifact}.zst"
        held = (tmp_path / "T" / chunk["path"]).read_bytes()
        assert (len(held), hashlib.sha256(held).hexdigest()) == (chunk["size"], artifact)
        assert held[-44:-12].hex() == chunk["digest"], "where format.md puts it"
