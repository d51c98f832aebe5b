"""One station's attempts: what is shown of each, in words and as values. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cimis_engine.run.reason_words import reason_words
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, whole_words
from cimis_tui.view.columns import Column
from cimis_tui.view.present import SLOW_TTFB_MS

if TYPE_CHECKING:
    from cimis_engine.run.tallies import AttemptState

ATTEMPT_PHASES = ("pool_wait", "dns", "tcp", "tls", "send", "ttfb", "read", "decode")
"""The phases of an attempt, in their order; those of a chunk come after its pages."""
_WORDS = {"pool_wait": "wait", "ttfb": "TTFB"}


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try of a page. Times of day are Unix seconds, `*_ms` milliseconds, None where it did not happen.

    `verdict` is empty while in flight; then `total_ms` is what it has taken so far, and no phase is known.
    `wait_s` is the pause before the page's next try, `wait_left_s` what is left of it, `due` when it ends.
    """

    page: int
    attempt: int
    start: str
    end: str
    began: float
    verdict: str
    status: int | None
    error_class: str
    reason: str
    reused: bool
    encoding: str
    phases: tuple[float | None, ...]  # in the order of ATTEMPT_PHASES
    total_ms: float
    wire_bytes: int
    decoded_bytes: int
    records: int
    wait_s: float | None
    wait_left_s: float | None
    due: float | None = None
    overdue: bool = False
    """The pause ended more than 1 s ago, by the clock that the row was made with."""

    @property
    def key(self) -> tuple[int, int, float]:
        return self.page, self.attempt, self.began

    @property
    def flying(self) -> bool:
        return not self.verdict

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"

    @property
    def ttfb_ms(self) -> float | None:
        return self.phases[ATTEMPT_PHASES.index("ttfb")]

    @property
    def slow(self) -> bool:
        return (self.ttfb_ms or 0.0) > SLOW_TTFB_MS

    @property
    def drawn_ms(self) -> float:
        """How long its bar is: decoding is drawn behind the rest, though it overlaps the reading.

        0 where none of its phases is known, as when it was cancelled: there is nothing to draw.
        """
        known = [ms for ms in self.phases if ms is not None]
        return max(self.total_ms, sum(known)) if known or self.flying else 0.0


def phase_word(phase: str) -> str:
    """What a phase of an attempt is called on screen, where it is not a heading in capitals."""
    return _WORDS.get(phase, phase)


def present_attempt(attempt: AttemptState, now: float) -> AttemptRow:
    """An attempt as it stands at Unix time `now`."""
    timings = attempt.timings
    ended, wait = attempt.ended, attempt.wait_until
    known = timings.total if timings is not None and timings.total else None
    took = known if known is not None else max(0.0, (now if ended is None else ended) - attempt.began) * 1000
    return AttemptRow(
        page=attempt.page,
        attempt=attempt.attempt,
        start=attempt.start,
        end=attempt.end,
        began=attempt.began,
        verdict=attempt.verdict,
        status=attempt.status,
        error_class=attempt.error_class,
        reason=attempt.reason,
        reused=attempt.reused,
        encoding=attempt.encoding,
        phases=tuple(None if timings is None else getattr(timings, name) for name in ATTEMPT_PHASES),
        total_ms=took,
        wire_bytes=attempt.wire_bytes,
        decoded_bytes=attempt.decoded_bytes,
        records=attempt.records,
        wait_s=max(0.0, wait - ended) if wait is not None and ended is not None else None,
        wait_left_s=max(0.0, float(int(wait - now))) if wait is not None and wait > now else None,
        due=wait,
        overdue=wait is not None and now - wait > 1.0,
    )


def attempt_record(row: AttemptRow) -> dict[str, Any]:
    """An attempt for a file or the clipboard: every value by name, times as ISO 8601."""
    record = asdict(row)
    phases = record.pop("phases")
    del record["due"], record["overdue"]  # what began and the wait say already
    record["began"] = datetime.fromtimestamp(row.began, UTC).isoformat(timespec="milliseconds")
    record["verdict"] = row.verdict or "in flight"
    record |= {f"{name}_ms": ms for name, ms in zip(ATTEMPT_PHASES, phases, strict=True)}
    return record


def attempt_facts(row: AttemptRow) -> list[tuple[str, str]]:
    """An attempt in names and words, each number with its unit."""
    began = datetime.fromtimestamp(row.began, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    answer = "none yet" if row.flying else "no response" if row.status is None else f"HTTP {row.status}"
    facts = [
        ("dates", f"{row.start} to {row.end}" if row.start else units.ABSENT),
        ("began", f"{began} UTC"),
        (
            "outcome",
            f"{row.verdict or 'in flight'}" + (f": {reason_words(row.error_class)}" if row.error_class else ""),
        ),
        ("answer", answer),
        ("connection", units.ABSENT if row.flying else "reused: no DNS, TCP, TLS" if row.reused else "new"),
    ]
    if row.reason:
        facts.append(("reason", row.reason))
    if row.wait_s is not None:
        more = ""
        if row.wait_left_s is not None:
            more = f", {left(row.wait_left_s)} left" if row.wait_left_s >= 1 else f", {due_words(row)}"
        facts.append(("next try", f"after a wait of {row.wait_s:.1f} s{more}"))
    facts += [(phase_word(name), _in_ms(ms)) for name, ms in zip(ATTEMPT_PHASES, row.phases, strict=True)]
    facts.append(("total", _in_ms(row.total_ms) + (" so far" if row.flying else "")))
    if not row.flying:
        facts += [
            ("records", f"{row.records:,}" if row.ok else units.ABSENT),
            ("encoding", row.encoding or units.ABSENT),
            ("wire", f"{row.wire_bytes:,} B"),
            ("decoded", f"{row.decoded_bytes:,} B"),
        ]
    return facts


def _in_ms(value: float | None) -> str:
    return units.ABSENT if value is None else f"{value:.2f} ms"


def dates(start: str, end: str) -> str:
    """The dates of a page (`yyyy-mm-dd`, inclusive), as short as they can be said.

    Months of one year have names: `2015-07–12` could be a day.
    """
    if not start:
        return units.ABSENT
    if start == end:
        return start
    year, last = start[:4], end[:4]
    if start[5:] == "01-01" and end[5:] == "12-31":
        return year if year == last else f"{year}–{last}"
    if start[8:] == "01" and int(end[8:]) == monthrange(int(last), int(end[5:7]))[1]:
        if start[:7] == end[:7]:
            return start[:7]
        if year == last:
            return f"{year} {units.MONTHS[int(start[5:7]) - 1]}–{units.MONTHS[int(end[5:7]) - 1]}"
        return f"{start[:7]}–{end[:7]}"
    return f"{start}–{end[5:] if year == last else end}"


def left(seconds: float) -> str:
    """What is left of a wait, in whole seconds."""
    return units.span(seconds) if seconds >= 1 else "<1s"


def due_words(row: AttemptRow) -> str:
    """When the next try starts: how long until then, from 1 s on; else the UTC time of day.

    A duration below 1 s would soon be untrue where the clock stands, as with an engine that is gone.
    """
    if row.wait_left_s is not None and (row.wait_left_s >= 1 or row.due is None):
        return f"in {left(row.wait_left_s)}"
    return f"{'was ' if row.overdue else ''}due {units.of_day(row.due)}" if row.due is not None else ""


def note(row: AttemptRow) -> Cell:
    """What is to be said of an attempt: in flight, slow, why it failed, and how long the next one waits."""
    if row.flying:
        return Cell("in flight", "run")
    if row.ok:
        if row.slow:
            return Cell(f"slow: TTFB > {SLOW_TTFB_MS:.0f} ms", "warn")
        return Cell("" if row.records else "no records", "dim")
    if row.verdict == "cancelled":
        return Cell("cancelled", "dim")
    if row.wait_left_s is not None:
        waits = f"waits {left(row.wait_left_s)}" if row.wait_left_s >= 1 else due_words(row)
        return Cell(f"{waits}: {reason_words(row.error_class)}", "warn")
    if row.wait_s is not None:
        return Cell(f"waited {row.wait_s:.1f} s: {reason_words(row.error_class)}", "warn")
    if row.verdict == "split":
        return Cell("too large: split", "warn")
    gave_up = row.verdict in ("fail_job", "stop_run")
    return Cell(f"{'gave up' if gave_up else 'failed'}: {reason_words(row.error_class)}", "bad")


def brief(text: str, width: int) -> str:
    """A note in `width` columns: with as many words of its reason as fit; without it where none does."""
    what, _, why = text.partition(": ")
    told = whole_words(why, width - len(what) - 2)
    return f"{what}: {told}" if told else what


def glyph(row: AttemptRow) -> Cell:
    """The state of an attempt as one mark."""
    if row.flying:
        return Cell("●", "run")
    if row.ok:
        return Cell("▲", "warn") if row.slow else Cell("✓", "ok")
    if row.wait_s is not None or row.verdict == "split":
        return Cell("↻", "warn")
    return Cell("✗", "dim" if row.verdict == "cancelled" else "bad")


def attempt_cells(row: AttemptRow) -> dict[str, Cell]:
    """The cells of an attempt by column, its bar left out."""
    quiet = "text" if row.ok or row.flying else "dim"
    code = "…" if row.flying else units.ABSENT if row.status is None else str(row.status)
    return {
        "glyph": glyph(row),
        "page": Cell(str(row.page), quiet),
        "dates": Cell(dates(row.start, row.end), quiet),
        "try": Cell(str(row.attempt), "warn" if row.attempt > 1 else "dim"),
        "status": Cell(code, "dim" if row.ok or row.flying else glyph(row).role),
        "total": Cell(units.ms(row.total_ms), "warn" if row.slow else quiet),
        "records": Cell(units.count(row.records) if row.ok else units.ABSENT, quiet),
        "wire": Cell(units.size(row.wire_bytes) if row.wire_bytes else units.ABSENT, "dim"),
        "note": note(row),
    }


def attempt_columns(terminal: int, spans: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a waterfall on a terminal of `terminal` columns, for pages of these dates."""
    noted = next(width for since, width in _NOTES if terminal >= since)
    return (
        Column("glyph", "", 2, right=False),
        Column("page", "PAGE", 4),
        Column("dates", "DATES", max(5, *(min(16, len(span)) for span in (*spans, ""))), right=False),
        Column("try", "TRY", 3),
        Column("status", "HTTP", 4),
        Column("bar", "0 ms", 6, right=False, most=500),
        Column("total", "TOTAL ms", 8),
        Column("records", "RECORDS", 7, 100),
        Column("wire", "WIRE", 8, 120),
        Column("note", "NOTE", noted, right=False),
    )


_NOTES = ((150, 40), (120, 26), (100, 18), (80, 14), (0, 12))
"""From which terminal width on the notes have how many columns."""
