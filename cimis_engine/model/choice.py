"""Which stations are meant: `2,5,10-20`, `all`, `active`, `county:Fresno`, or several of these together. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cimis_engine.errors import UsageError
from cimis_engine.model.station import Station, by_number, parse_station_numbers

_COUNTY = "county:"


@dataclass(frozen=True, slots=True)
class Choice:
    """`absent`: numbers that the directory lacks."""

    stations: tuple[Station, ...]
    absent: tuple[int, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All that was named, known to the directory or not: for those who ask about what is stored."""
        return tuple(sorted({s.number for s in self.stations} | set(self.absent)))


def check_choice(text: str) -> None:
    """Raises `UsageError` for what no directory could answer."""
    for part in _parts(text):
        if not _is_word(part):
            parse_station_numbers(part)


def needs_directory(text: str) -> bool:
    """Whether a choice says more than numbers."""
    return any(_is_word(part) for part in _parts(text))


def choose(text: str, directory: Iterable[Station], *, strict: bool = True) -> Choice:
    """The stations of a directory that a text names, by number.

    Raises `UsageError` for an unknown county and, if `strict`, for a station named alone that the directory lacks.
    """
    known = by_number(directory)
    chosen: set[int] = set()
    absent: set[int] = set()
    for part in _parts(text):
        if part.lower() == "all":
            chosen.update(known)
        elif part.lower() == "active":
            chosen.update(s.number for s in known.values() if s.active)
        elif part.lower().startswith(_COUNTY):
            chosen.update(s.number for s in of_county(tuple(known.values()), part[len(_COUNTY) :]))
        else:
            numbers = set(parse_station_numbers(part))
            if strict and len(numbers) == 1 and not numbers <= known.keys():
                raise UsageError(f"no station {part} in the directory", hint="`cimis stations` lists them all")
            chosen |= numbers & known.keys()
            absent |= numbers - known.keys()
    return Choice(tuple(known[n] for n in sorted(chosen)), tuple(sorted(absent)))


def of_county(stations: Sequence[Station], name: str) -> tuple[Station, ...]:
    """The stations of a county; case does not matter. Raises `UsageError` for one that has none, and never had."""
    found = tuple(s for s in stations if s.county.lower() == name.strip().lower())
    if not found:
        counties = sorted({s.county for s in stations if s.county})
        near = difflib.get_close_matches(name.strip().title(), counties, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(counties)}"
        raise UsageError(f"no station in a county '{name.strip()}'", hint=hint)
    return found


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _is_word(part: str) -> bool:
    return part.lower() in ("all", "active") or part.lower().startswith(_COUNTY)
