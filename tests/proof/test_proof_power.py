"""Real power cuts: ext4 on a loop device, shut down in the middle of a write as if the power had gone.

The ioctl `EXT4_IOC_SHUTDOWN` stops the file system at once: what is in the page cache or in a journal not yet written
is gone, as after a power cut. Then it is mounted again, which replays its journal. Needs root and a loop device; where
there is none the test says why and is skipped. Only `make proof` runs it: a test run mounts nothing unasked.

Unlike a power cut, the ioctl lets the writer go on for a moment. A write it acknowledges then counts as in doubt: ext4
lets an fsync that waits while its journal is aborted return without an error now and then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from killed_writer import Writer, settle_accounts
from store_model import Held

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
CUTS_A_DISK = 10


class PowerCutDisk:
    """A file as a disk, mounted at `mount`."""

    def __init__(self, folder: Path, options: str) -> None:
        self.image, self.mount, self.options = folder / "disk.img", folder / "mount", options

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
        return done.stdout.strip()

    @contextlib.contextmanager
    def plugged_in(self) -> Iterator[None]:
        """Raises OSError where this machine does not allow it."""
        self.mount.mkdir(parents=True)
        self.image.write_bytes(b"")
        os.truncate(self.image, 128 << 20)
        self._run("mkfs.ext4", "-q", "-F", str(self.image))
        self.loop = self._run("losetup", "--find", "--show", str(self.image))
        try:
            self.power_on()
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.mount)], capture_output=True)
            self._run("losetup", "--detach", self.loop)

    def power_on(self) -> None:
        self._run("mount", "-t", "ext4", "-o", self.options, self.loop, str(self.mount))

    def cut(self) -> None:
        fd = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def power_off(self) -> None:
        self._run("umount", str(self.mount))


@dataclass
class Tally:
    """Writes acknowledged before a cut, those said to be done after it that were not there, and what was wrong."""

    commits: int = 0
    phantoms: int = 0
    problems: list[str] = field(default_factory=list)


def cut_often(folder: Path, cuts: int, options: str, seed: int, *, careless: bool = False) -> Tally:
    """Stops at the first cut after which something is wrong."""
    dice, tally = random.Random(seed), Tally()
    for first in range(0, cuts, CUTS_A_DISK):
        disk = PowerCutDisk(folder / f"{first}", options)
        root, held = disk.mount / "D", Held()
        with disk.plugged_in(), Writer(root, careless=careless) as writer:
            for cut in range(first, min(first + CUTS_A_DISK, cuts)):
                pid = writer.start(seed=cut)
                acknowledged = writer.work(dice.randrange(40), dice.random())
                disk.cut()
                doubtful = writer.kill(pid)
                disk.power_off()
                disk.power_on()
                held, there, problems = settle_accounts(root, held, cut, acknowledged, doubtful)
                tally.commits += acknowledged
                tally.phantoms += acknowledged + doubtful - there
                if problems:
                    tally.problems = [f"seed {seed}, cut {cut}, {acknowledged} + {doubtful}: {p}" for p in problems]
                    return tally
        disk.image.unlink()
    return tally


def skip_unless_possible(folder: Path) -> None:
    missing = [tool for tool in ("mkfs.ext4", "losetup", "mount", "umount") if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"NO REAL POWER CUTS HERE: needs root{f' and {missing}' if missing else ''}")
    try:
        disk = PowerCutDisk(folder / "possible", "data=ordered")
        with disk.plugged_in():
            disk.cut()
    except OSError as error:
        pytest.skip(f"NO REAL POWER CUTS HERE: {error}")


@pytest.mark.proof
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("options", "cuts"), [("data=ordered", 300), ("data=writeback", 200)])
def test_power_cuts_lose_nothing(ram_path: Path, options: str, cuts: int) -> None:
    skip_unless_possible(ram_path)
    tally = cut_often(ram_path, cuts, options, seed=3)
    assert tally.problems == []
    print(f"\next4 {options}: {cuts} power cuts, {tally.commits} commits acknowledged before, 0 lost")
    print(f"({tally.phantoms} acknowledged after the cut and not there)")
    assert tally.commits > cuts


@pytest.mark.proof
def test_a_store_that_syncs_nothing_loses_writes(ram_path: Path) -> None:
    """Or the power was not cut."""
    skip_unless_possible(ram_path)
    assert cut_often(ram_path, 20, "data=ordered", seed=3, careless=True).problems
