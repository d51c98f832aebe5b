"""The control door over a real Unix socket."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from cimis_engine.run.control import SOCKET_NAME, ControlClient, ControlError, ControlServer


async def answer(command: dict[str, Any]) -> dict[str, Any]:
    if command.get("cmd") == "bad":
        raise ControlError("unknown command: 'bad'")
    return {"echo": command}


def ask(run_dir: Path, command: dict[str, Any]) -> dict[str, Any]:
    async def both() -> dict[str, Any]:
        async with ControlServer(run_dir, answer):
            assert stat.S_IMODE((run_dir / SOCKET_NAME).stat().st_mode) == 0o600
            return await asyncio.to_thread(ControlClient(run_dir).send, command)

    return asyncio.run(both())


def test_a_command_is_answered(tmp_path: Path) -> None:
    assert ask(tmp_path, {"cmd": "pause"}) == {"ok": True, "echo": {"cmd": "pause"}}
    assert not (tmp_path / SOCKET_NAME).exists()


def test_a_deep_directory_works_too(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-folder-name"] * 10)
    deep.mkdir(parents=True)
    assert ask(deep, {"cmd": "x"})["ok"]


def test_a_refusal_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="unknown command"):
        ask(tmp_path, {"cmd": "bad"})


def test_no_engine_is_a_typed_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ControlError) as caught:
        ControlClient(tmp_path).send({"cmd": "pause"})
    assert "cimis runs" in caught.value.hint
