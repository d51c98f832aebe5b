"""Columns of tables: order, widths, from which terminal width on each is shown; and those of the station table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names it in filters and sorting; `since` is the terminal width from which it is shown; `right` its side.

    It grows from `width` to `most` when there is room to spare. `unit` is that of its numbers.
    """

    key: str
    title: str
    width: int
    since: int = 0
    right: bool = True
    help: str = ""
    most: int = 0
    unit: str = ""

    def heading(self, terminal: int) -> str:
        """Its title; with the unit where the table has no frame to say it."""
        return f"{self.title} {self.unit}" if self.unit and terminal < FRAMED else self.title


FRAMED = 100
"""Columns of terminal from which on tables have a frame, whose title names the unit of their times."""

COLUMNS = (
    Column("state_glyph", "", 2, right=False),
    Column("id", "ID", 3, help="station number"),
    Column("name", "NAME", 13, right=False, help="station name", most=22),
    Column("state", "STATE", 8, right=False, help="what it is doing now"),
    Column("progress", "PROGRESS", 12, right=False, help="pages done of pages planned", most=50),
    Column("eta", "ETA", 6, 150, help="time left at its pace so far"),
    Column("wait", "WAIT", 4, 150, help="ms waiting for a connection of the pool"),
    Column("dns", "DNS", 4, 120, help="ms of name look-up"),
    Column("tcp", "TCP", 4, 120, help="ms to connect"),
    Column("tls", "TLS", 4, 120, help="ms of TLS handshake"),
    Column("send", "SEND", 4, 150, help="ms to send the request"),
    Column("ttfb", "TTFB", 5, help="ms to the first byte of the answer", unit="ms"),
    Column("read", "READ", 5, 100, help="ms to read the body"),
    Column("dec", "DEC", 4, 120, help="ms busy decoding, while it is read"),
    Column("total", "TOTAL", 5, 80, help="ms of the whole attempt, from WAIT to READ", unit="ms"),
    Column("p95", "P95", 5, 80, help="ms, 95th percentile of TOTAL of this station's attempts", unit="ms"),
    Column("enc", "ENC", 4, 150, help="ms compressing the chunk"),
    Column("wrt", "WRT", 4, 100, help="ms writing the chunk"),
    Column("vfy", "VFY", 4, 150, help="ms reading the chunk back"),
    Column("cmt", "CMT", 4, 155, help="ms committing to the catalog"),
    Column("try", "TRY", 3, 80, help="attempt of the page, of those allowed"),
    Column("records", "RECORDS", 7, help="records fetched; they are stored once all pages of their job are in"),
    Column("ratio", "RATIO", 6, 120, help="fixed-width row bytes over stored bytes"),
    Column("mem", "MEM", 5, 120, help="bytes its jobs hold now"),
)
INDEX = {column.key: n for n, column in enumerate(COLUMNS)}
SORTABLE = tuple(column.key for column in COLUMNS if column.title)
MARK = 1
"""The cursor's own column, left of the first one."""


class Placed(NamedTuple):
    """A column shown: its index in the table's columns, its width, and the blanks before it."""

    column: int
    width: int
    gap: int


def layout(columns: Sequence[Column], terminal: int, room: int, mark: int = MARK) -> tuple[Placed, ...]:
    """The columns shown on a terminal of `terminal` columns, for a table `room` columns wide, `mark` left of them.

    What is left over, but for a blank before the scrollbar, widens those that grow, from the left. One blank stands
    between columns, none after one without a title: that is a glyph, two columns wide.
    """
    shown = [n for n, column in enumerate(columns) if column.since <= terminal]
    gaps = {n: int(at > 0 and columns[shown[at - 1]].title != "") for at, n in enumerate(shown)}
    widths = {n: max(columns[n].width, len(columns[n].heading(terminal))) for n in shown}
    spare = room - mark - sum(widths.values()) - sum(gaps.values()) - 1
    for n in shown:
        more = max(0, min(spare, columns[n].most - widths[n]))
        widths[n] += more
        spare -= more
    return tuple(Placed(n, widths[n], gaps[n]) for n in shown)
