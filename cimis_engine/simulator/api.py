"""The API without its sockets: a request and the agency's time in, an answer out. May be called from threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from cimis_engine.lru import ByteLru
from cimis_engine.simulator import render
from cimis_engine.simulator.http import HttpAnswer, HttpRequest
from cimis_engine.simulator.query import (
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
DATA_PATH = "/StationWeb/GetDataByStationNumber"
STATIONS_PATH = "/StationWeb/GetAllStations"
STATION_PATH = "/StationWeb/GetStationByStationNumber"
_BODY_BUDGET = 192 << 20
_BLOCKED = (
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your "
    "administrator.<br><br>Your support ID is: 1234567890123456789<br><br></body></html>"
)


def blocked() -> HttpAnswer:
    """The firewall's page: status 200, and not JSON."""
    return HttpAnswer(200, _BLOCKED.encode(), "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Page:
    """A compressed body and how many records it holds."""

    packed: bytes
    records: int


@dataclass(slots=True)
class Api:
    """Answers by path. `key` None accepts any but the empty and the revoked one."""

    source: Source
    limits: Limits
    key: str | None = None
    _pages: ByteLru[Page] = field(default_factory=lambda: ByteLru(_BODY_BUDGET))

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to a request that never reaches the agency: a legacy key, no key, or a wrong one."""
        if "appkey" in parameters(request.query):
            return blocked()
        given = request.headers.get(KEY_HEADER, "")
        action = "Access denied due to {} subscription key. Make sure to {}."
        if not given:
            text = action.format("missing", "include subscription key when making requests to an API")
        elif self.key is not None and given != self.key:
            text = action.format("invalid", "provide a valid key for an active subscription")
        elif self.key is None and given == REVOKED_KEY:
            return refused(refusal(403, 1006, "INVALID APP KEY", "Invalid application key."))
        else:
            return None
        return refused(gateway_refusal(401, text))

    def query(self, request: HttpRequest, now: Now) -> DataQuery:
        """The checked query of a request for data. Raises `ApiRefusalError`."""
        known = self.source.directory
        return data_query(parameters(request.query), known=known, limits=self.limits, today=now.today)

    def cached(self, query: DataQuery, now: Now) -> Page | None:
        return self._pages.get(_page_key(query, now))

    def page(self, query: DataQuery, now: Now) -> Page:
        """The body of a request for data, made or remembered."""
        if known := self.cached(query, now):
            return known
        texts = self.source.records(query, now)
        made = Page(render.gzip(render.body(texts)), len(texts))
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


def _page_key(query: DataQuery, now: Now) -> object:
    return query, None if settled(query.span.end, now) else now


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
