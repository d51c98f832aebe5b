"""An unkind CIMIS API on loopback: whatever it answers, it says the caller's key in it as well."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from cimis_engine.model.items import DAILY_ITEMS

HEADER = "Ocp-Apim-Subscription-Key"
SLOW = 0.6
STATION = {
    "StationNbr": "2",
    "Name": "FivePoints",
    "City": "Five Points",
    "RegionalOffice": "South Central",
    "County": "Fresno",
    "ConnectDate": "6/7/1982",
    "DisconnectDate": "12/31/2050",
    "IsActive": "True",
    "IsEtoStation": "True",
    "Elevation": "285",
    "GroundCover": "Grass",
    "HmsLatitude": "36º20'10N / 36.336222",
    "HmsLongitude": "-120º6'46W / -120.112910",
    "ZipCodes": ["93624"],
    "SitingDesc": "",
}


def data(start: str) -> dict[str, Any]:
    """One day of a station."""
    cells = {i.field: {"Value": "1", "Qc": " ", "Unit": i.unit_metric} for i in DAILY_ITEMS}
    record = {"Date": start, "Julian": "1", "Station": "2", "Standard": "metric", "Scope": "daily"} | cells
    return {"Data": {"Providers": [{"Name": "cimis", "Records": [record]}]}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mode: ClassVar[str] = "ok"
    keys: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        key = self.headers.get(HEADER, "")
        self.keys.append(key)
        url = urlsplit(self.path)
        if url.path.endswith("/GetAllStations"):
            return self._say(200, json.dumps({"Stations": [STATION]}))
        start = parse_qs(url.query).get("startDate", ["2024-01-01"])[0]
        return self._answer(key, start)

    def _answer(self, key: str, start: str) -> None:
        known = f"Invalid application key [{key}]."
        match self.mode:
            case "ok":
                self._say(200, json.dumps(data(start)), **{"X-Key": key})
            case "unauthorized":
                self._say(401, json.dumps({"statusCode": 401, "message": known}))
            case "forbidden":
                self._say(403, json.dumps(f"[ERR1006-INVALID APP KEY] {known}"))
            case "unknown fault":
                self._say(400, json.dumps(f"[ERR9999-SOME FAULT] {key} {known}"))
            case "error":
                self._say(500, f"<html>{known} {key}</html>", "text/html")
            case "blocked":
                self._say(200, f"<html>Request Rejected {key}</html>", "text/html")
            case "redirect":
                self._say(302, key, Location=f"/elsewhere?appKey={key}")
            case "other schema":
                self._say(200, json.dumps({"Data": key, key: {"Providers": key}}))
            case "bad value":
                body = data(start)
                body["Data"]["Providers"][0]["Records"][0]["DayEto"]["Value"] = key
                self._say(200, json.dumps(body))
            case "no json":
                self._say(200, f'{{"Data": {key}')
            case "slow":
                time.sleep(SLOW)
                self._say(200, "{}")
            case "stalled":
                self._begin(200, 1000, "application/json", {})
                self.wfile.write(key.encode())
                self.wfile.flush()
                time.sleep(SLOW)
                self.close_connection = True
            case "broken":
                self.wfile.write(f"{key} what\r\n\r\n".encode())
                self.close_connection = True

    def _say(self, status: int, body: str, content_type: str = "application/json", **headers: str) -> None:
        self._begin(status, len(body.encode()), content_type, headers)
        self.wfile.write(body.encode())

    def _begin(self, status: int, length: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


MODES = (
    "ok",
    "unauthorized",
    "forbidden",
    "unknown fault",
    "error",
    "blocked",
    "redirect",
    "other schema",
    "bad value",
    "no json",
    "slow",
    "stalled",
    "broken",
)


@contextlib.contextmanager
def unkind_server(mode: str) -> Iterator[tuple[str, list[str]]]:
    """URL of a server that answers requests for data in this way, and the list of keys it was given."""
    handler = type("Handler", (_Handler,), {"mode": mode, "keys": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.keys
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
