"""Settings and the key, from wherever they were given: flags > CIMIS_* > ./cimis.toml > defaults."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cimis_engine.errors import UsageError
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.run.alerts import configure
from cimis_engine.run.spec import DEFAULT_BASE_URL, MAX_CONCURRENCY, Settings

CONFIG_FILE = "cimis.toml"
DEFAULT_DATA_DIR = "data"
KEY_FILE_VARIABLE = "CIMIS_APP_KEY_FILE"
KEY_VARIABLE = "CIMIS_APP_KEY"
CREDENTIAL = "cimis-app-key"
PLAUSIBLE, UI, KEYS = "plausible", "ui", "keys"
"""Tables of the file that are not of fetching: see `limits` and `looks`."""
_FIELDS = {f for f in Settings.__struct_fields__ if f != "whole_body"}
_TIMES = {f.name for f in msgspec.structs.fields(Settings) if f.type in (float, float | None)}
_FLAGS = {
    "api": "api",
    "base_url": "base_url",
    "ca_file": "ca_file",
    "concurrency": "concurrency",
    "retries": "max_attempts",
    "format": "store_format",
    "max_requests": "max_requests",
    "max_duration": "max_duration",
}
_TIME = re.compile(r"(\d+(?:\.\d+)?) ?([smh]?)")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_key(environ: Mapping[str, str]) -> str:
    """The CIMIS app key: a file named by CIMIS_APP_KEY_FILE, systemd's credential, or CIMIS_APP_KEY.

    Raises `UsageError` where there is none. There is no flag for it: arguments are world-readable.
    """
    if named := environ.get(KEY_FILE_VARIABLE):
        return _checked(_key_file(Path(named), KEY_FILE_VARIABLE), named)
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / CREDENTIAL
        if credential.exists():
            return _checked(_key_file(credential, "the systemd credential"), str(credential))
    if key := environ.get(KEY_VARIABLE):
        return _checked(key, KEY_VARIABLE)
    raise UsageError(
        "no CIMIS app key",
        hint=f"get one at et.water.ca.gov and set {KEY_VARIABLE} or {KEY_FILE_VARIABLE}; `cimis demo` needs none",
    )


def _key_file(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not plain text"
        raise UsageError(
            f"cannot read the key file {path}: {reason}", hint=f"{what} must name a readable file"
        ) from None


def _checked(text: str, source: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"the app key of {source} is empty or not one word of plain letters")
    return key


def load_settings(
    args: Namespace, environ: Mapping[str, str], *, folder: Path, data_dir: str = DEFAULT_DATA_DIR, **fixed: Any
) -> tuple[Settings, Path]:
    """The settings of a command and its data directory. `fixed` are the command's own and win over everything.

    Raises `UsageError` for an unknown key of `cimis.toml` (with the nearest known one), or a value that cannot be.
    """
    values = config(folder / CONFIG_FILE)
    values |= {n: environ[v] for n in (*(_FIELDS - {"alerts"}), "data_dir") if environ.get(v := f"CIMIS_{n.upper()}")}
    values |= {name: given for flag, name in _FLAGS.items() if (given := getattr(args, flag, None)) is not None}
    if getattr(args, "gzip", None) is not None:
        values["gzip"] = args.gzip
    values |= {name: seconds(name, text) for name in _TIMES if isinstance(text := values.get(name), str)}
    where = Path(getattr(args, "data_dir", None) or values.pop("data_dir", None) or data_dir)
    values.pop("data_dir", None)
    for table in (PLAUSIBLE, UI, KEYS):
        values.pop(table, None)
    try:
        settings = msgspec.convert(values | fixed, type=Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"bad setting: {error}", hint=f"look at the flags, CIMIS_* and {CONFIG_FILE}") from None
    return _possible(settings), where


def seconds(name: str, text: str) -> float:
    """The seconds of a time as a person writes it: 90, 90s, 15m, 2h. Raises `UsageError`, naming the setting.

    >>> seconds("max_duration", "15m")
    900.0
    """
    found = _TIME.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"not a time for {name}: '{text}'", hint="write seconds, or 90s, 15m, 2h")
    return float(found[1]) * _UNITS[found[2]]


def config(path: Path) -> dict[str, Any]:
    """The configuration file as it is, {} if there is none. Raises `UsageError`, also for a key that is not known."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    known = _FIELDS | {"data_dir", PLAUSIBLE, UI, KEYS}
    if isinstance(store := values.get("store"), dict):  # store.format = "v2"
        del values["store"]
        values |= {f"store_{name}": value for name, value in store.items()}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known))}"
            raise UsageError(f"unknown setting '{name}' in {path.name}", hint=hint)
    return values


def _possible(settings: Settings) -> Settings:
    url = urlsplit(settings.base_url)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.username:
        raise UsageError(f"not the address of an API: '{settings.base_url}'", hint="write https://host[:port]")
    if url.scheme == "http" and not _loopback(url.hostname):
        raise UsageError(f"{settings.base_url} would carry the key unencrypted", hint="use https")
    dialect_of(settings.api, settings.base_url)
    if settings.api == "legacy" and settings.base_url == DEFAULT_BASE_URL:
        raise UsageError(
            "the agency retired its legacy API on 2026-07-31", hint="name an archive or a mirror of it with --base-url"
        )
    if not settings.user_agent or not settings.user_agent.isascii() or not settings.user_agent.isprintable():
        raise UsageError(f"user_agent must be one line of plain letters, not {settings.user_agent!r}")
    if not 1 <= settings.concurrency <= MAX_CONCURRENCY:
        raise UsageError(f"concurrency runs from 1 to {MAX_CONCURRENCY}, not {settings.concurrency}")
    if settings.max_attempts < 1:
        raise UsageError(f"a page needs at least one attempt, not {settings.max_attempts}")
    for name in ("max_failures", "max_requests"):
        if (count := getattr(settings, name)) is not None and count < 1:
            raise UsageError(f"{name} is at least 1, not {count}")
    for name in sorted(_TIMES):
        least = 0.0 if name == "drain_timeout" else 1e-9
        if (time := getattr(settings, name)) is not None and not least <= time < 1e9:
            raise UsageError(f"{name} is a time above zero, not {time:g}", hint="write seconds, or 90s, 15m, 2h")
    for name in ("cap_daily", "cap_hourly"):
        if (cap := getattr(settings, name)) is not None and cap < 1:
            raise UsageError(f"{name} is the records a request may ask for, at least 1, not {cap}")
    configure(settings.alerts)
    if settings.ca_file and not Path(settings.ca_file).is_file():
        raise UsageError(f"no certificate file {settings.ca_file}")
    return settings


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def data_dir_of(args: Namespace, environ: Mapping[str, str], folder: Path) -> Path:
    """The data directory of a command that fetches nothing: same precedence."""
    if args.data_dir:
        return Path(args.data_dir)
    configured = environ.get("CIMIS_DATA_DIR") or config(folder / CONFIG_FILE).get("data_dir")
    return Path(str(configured or DEFAULT_DATA_DIR))
