from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.cli.settings import data_dir_of, load_settings, read_key


def _args(**given: object) -> Namespace:
    return Namespace(**{"base_url": None, "ca_file": None, "concurrency": None, "data_dir": None, **given})


def test_precedence_flags_environment_file_defaults(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text(
        'base_url = "https://file.test"\nconcurrency = 5\ndata_dir = "fromfile"\ngzip = false'
    )
    settings, where = load_settings(_args(), {}, folder=tmp_path)
    assert (settings.base_url, settings.concurrency, settings.gzip, where) == (
        "https://file.test",
        5,
        False,
        Path("fromfile"),
    )
    environ = {"CIMIS_BASE_URL": "https://env.test", "CIMIS_CONCURRENCY": "6", "CIMIS_DATA_DIR": "fromenv"}
    settings, where = load_settings(_args(), environ, folder=tmp_path)
    assert (settings.base_url, settings.concurrency, where) == ("https://env.test", 6, Path("fromenv"))
    flags = _args(base_url="https://flag.test", concurrency=7, data_dir="fromflag", retries=9, gzip=True)
    settings, where = load_settings(flags, environ, folder=tmp_path)
    assert (settings.base_url, settings.concurrency, where) == ("https://flag.test", 7, Path("fromflag"))
    assert (settings.max_attempts, settings.gzip) == (9, True)


def test_defaults(tmp_path: Path) -> None:
    settings, where = load_settings(_args(), {}, folder=tmp_path)
    assert (settings.base_url, settings.concurrency, settings.max_attempts) == ("https://et.water.ca.gov", 4, 3)
    assert where == Path("data") == data_dir_of(_args(), {}, tmp_path)


def test_limits_of_a_run_from_anywhere_with_units(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text('max_requests = 10\nmax_duration = "15m"\npage_budget = "0.5h"')
    settings, _ = load_settings(_args(), {}, folder=tmp_path)
    assert (settings.max_requests, settings.max_duration, settings.page_budget) == (10, 900.0, 1800.0)
    environ = {"CIMIS_MAX_REQUESTS": "11", "CIMIS_MAX_DURATION": "2h", "CIMIS_READ_TIMEOUT": "45"}
    settings, _ = load_settings(_args(), environ, folder=tmp_path)
    assert (settings.max_requests, settings.max_duration, settings.read_timeout) == (11, 7200.0, 45.0)
    settings, _ = load_settings(_args(max_requests=12, max_duration="90s"), environ, folder=tmp_path)
    assert (settings.max_requests, settings.max_duration) == (12, 90.0)
    (tmp_path / "cimis.toml").unlink()
    settings, _ = load_settings(_args(), {}, folder=tmp_path)
    assert (settings.max_requests, settings.max_duration, settings.page_budget) == (None, None, 900.0)


def test_what_the_command_fixes_wins(tmp_path: Path) -> None:
    environ = {"CIMIS_BASE_URL": "https://env.test"}
    settings, _ = load_settings(_args(), environ, folder=tmp_path, base_url="https://127.0.0.1:1", whole_body=True)
    assert settings.base_url == "https://127.0.0.1:1" and settings.whole_body


def test_data_dir_alone_follows_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text('data_dir = "fromfile"')
    assert data_dir_of(_args(), {}, tmp_path) == Path("fromfile")
    assert data_dir_of(_args(), {"CIMIS_DATA_DIR": "fromenv"}, tmp_path) == Path("fromenv")
    assert data_dir_of(_args(data_dir="flag"), {"CIMIS_DATA_DIR": "fromenv"}, tmp_path) == Path("flag")


def test_unknown_key_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text("concurency = 5")
    with pytest.raises(UsageError, match="concurency") as caught:
        load_settings(_args(), {}, folder=tmp_path)
    assert caught.value.hint == "did you mean 'concurrency'?"


@pytest.mark.parametrize(
    ("toml", "word"),
    [
        ("concurrency = 'many'", "concurrency"),
        ("concurrency = 0", "0"),
        ("cap_daily = 0", "cap_daily"),
        ("cap_hourly = -5", "cap_hourly"),
        ("concurrency = 65", "65"),
        ("max_attempts = 0", "attempt"),
        ("base_url = 'ftp://x'", "ftp"),
        ("base_url = 'http://example.com'", "unencrypted"),
        ("base_url = 'https://user@example.com'", "user@"),
        ("ca_file = 'nowhere.pem'", "nowhere.pem"),
        ("max_requests = 0", "max_requests"),
        ("max_failures = 0", "max_failures"),
        ("max_duration = 0", "max_duration"),
        ("max_duration = 'soon'", "max_duration"),
        ("max_duration = '1d'", "max_duration"),
        ("backoff_base = 0", "backoff_base"),
        ("read_timeout = nan", "read_timeout"),
        ("page_budget = -1", "page_budget"),
        ("concurrency = ", "cimis.toml"),
        ("whole_body = true", "whole_body"),
        ("api = 'soap'", "soap"),
        ("api = 'legacy'", "retired"),
        ("user_agent = ''", "user_agent"),
        ('user_agent = "a\\nb"', "user_agent"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, toml: str, word: str) -> None:
    (tmp_path / "cimis.toml").write_text(toml)
    with pytest.raises(UsageError, match=word):
        load_settings(_args(), {}, folder=tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://localhost:8", "http://[::1]:8", "https://example.com"])
def test_addresses_that_may_carry_the_key(tmp_path: Path, url: str) -> None:
    settings, _ = load_settings(_args(base_url=url), {}, folder=tmp_path)
    assert settings.base_url == url


def test_key_file_before_credential_before_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of-file\n")
    (tmp_path / "cimis-app-key").write_text("of-systemd\n")
    environ = {
        "CIMIS_APP_KEY_FILE": str(tmp_path / "file"),
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "CIMIS_APP_KEY": "of-variable",
    }
    assert read_key(environ) == "of-file"
    del environ["CIMIS_APP_KEY_FILE"]
    assert read_key(environ) == "of-systemd"
    (tmp_path / "cimis-app-key").unlink()
    assert read_key(environ) == "of-variable"


def test_missing_key_says_where_to_get_one() -> None:
    with pytest.raises(UsageError) as caught:
        read_key({})
    assert "CIMIS_APP_KEY_FILE" in caught.value.hint and "demo" in caught.value.hint


@pytest.mark.parametrize("key", ["  ", "two words", "line\nline", "schlüssel"])
def test_keys_that_cannot_be_a_header_are_refused_without_being_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_key({"CIMIS_APP_KEY": key})
    assert key.strip() == "" or key not in str(caught.value)


def test_unreadable_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_key({"CIMIS_APP_KEY_FILE": str(tmp_path / "none"), "CIMIS_APP_KEY": "unused"})
