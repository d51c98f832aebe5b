"""`cimis publish`, `bundle`, `apply`: what they print, and what they end with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cimis_engine.model.batch import Covered, RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.store.store import Store
from cimis_tui.__main__ import main


def days(count: int, station: int = 2, value: int = 200) -> RecordBatch:
    ones = np.ones(count, np.bool_)
    one = column(items_of(Interval.DAILY)[0], 1, np.arange(count) + value, ones, np.full(count, 32, np.uint8))
    slots = np.arange(1, count + 1).astype(np.uint16)
    return RecordBatch(station, Interval.DAILY, 2024, UnitSystem.METRIC, slots, (one,), (Covered(1, count, 1),))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A publisher's store `D`, its tree `T` with two generations, a copy `E` at the first."""
    monkeypatch.chdir(tmp_path)
    key = Ed25519PrivateKey.generate()
    Path("key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("public.pem").write_bytes(public)
    for name in ("D", "E"):
        store = Store.create(Path(name))
        store.write_all([days(10), days(10, station=5)])
        store.close()
    return tmp_path


def run(text: str) -> int:
    return main(text.split())


def publish_both() -> None:
    assert run("publish T --data-dir D --sign key.pem -q") == 0
    Store.open(Path("D")).write_all([days(11), days(11, station=5, value=201)])
    assert run("publish T --data-dir D --sign key.pem -q") == 0


def test_from_one_store_to_the_other(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish_both()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("T/manifest.json: generation 1, 2 chunks, ")
    assert "generation 2" in lines[1] and lines[1].endswith("signed")
    assert run("bundle --from T/manifests/1.json --to T -o day.cimisb --sign key.pem --verify-key public.pem") == 0
    assert "generation 1 to 2, 2 chunks (2 records added, 10 records changed)" in capsys.readouterr().out
    assert run("apply day.cimisb --data-dir E --verify-key public.pem") == 0
    out, err = capsys.readouterr()
    assert out == "2 chunks brought to their target digests\n"
    assert "10 values revised: `cimis revisions --run bundle-" in err
    assert run("apply day.cimisb --data-dir E") == 0
    assert "nothing to do: the store is at the bundle's target already (2 chunks)" in capsys.readouterr().out
    digests = [[e.digest for e in Store.open(Path(name)).catalog.entries()] for name in "DE"]
    assert digests[0] == digests[1]


def test_documents(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish_both()
    capsys.readouterr()
    assert run("publish T --data-dir D --json") == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["generation"], made["changed"], made["copied"], made["signed"]) == (2, False, 0, True)
    assert run("bundle --from T/manifests/1.json --to T -o b --json") == 0
    bundled = json.loads(capsys.readouterr().out)
    assert (bundled["records_added"], bundled["records_changed"], bundled["bytes"]) == (2, 10, Path("b").stat().st_size)
    assert (bundled["to"]["digest"], bundled["digest_bytes"]) == (made["digest"], 80)
    assert run("apply b --data-dir E --json") == 0
    applied = json.loads(capsys.readouterr().out)
    assert (applied["chunks"], applied["changed"], applied["revised"]) == (2, 2, 10)
    assert applied["to_digest"] == made["digest"]
    assert run(f"revisions --data-dir E --json --run {applied['run']}") == 0
    assert len(json.loads(capsys.readouterr().out)["revisions"]) == 10


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("publish T --data-dir none", 2, "no CIMIS data in"),
        ("publish T --data-dir D --stations 99 --sign key.pem", 2, "nothing of stations 99 is stored"),
        ("publish T --data-dir D --sign public.pem", 2, "no private key"),
        ("publish D --data-dir D", 2, "D is a data directory"),
        ("bundle --from none --to T -o b", 2, "no manifest at"),
        ("bundle --from T --to key.pem -o b", 6, "not a sound manifest"),
        ("bundle --from T --to T -o none/b", 2, "no file can be written there"),
        ("apply none --data-dir E", 2, "no such file"),
        ("apply key.pem --data-dir E", 6, "not a sound bundle"),
        ("apply day --data-dir E --verify-key public.pem", 6, "not signed"),
        ("apply day --data-dir E --verify-key key.pem", 2, "no public key"),
        ("apply day --data-dir F", 2, "the bundle does not fit: station 002, daily 2024 has digest"),
    ],
)
def test_what_goes_wrong(here: Path, capsys: pytest.CaptureFixture[str], line: str, code: int, told: str) -> None:
    publish_both()
    assert run("bundle --from T/manifests/1.json --to T -o day") == 0
    Store.create(Path("F")).write(days(9))
    capsys.readouterr()
    assert run(line) == code
    out, err = capsys.readouterr()
    assert told in err and "hint:" in err and not out
    assert run(f"{line} --json") == code
    document = json.loads(capsys.readouterr().out)
    assert (told in document["error"]["message"], document["exit_code"]) == (True, code)


def test_a_signed_tree_and_bundle_stay_signed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("publish T --data-dir E --sign key.pem") == 0
    Store.open(Path("E")).write(days(12))
    assert run("publish T --data-dir E") == 2
    assert run("bundle --from T --to T -o b --sign key.pem") == 0
    assert run("bundle --from T --to T -o b") == 2
    assert "an older signature lies beside it" in capsys.readouterr().err
