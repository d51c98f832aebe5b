"""A simulator in the test's own loop, over real loopback sockets."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from cimis_engine.simulator.config import SimulatorConfig
from cimis_engine.simulator.server import Simulator

KEY = "CANARY-51d0c3"
REAL_DATA = Path(os.environ.get("CIMIS_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
Serve = Callable[..., AbstractAsyncContextManager[tuple[Simulator, httpx.AsyncClient]]]


@asynccontextmanager
async def _serve(**options: Any) -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    simulator = Simulator(SimulatorConfig(**{"now": date(2026, 11, 22)} | options))
    url = await simulator.start()
    verify: ssl.SSLContext | bool = True
    if simulator.ca_file:
        verify = ssl.create_default_context(cafile=str(simulator.ca_file))
    headers = {"Ocp-Apim-Subscription-Key": KEY, "Accept": "application/json"}
    client = httpx.AsyncClient(base_url=url, headers=headers, verify=verify, trust_env=False, timeout=20)
    try:
        async with client:
            yield simulator, client
    finally:
        await simulator.stop()


@pytest.fixture
def serve() -> Serve:
    """`async with serve(faults="storm") as (simulator, client)`; the agency's today is 2026-11-22 unless given."""
    return _serve


@pytest.fixture(scope="session")
def recordings() -> Path:
    if not (REAL_DATA / "daily").is_dir():
        pytest.skip(f"no recorded CIMIS responses in {REAL_DATA} (set CIMIS_REAL_DATA)")
    return REAL_DATA
