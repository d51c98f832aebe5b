"""The API without its sockets: a request and the agency's time in, an answer out. May be called from threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from cimis_engine.lru import ByteLru
from cimis_engine.simulator import legacy, places, render
from cimis_engine.simulator.http import HttpAnswer, HttpRequest
from cimis_engine.simulator.places import Part, place_query
from cimis_engine.simulator.query import (
    DATA_PATH,
    STATION_PATH,
    STATIONS_PATH,
    ApiRefusalError,
    DataQuery,
    Limits,
    data_query,
    gateway_refusal,
    parameters,
    refusal,
)
from cimis_engine.simulator.source import Now, Source, settled

KEY_HEADER = "ocp-apim-subscription-key"
REVOKED_KEY = "revoked"
"""Where any key is accepted, this one is not: the agency (not the gateway) refuses it with ERR1006."""
_PATHS = (DATA_PATH, STATIONS_PATH, STATION_PATH, *places.PATHS)
_BODY_BUDGET = 192 << 20
_BLOCKED = (
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your "
    "administrator.<br><br>Your support ID is: 1234567890123456789<br><br></body></html>"
)


def blocked() -> HttpAnswer:
    """The firewall's page: status 200, and not JSON."""
    return HttpAnswer(200, _BLOCKED.encode(), "text/html; charset=utf-8")


def revoked() -> HttpAnswer:
    """The agency no longer knows the key."""
    return refused(refusal(403, 1006, "INVALID APP KEY", "Invalid application key."))


@dataclass(frozen=True, slots=True)
class Page:
    """A compressed body and how many records it holds."""

    packed: bytes
    records: int


@dataclass(slots=True)
class Api:
    """Answers by path. `key` None accepts any but the empty and the revoked one; `old` is the retired dialect."""

    source: Source
    limits: Limits
    key: str | None = None
    old: bool = False
    _pages: ByteLru[Page] = field(default_factory=lambda: ByteLru(_BODY_BUDGET))

    def knows(self, path: str) -> bool:
        return legacy.is_known(path) if self.old else path in _PATHS

    def outdated(self, request: HttpRequest) -> bool:
        """Whether the firewall turns it away: it still carries its key as the retired dialect did."""
        return not self.old and "appkey" in parameters(request.query)

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to a request without a key, or with a wrong one."""
        if self.old:
            given, needed = parameters(request.query).get("appkey", ""), request.path == legacy.DATA_PATH
            return refused(_INVALID_KEY) if needed and not self._accepts(given) else None
        given = request.headers.get(KEY_HEADER, "")
        if self._accepts(given):
            return None
        if self.key is None and given:
            return refused(_INVALID_KEY)
        action = "Access denied due to {} subscription key. Make sure to {}."
        if not given:
            text = action.format("missing", "include subscription key when making requests to an API")
        else:
            text = action.format("invalid", "provide a valid key for an active subscription")
        return refused(gateway_refusal(401, text))

    def _accepts(self, key: str) -> bool:
        return key == self.key if self.key is not None else key not in ("", REVOKED_KEY)

    def understood(self, request: HttpRequest) -> HttpRequest:
        """The request in the words of 2026. Raises `ApiRefusalError`."""
        return legacy.translated(request) if self.old else request

    def query(self, request: HttpRequest, now: Now) -> tuple[Part, ...]:
        """The checked query of an understood request for data. Raises `ApiRefusalError`."""
        params, known = parameters(request.query), self.source.directory
        if request.path == DATA_PATH:
            return (data_query(params, known=known, limits=self.limits, today=now.today),)
        return place_query(request.path, params, known, self.limits, now.today)

    def cached(self, query: tuple[Part, ...], now: Now) -> Page | None:
        return self._pages.get(_page_key(query, now))

    def page(self, query: tuple[Part, ...], now: Now) -> Page:
        """The body of a request for data, made or remembered."""
        if known := self.cached(query, now):
            return known
        providers = [
            ("station", self.source.records(part, now))
            if isinstance(part, DataQuery)
            else ("spatial", self.source.spatial(part, now))
            for part in query
        ]
        body = render.body(providers)
        if self.old:
            body = legacy.without_zeros(body)
        made = Page(render.gzip(body), sum(len(texts) for _, texts in providers))
        self._pages.put(_page_key(query, now), made, len(made.packed))
        return made

    def stations(self, request: HttpRequest) -> HttpAnswer:
        """The directory, or one station of it. Raises `ApiRefusalError`."""
        directory = self.source.directory
        if request.path == STATIONS_PATH:
            return plain({"Stations": list(directory.values())}, request)
        text = parameters(request.query).get("stationnbr", "")
        if not (text.isascii() and text.isdigit() and int(text) in directory):
            raise refusal(404, 1019, "STATION NOT FOUND", f"The station [{text}] could not be found.")
        return plain({"Stations": [directory[int(text)]]}, request)


_INVALID_KEY = refusal(403, 1006, "INVALID APP KEY", "Invalid application key.")


def _page_key(query: tuple[Part, ...], now: Now) -> object:
    return query, None if all(settled(part.span.end, now) for part in query) else now


def plain(document: object, request: HttpRequest) -> HttpAnswer:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if request.accepts_gzip:
        return HttpAnswer(200, render.gzip(body), gzipped=True)
    return HttpAnswer(200, body)


def answer_of(page: Page, request: HttpRequest) -> HttpAnswer:
    if request.accepts_gzip:
        return HttpAnswer(200, page.packed, gzipped=True)
    return HttpAnswer(200, render.gunzip(page.packed))


def truncated(answer: HttpAnswer) -> HttpAnswer:
    """The same document cut in the middle of a record, in a response that is complete as HTTP."""
    whole = render.gunzip(answer.body) if answer.gzipped else answer.body
    part = whole[: len(whole) * 3 // 5].rstrip(b"},]")
    return HttpAnswer(answer.status, render.gzip(part) if answer.gzipped else part, answer.content_type, answer.gzipped)


def refused(error: ApiRefusalError) -> HttpAnswer:
    return HttpAnswer(error.status, error.body.encode())
