"""The words of the store screen: totals, how verifying goes and what it found, and one chunk in detail. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.errors import CimisError
from cimis_engine.model.completeness import range_texts
from cimis_engine.model.items import Interval
from cimis_engine.store.chunk import ChunkInfo
from cimis_engine.store.verify import Finding, Kind, VerifyReport
from cimis_tui.view import units
from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, Line, clip, fit, width_of
from cimis_tui.view.chunk_rows import CHECKS, ChunkRow, moment

_LABEL = 13
_RANGES_SHOWN = 3
_HOW = (
    (" verifies the chunk under the cursor, ", " all: every checksum, block and digest"),
    (" verifies this chunk, ", " all of them"),
)
"""What the two keys do, in many words and in few."""
NEXT = {
    Kind.DAMAGED: "`cimis verify --repair` keeps what is sound and fetches the rest again",
    Kind.MISSING_FILE: "`cimis verify --repair` fetches it again",
    Kind.DAMAGED_GENERATION: "what is current is not affected; revisions of that time cannot be shown",
    Kind.NEWER_FORMAT: "the newer program can read it; this one cannot tell whether it is sound",
    Kind.UNCATALOGUED: "`cimis rebuild` makes the catalog anew from the files",
    Kind.SET_ASIDE: "a repair put it aside; `cimis gc` removes it",
    Kind.STRAY: "not the store's; it does no harm",
    Kind.STALE_TEMP: "of a writer at work, or of one that died: then the next run removes it",
}
"""What to do about each thing that verifying may find."""
CHECK_OF = {
    Kind.DAMAGED: "damaged",
    Kind.MISSING_FILE: "damaged",
    Kind.NEWER_FORMAT: "damaged",
    Kind.UNCATALOGUED: "lagging",
}
"""What is wrong with a current chunk → its check; the other kinds are not of one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Verifying as it stands: files read of how many, what was found. `ended`: finished, or stopped before the end."""

    done: int
    total: int
    report: VerifyReport
    ended: bool
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class ChunkDetail:
    """What only the file and the table of revisions know: `info`, or the error that its header met."""

    info: ChunkInfo | CimisError | None
    revisions: int


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows shown, and how many there are without the filter."""

    rows: Sequence[ChunkRow]
    every: int


@dataclass(frozen=True, slots=True)
class ChunkFacts:
    """The chunk under the cursor (None: there is none), what is read of it by now, and the data directory."""

    row: ChunkRow | None
    detail: ChunkDetail | None
    root: Path


def present_totals(listed: Listed, width: int, height: int) -> tuple[Line, ...]:
    """What the rows shown come to."""
    rows, every = listed.rows, listed.every
    records = sum(row.entry.records for row in rows)
    stored = sum(row.entry.stored_bytes for row in rows)
    raw = sum(row.entry.raw_bytes for row in rows)
    formats = Counter(row.format for row in rows)
    of = f" of {units.grouped(every)}" if len(rows) != every else ""
    parts: list[Line] = [
        (Cell(units.grouped(len(rows)), "head"), Cell(f"{of} chunks", "dim")),
        (Cell(units.count(records), "head"), Cell(" records", "dim")),
        (Cell(units.size(stored), "head"), Cell(" stored", "dim")),
    ]
    if records and stored:
        parts += [
            (Cell(f"{stored / records:.1f}", "head"), Cell(" B a record", "dim")),
            (Cell(units.ratio(raw / stored), "head"), Cell(" of plain rows", "dim")),
            *((Cell(units.grouped(n)), Cell(f" in {name}", "dim")) for name, n in sorted(formats.items())),
        ]
    roomy = sum(width_of(part) + 3 for part in parts) - 3 < width
    return ((Cell(" "), *fit(parts, width - 1, gap=3 if roomy else 2, rest="…")),)


def present_progress(progress: Progress | None, width: int, height: int) -> tuple[Line, ...]:
    """One line: how to verify, how it goes, or what was found and what to do next."""
    return (_progress(progress, width),)


def _progress(progress: Progress | None, width: int) -> Line:
    if progress is None:
        one, every = next(words for words in _HOW if width >= len(f" v{words[0]}V{words[1]}") or words is _HOW[-1])
        keys = (Cell(" "), Cell("v", "key"), Cell(one, "dim"), Cell("V", "key"), Cell(every, "dim"))
        return clip(keys, width)
    report = progress.report
    counts = f"{progress.done} of {progress.total} files"
    losses = len(report.lost)
    if not progress.ended:
        told: Line = (Cell(f"  {counts}  ", "text"), Cell(f"✗ {losses} lost", "bad" if losses else "dim"))
        tail = (*told, Cell("   esc ⌫ stops", "dim"))
        filled, track = bar(progress.done / progress.total if progress.total else 1.0, max(4, min(40, width - 46)))
        return clip((Cell(" verifying ", "run"), Cell(filled, "bar"), Cell(track, "track"), *tail), width)
    head = f" stopped after {counts}: " if progress.stopped else " verified: "
    parts: list[Cell] = [Cell(head, "dim")]
    if not report.findings:
        chunks = "1 chunk" if report.ok == 1 else f"{units.grouped(report.ok)} chunks"
        earlier = f" and {report.generations} earlier generations" if report.generations else ""
        return clip((*parts, Cell(f"✓ {chunks}{earlier} sound", "ok")), width)
    kinds = Counter(finding.kind for finding in report.findings)
    gravest = next(kind for kind in Kind if kind in kinds)
    words = ", ".join(f"{count} {kind.value.replace('-', ' ')}" for kind, count in kinds.items())
    glyph, role = ("✗", "bad") if losses else ("▲", "warn")
    parts += [Cell(f"{glyph} {words}", role), Cell(f", {report.ok} sound", "dim")]
    advice, command = NEXT[gravest], NEXT[gravest].split("`")[1:2]
    if width_of(parts) + 3 + len(advice) > width and command:
        advice = f"`{command[0]}`"
    return clip((*parts, Cell(f"   {advice}", "text")), width)


def chunk_title(facts: ChunkFacts) -> str:
    row = facts.row
    return f"Chunk   {row.entry.station} {row.name}   {row.entry.year} {row.entry.interval}" if row else "Chunk"


def present_chunk(facts: ChunkFacts, width: int, height: int) -> tuple[Line, ...]:
    """A chunk in detail; what is still being read is `…`. Where not all fits, the last line says how much is left."""
    row, detail, root = facts.row, facts.detail, facts.root
    if row is None:
        return ((Cell("no chunk is under the cursor", "dim"),),)
    entry, (glyph, word, role) = row.entry, CHECKS[row.check]
    info = detail.info if detail else None
    lines: list[Line] = []
    if row.finding is not None:
        lines.append((Cell(f"{glyph} {word}: {row.finding.what}", role),))
        if lost := lost_words(row.finding):
            lines.append((Cell(f"  {lost}", "head"),))
        lines.append((Cell(f"  {NEXT[row.finding.kind]}", "text"),))
    path = f"stations/{entry.station:03d}/{entry.year:04d}_{entry.interval.value}.zst"
    lines.append(_named("file", Cell(f"{root}/", "dim"), Cell(path, "head")))
    lines.append(_named("digest", Cell(entry.digest)))
    if isinstance(info, ChunkInfo):
        head = f"{len(info.items)} in {entry.units.standard} units: "
        items = _listed([item.slug for item in info.items], width - _LABEL - len(head))
        lines.append(_named("items", Cell(head), Cell(items, "dim")))
    else:
        why = Cell(str(info), "bad") if info else Cell("…", "dim")
        lines.append(_named("items", Cell(f"{entry.items} in {entry.units.standard} units: "), why))
    lines.append(_covered(row))
    lines.append(_encoded(row, info))
    lines.append(_history(row, detail, width))
    lines.append(_named("file SHA-256", Cell(entry.artifact_digest, "dim")))
    if len(lines) > height:
        more = len(lines) - height + 1
        lines[height - 1 :] = [(Cell(f"… {more} more lines: a taller window shows them", "dim"),)]
    return tuple(clip(line, width) for line in lines)


def _listed(names: Sequence[str], width: int) -> str:
    """As many whole names as there is room for, and how many more there are."""
    for shown in range(len(names), 0, -1):
        more = f"  … and {len(names) - shown} more" if shown < len(names) else ""
        text = "  ".join(names[:shown]) + more
        if len(text) <= width:
            return text
    return "…"


def _named(name: str, *cells: Cell) -> Line:
    return (Cell(name.ljust(_LABEL), "dim"), *cells)


def _covered(row: ChunkRow) -> Line:
    entry = row.entry
    asked = [(c.first, c.last) for c in entry.covered]
    cells = [Cell(_ranges(entry.interval, entry.year, asked) or units.ABSENT)]
    if entry.missing:
        slots = units.slots(entry.interval, entry.missing)
        count = f"  {units.grouped(entry.missing)} {slots} missing at the agency: "
        cells += [Cell(count, "warn"), Cell(_ranges(entry.interval, entry.year, entry.absent), "dim")]
    return _named("asked for", *cells)


def _ranges(interval: Interval, year: int, slots: Sequence[tuple[int, int]]) -> str:
    """The first runs of slots, and how many more there are. Hours of whole days go without saying."""
    told = []
    for run in range_texts(interval, year, slots[:_RANGES_SHOWN]):
        first, last = run["first"], run["last"]
        if first.endswith(" 0100") and last.endswith(" 2400"):
            first, last = first[:10], last[:10]
        told.append(first if first == last else f"{first} to {last}")
    more = f" and {len(slots) - _RANGES_SHOWN} more" if len(slots) > _RANGES_SHOWN else ""
    return ", ".join(told) + more


def _encoded(row: ChunkRow, info: ChunkInfo | CimisError | None) -> Line:
    if not isinstance(info, ChunkInfo):
        return _named("encoded", Cell(row.format), Cell("  …", "dim"))
    sizes = [block.size for block in info.blocks]
    span = units.size(sizes[0]) if len(sizes) == 1 else f"{units.size(min(sizes))} to {units.size(max(sizes))} each"
    by = f"encoder {info.encoder_version}"
    if any(info.libzstd):
        by += ", libzstd " + ".".join(map(str, info.libzstd))
    blocks = f"{len(sizes)} block" + ("s" if len(sizes) != 1 else "")
    return _named("encoded", Cell(f"{row.format}  {blocks}, {span}"), Cell(f"   {by}", "dim"))


def _history(row: ChunkRow, detail: ChunkDetail | None, width: int) -> Line:
    revisions = "…" if detail is None else units.grouped(detail.revisions)
    parts: list[Line] = [(Cell(f"{revisions} revised values, {row.generations} earlier generations (GEN) kept"),)]
    if row.generations:
        parts.append((Cell(f"`cimis revisions --station {row.entry.station}` lists them", "dim"),))
    parts.append((Cell(f"written {moment(row.entry.written_at)}", "dim"),))
    return _named("history", *fit(parts, width - _LABEL, rest="…"))


def lost_words(finding: Finding) -> str:
    """`lost: 2018-01-15 to 2018-01-28`."""
    if finding.key is None or not finding.lost:
        return ""
    _, interval, year = finding.key
    return f"lost: {_ranges(interval, year, finding.lost)}"
