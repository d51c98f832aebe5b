"""Looking after a store, as its owner would: from the command line, with real processes, real disks and real damage."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Run, chunks, environment

from cimis_engine.simulator.process import SimulatorProcess, start_simulator
from cimis_engine.store.chunk import read_header
from cimis_engine.store.store import Store

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
DAILY = "backfill --stations 2,5,6 --years 2022-2024 --items day-eto,day-precip --headless --data-dir D".split()
HOURLY = "backfill --stations 2 --years 2024 --hourly --items hly-eto --format v2 --headless --data-dir D".split()


@pytest.fixture
def filled(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> Path:
    """Nine daily chunks as v1, and an hourly one, as v2, in blocks of two weeks."""
    cimis(*DAILY, "--format", "v1", on=simulator)
    cimis(*HOURLY, on=simulator)
    return tmp_path / "D"


def spoil(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def digests(root: Path) -> dict[str, str]:
    return {name: read_header(data).digest for name, data in chunks(root).items()}


def data_requests(on: SimulatorProcess) -> list[tuple[str, str, str]]:
    return [(e["station"], e["start"], e["end"]) for e in on.log() if "GetDataByStationNumber" in e["path"]]


def test_damage_is_named_and_just_what_was_lost_is_fetched(
    cimis: Run, simulator: SimulatorProcess, filled: Path
) -> None:
    before, stations = digests(filled), filled / "stations"
    hourly = stations / "002" / "2024_hourly.zst"
    spoil(hourly, read_header(hourly.read_bytes()).blocks[4].offset)
    cut = stations / "005" / "2023_daily.zst"
    cut.write_bytes(cut.read_bytes()[:-9])
    (stations / "006" / "2022_daily.zst").unlink()
    (stations / "005" / ".2023_daily.zst.1.ab.tmp").touch()
    one, two = stations / "006" / "2023_daily.zst", stations / "006" / "2024_daily.zst"
    one.rename(stations / "x")
    two.rename(one)
    (stations / "x").rename(two)

    found = cimis("verify", "--data-dir", "D", on=simulator, code=6)
    assert "2024_hourly.zst: block 5 of 27" in found.stdout
    assert "(lost: 2024-02-26 0100..2024-03-10 2400)" in found.stdout
    assert "stale-temp" in found.stdout
    assert "4 chunks damaged, 1 chunk missing" in found.stderr
    document = json.loads(cimis("verify", "--json", "--data-dir", "D", on=simulator, code=6).stdout)
    lost = {(f["station_id"], f["year"], f["interval"]): f["lost"] for f in document["findings"] if f["lost"]}
    assert lost[2, 2024, "hourly"] == [{"first": "2024-02-26 0100", "last": "2024-03-10 2400"}]
    assert lost[6, 2022, "daily"] == [{"first": "2022-01-01", "last": "2022-12-31"}]

    asked = len(data_requests(simulator))
    repaired = json.loads(cimis("verify", "--repair", "--json", "--data-dir", "D", on=simulator).stdout)
    assert sorted(data_requests(simulator)[asked:]) == [
        ("2", "2024-02-26", "2024-03-10"),
        ("5", "2023-01-01", "2023-12-31"),
        ("6", "2022-01-01", "2022-12-31"),
        ("6", "2023-01-01", "2023-12-31"),
        ("6", "2024-01-01", "2024-12-31"),
    ]
    assert sorted(r["how"] for r in repaired["repairs"]) == ["refetch"] * 4 + ["salvaged"]
    assert (repaired["left"], repaired["exit_code"], len(repaired["runs"])) == ([], 0, 2)
    assert digests(filled) == before
    after = cimis("verify", "--read-data", "--data-dir", "D", on=simulator).stdout
    assert after.count("set-aside") == 4
    cimis("gc", "--data-dir", "D", on=simulator)
    assert "10 chunks verified" in (clean := cimis("verify", "--data-dir", "D", on=simulator).stdout)
    assert "0 findings" in clean


def test_a_repair_that_cannot_fetch_keeps_what_is_sound_and_says_so(
    cimis: Run, simulator: SimulatorProcess, filled: Path
) -> None:
    before = digests(filled)
    hourly = filled / "stations" / "002" / "2024_hourly.zst"
    spoil(hourly, read_header(hourly.read_bytes()).blocks[4].offset)
    refused = cimis("verify", "--repair", "--data-dir", "D", on=simulator, code=2, CIMIS_APP_KEY="")
    assert "no CIMIS app key" in refused.stderr
    assert not list(filled.glob("stations/*/.gen")), "nothing is taken apart that cannot be fetched"
    with start_simulator(["--fail-station", "2"]) as broken:
        failed = cimis("verify", "--repair", "--data-dir", "D", on=broken, code=4, CIMIS_BACKOFF_BASE="0.01")
    assert "`cimis retry`" in failed.stderr
    assert read_header(hourly.read_bytes()).records == 8784 - 336
    cimis("retry", "--headless", "--data-dir", "D", on=simulator)
    assert digests(filled) == before


FAULT = """
import sys
from dataclasses import replace
from cimis_engine.store import gate
from cimis_tui.__main__ import main
real = gate.encode_canonical
def faulty(whole, digest, codec):
    if whole.station == 5 and codec == 2:
        first = whole.columns[0]
        whole = replace(whole, columns=(replace(first, scaled=first.scaled + 1), *whole.columns[1:]))
    return real(whole, digest, codec)
gate.encode_canonical = faulty
sys.exit(main(sys.argv[1:]))
"""


def test_a_codec_fault_costs_one_station_and_the_error_names_the_way_round(
    cimis: Run, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    """V2 made to store another value than it was given, for one station: the gate finds it, the run goes on."""

    def faulty(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", FAULT, *args],
            env=environment(simulator),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    done = faulty(*DAILY, "--format", "v2", "--json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert (report["successful"], {f["station_id"] for f in report["failures"]}) == (6, {5})
    assert "--format v1" in done.stderr
    assert {name[:3] for name in chunks(tmp_path / "D")} == {"002", "006"}
    assert not list((tmp_path / "D" / "stations").glob("**/.*.tmp"))
    again = faulty(*DAILY, "--format", "v1")
    assert again.returncode == 0, again.stderr
    assert {read_header(d).codec for n, d in chunks(tmp_path / "D").items() if n.startswith("005")} == {1}
    cimis("migrate", "--to", "v1", "--data-dir", "D", on=simulator)
    switched = faulty("migrate", "--to", "v2", "--json", "--data-dir", "D")
    assert switched.returncode == 3
    document = json.loads(switched.stdout)
    assert {s["station_id"]: s["error"] is None for s in document["stations"]} == {2: True, 5: False, 6: True}
    assert document["before"]["content"] == document["after"]["content"]


@pytest.mark.parametrize(
    ("args", "env", "toml"),
    [
        (["--format", "v2"], {}, ""),
        ([], {"CIMIS_STORE_FORMAT": "v2"}, ""),
        ([], {}, 'store.format = "v2"'),
        (["--format", "v2"], {"CIMIS_STORE_FORMAT": "v1"}, 'store.format = "v1"'),
    ],
)
def test_the_format_is_a_setting(
    cimis: Run, simulator: SimulatorProcess, tmp_path: Path, args: list[str], env: dict[str, str], toml: str
) -> None:
    (tmp_path / "cimis.toml").write_text(toml)
    command = "backfill --stations 2 --years 2024 --items day-eto --headless --data-dir D".split()
    cimis(*command, *args, on=simulator, **env)
    assert [read_header(data).codec for data in chunks(tmp_path / "D").values()] == [2]


def test_a_format_that_is_none_is_refused(cimis: Run, simulator: SimulatorProcess) -> None:
    command = "backfill --stations 2 --years 2024 --headless --data-dir D".split()
    done = cimis(*command, on=simulator, code=2, CIMIS_STORE_FORMAT="v9")
    assert "store_format" in done.stderr
    assert "'v9'" in done.stderr


def kill_migrations(cimis: Run, on: SimulatorProcess, root: Path, kills: int, seed: int) -> None:
    """kill -9 a migration again and again, there and back; then let it finish."""
    before, rng = digests(root), random.Random(seed)
    killed = 0
    for n in range(kills):
        to = ("v2", "v1")[n % 2]
        process = subprocess.Popen(
            [sys.executable, "-m", "cimis_tui", "migrate", "--to", to, "--data-dir", str(root)],
            env=environment(on),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        changes = rng.randrange(1, 12)
        seen = snapshot(root)
        while process.poll() is None and changes:
            if (now := snapshot(root)) != seen:
                seen, changes = now, changes - 1
        process.kill()
        killed += process.wait() == -9
        assert digests(root) == before
        with contextlib.closing(Store.open(root)) as store:
            assert all(store.entry(*key) for _, key in store.chunks())
    assert killed, "no migration was ever interrupted"
    cimis("migrate", "--to", "v2", "--data-dir", str(root), on=on)
    assert {read_header(data).codec for data in chunks(root).values()} == {2}
    assert digests(root) == before
    assert not list(root.glob("stations/**/.*.tmp"))
    assert "0 findings" in cimis("verify", "--read-data", "--data-dir", str(root), on=on).stdout


def snapshot(root: Path) -> list[str]:
    """The names below `stations`, temps and generations included; those that vanish meanwhile are passed over."""
    return sorted(name for _, _, files in os.walk(root / "stations") for name in files)


def test_a_migration_that_is_killed_resumes(cimis: Run, simulator: SimulatorProcess, filled: Path) -> None:
    kill_migrations(cimis, simulator, filled, kills=3, seed=1)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(5))
def test_migrations_that_are_killed_many_times(
    cimis: Run, simulator: SimulatorProcess, filled: Path, seed: int
) -> None:
    kill_migrations(cimis, simulator, filled, kills=20, seed=seed)


def test_migrate_rollback_gc(cimis: Run, simulator: SimulatorProcess, filled: Path) -> None:
    files = chunks(filled)
    told = cimis("migrate", "--to", "v2", "--data-dir", "D", on=simulator).stdout
    assert "v1:9 v2:1" in told
    assert "9 chunks of 3 stations switched" in told
    again = cimis("migrate", "--to", "v2", "--data-dir", "D", on=simulator).stdout
    assert again.startswith("nothing to do: every chunk is v2 already (10 chunks, ")
    document = json.loads(cimis("rollback", "--json", "--stations", "5", "--data-dir", "D", on=simulator).stdout)
    assert (document["chunks"], document["after"]["formats"]) == (3, {"v1": 3})
    cimis("rollback", "--stations", "2,6", "--data-dir", "D", on=simulator)
    assert chunks(filled) == files
    assert cimis("rollback", "--data-dir", "D", on=simulator).stdout.startswith("nothing to do: ")
    assert chunks(filled) == files, "back, and not forth again"
    cimis("migrate", "--to", "v2", "--data-dir", "D", on=simulator)
    would = json.loads(cimis("gc", "--dry-run", "--json", "--data-dir", "D", on=simulator).stdout)
    young = json.loads(cimis("gc", "--older-than", "1d", "--json", "--data-dir", "D", on=simulator).stdout)
    does = json.loads(cimis("gc", "--json", "--data-dir", "D", on=simulator).stdout)
    assert (young["removed"], does["removed"]) == ([], would["removed"])
    assert does["freed_bytes"] == sum(r["bytes"] for r in does["removed"]) > 0
    assert "0 findings" in cimis("verify", "--data-dir", "D", on=simulator).stdout
    assert not list(filled.glob("stations/*/.gen"))


HOLD = """
import sys
from pathlib import Path
from cimis_engine.store.store import Store
with Store.open(Path("D")).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(filled: Path, simulator: SimulatorProcess) -> Iterator[int]:
    """The pid of another process that works on the store."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=filled.parent,
        env=environment(simulator),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.kill()


def test_a_second_engine_is_refused_and_readers_are_not(
    cimis: Run, simulator: SimulatorProcess, holder: int, filled: Path
) -> None:
    temp = filled / "stations" / "002" / ".2024_daily.zst.1.ab.tmp"
    temp.touch()
    writers = ["rebuild", "verify --repair", "migrate --to v2", "rollback", "gc", "update --headless"]
    for command in [*writers, " ".join(DAILY[:-2])]:
        done = cimis(*command.split(), "--data-dir", "D", on=simulator, code=2)
        assert f"in use by process {holder}" in done.stderr, command
    for command in ("verify", "stats", "coverage", "gc --dry-run"):
        cimis(*command.split(), "--data-dir", "D", on=simulator)
    assert temp.exists(), "it may be the holder's"


def test_the_holder_dies_and_the_store_is_free(
    cimis: Run, simulator: SimulatorProcess, holder: int, filled: Path
) -> None:
    temp = filled / "stations" / "002" / ".2024_daily.zst.1.ab.tmp"
    temp.touch()
    os.kill(holder, 9)
    os.waitid(os.P_PID, holder, os.WEXITED | os.WNOWAIT)
    cimis("gc", "--data-dir", "D", on=simulator)
    assert not temp.exists()


READERS = (
    "query --station 2 --start 2024-06-01 --end 2024-06-07 --json",
    "verify --read-data --json",
    "stats --json",
    "coverage --json",
    "revisions --json",
    "ledger list --json",
)


def without_override() -> None:
    """In a child that is root: permissions hold for it too (drop CAP_DAC_OVERRIDE from what `exec` gives)."""
    if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        os._exit(126)


def test_a_store_without_write_permission_is_read(cimis: Run, simulator: SimulatorProcess, filled: Path) -> None:
    def bound(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *args],
            env=environment(simulator),
            cwd=filled.parent,
            capture_output=True,
            text=True,
            preexec_fn=without_override if os.getuid() == 0 else None,
        )

    expected = {line: cimis(*line.split(), "--data-dir", "D", on=simulator).stdout for line in READERS}
    everything = [filled, *filled.rglob("*")]
    before = sorted((p, p.stat().st_mtime_ns) for p in everything)
    try:
        for path in everything:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if bound("-c", "open('D/x', 'w')").returncode != 1:
            pytest.skip("this is root and cannot give up its rights here: permissions cannot be tested")
        for line, meant in expected.items():
            done = bound("-m", "cimis_tui", *line.split(), "--data-dir", "D")
            assert (done.returncode, done.stdout) == (0, meant), (line, done.stderr)
        for line in ("gc", "rebuild", "migrate --to v2", " ".join(DAILY[:-2])):
            done = bound("-m", "cimis_tui", *line.split(), "--data-dir", "D")
            assert (done.returncode, "is read-only" in done.stderr) == (2, True), (line, done.stderr)
        assert sorted((p, p.stat().st_mtime_ns) for p in [filled, *filled.rglob("*")]) == before
    finally:
        for path in everything:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 KB."""
    where = tmp_path / "small"
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(where)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here (that takes root): a full disk is only simulated elsewhere")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_a_disk_that_fills_up_during_a_migration(
    cimis: Run, simulator: SimulatorProcess, filled: Path, small_disk: Path
) -> None:
    """Room for the store and half of what a migration keeps beside it."""
    root = small_disk / "D"
    (root / "stations").mkdir(parents=True)
    shutil.copytree(filled / "stations", root / "stations", dirs_exist_ok=True)
    cimis("rebuild", "--data-dir", str(root), on=simulator)
    before = digests(root)
    left = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
    (small_disk / "ballast").write_bytes(bytes(max(0, left - 28_000)))
    done = cimis("migrate", "--to", "v2", "--data-dir", str(root), on=simulator, code=None)
    assert done.returncode in (1, 3), done.stderr
    assert re.search("disk is full|disk I/O error|database or disk is full", done.stderr)
    assert digests(root) == before
    assert not list(root.glob("stations/**/.*.tmp"))
    (small_disk / "ballast").unlink()
    cimis("migrate", "--to", "v2", "--data-dir", str(root), on=simulator)
    assert digests(root) == before
    assert {read_header(data).codec for data in chunks(root).values()} == {2}
    assert "0 findings" in cimis("verify", "--read-data", "--data-dir", str(root), on=simulator).stdout
