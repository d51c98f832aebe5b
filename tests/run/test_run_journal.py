"""The journal: lines without gaps, torn ends, full disks, resumed numbering, and the schema of a line."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

import cimis_engine
from cimis_engine.run import events as ev
from cimis_engine.run import journal as journal_module
from cimis_engine.run.journal import JournalError, JournalReader, JournalWriter, event_schema, read_all


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        self.now += 0.5
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def warned(text: str) -> ev.Warned:
    return ev.Warned(code="c", message=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "r1" / "events.jsonl"


def test_lines_are_numbered_and_on_disk_when_emit_returns(path: Path) -> None:
    heard: list[ev.Stamped] = []
    with JournalWriter(path, Clock(), tee=[heard.append]) as writer:
        first = writer.emit(ev.RunResumed())
        assert json.loads(path.read_bytes()) == {"v": 1, "seq": 1, "t": 100.5, "kind": "run.resumed"}
        second = writer.emit(warned("né"))
    assert (first.seq, second.seq, second.t) == (1, 2, 101.0)
    assert read_all(path) == [first, second] == heard


def test_resumed_journal_cuts_a_torn_end_and_counts_on(path: Path) -> None:
    with JournalWriter(path, Clock()) as writer:
        writer.emit(warned("a"))
        writer.emit(warned("b"))
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":3,"t":1,"kind":"future.kind"}\n{"v":1,"seq":4,"t"')
    with JournalWriter(path, Clock()) as writer:
        assert writer.emit(warned("c")).seq == 4
    assert [s.seq for s in read_all(path)] == [1, 2, 4]
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [1, 2, 3, 4]


def test_reader_keeps_a_torn_line_until_it_is_whole(path: Path) -> None:
    reader = JournalReader(path)
    assert reader.read_new() == []
    path.parent.mkdir(parents=True)
    line = ev.encode(ev.Stamped(1, 5.0, warned("x")))
    for cut in range(1, len(line)):
        path.write_bytes(line[:cut])
        assert reader.read_new() == []
    path.write_bytes(line)
    assert [s.seq for s in reader.read_new()] == [1]
    assert reader.read_new() == []


def test_reader_survives_a_torn_end_that_is_cut_off_and_written_anew(path: Path) -> None:
    path.parent.mkdir(parents=True)
    first, second = (ev.encode(ev.Stamped(n, 5.0, warned("x" * 50 * n))) for n in (1, 2))
    path.write_bytes(first + b'{"v":1,"seq":2,"half of another')
    reader = JournalReader(path)
    assert len(reader.read_new()) == 1
    path.write_bytes(first + second)
    assert [s.seq for s in reader.read_new()] == [2]
    assert reader.damaged == 0


def test_unknown_kinds_and_fields_are_skipped_and_damage_is_counted(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(
        b'{"v":1,"seq":1,"t":1.0,"kind":"comet.seen","tail":9}\n'
        b'{"v":1,"seq":2,"t":1.0,"kind":"run.resumed","mood":"good"}\n'
        b"not json\n"
        b'{"v":1,"seq":3,"t":1.0,"kind":"warning","code":"\xff"}\n'
        b'{"v":1,"seq":4,"t":1.0,"kind":"comet.seen"}\n'
    )
    reader = JournalReader(path)
    assert [s.event for s in reader.read_new()] == [ev.RunResumed()]
    assert (reader.damaged, reader.seq) == (2, 4)


def test_blocks_smaller_than_a_line_lose_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JournalWriter(path, Clock()) as writer:
        for size in (1, 200, 3, 500, 0, 64):
            writer.emit(warned("x" * size))
    monkeypatch.setattr(journal_module, "BLOCK", 64)
    assert [s.seq for s in read_all(path)] == [1, 2, 3, 4, 5, 6]


def test_full_disk_is_a_typed_error_and_leaves_no_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[ev.Stamped] = []
    writer = JournalWriter(path, Clock(), tee=[heard.append])
    writer.emit(warned("before"))
    real, calls = os.write, iter([True])

    def write_then_full(fd: int, data: Any) -> int:
        if next(calls, False):
            return real(fd, bytes(data)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_then_full)
        with pytest.raises(JournalError, match="No space left on device") as caught:
            writer.emit(warned("lost"))
    assert (caught.value.path, caught.value.reason.errno) == (path, errno.ENOSPC)
    assert "space" in caught.value.hint
    assert writer.emit(warned("after")).seq == 2
    writer.close()
    assert [s.event for s in read_all(path)] == [warned("before"), warned("after")] == [s.event for s in heard]


def test_journal_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot write the journal"):
        JournalWriter(tmp_path / "file" / "events.jsonl", Clock())


def test_read_all_of_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_all(tmp_path / "none.jsonl")


def test_event_schema_file_is_the_one_of_the_types() -> None:
    file = Path(cimis_engine.__file__).parent / "schemas" / "event.schema.json"
    assert json.loads(file.read_text()) == event_schema()


def test_event_schema_describes_the_lines() -> None:
    schema = event_schema()
    assert len(schema["oneOf"]) == len(ev.KINDS)
    line = json.loads(ev.encode(ev.Stamped(7, 1.5, warned("w"))))
    body = schema["$defs"]["Warned"]
    assert set(line) == set(body["properties"])
    assert set(body["required"]) == {"v", "seq", "t", "kind", "code", "message"}
    assert body["properties"]["kind"] == {"enum": ["warning"]}
