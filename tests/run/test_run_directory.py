"""The station directory over real HTTP: fetched once a week, on request, and used older where the API is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio

from cimis_engine.clock import SystemClock
from cimis_engine.fetch.page import ApiError
from cimis_engine.run.directory import load_directory
from cimis_engine.run.kept_directory import Directory, is_fresh, kept_directory
from cimis_engine.run.prepare import make_plan
from cimis_engine.run.spec import Request, Settings
from cimis_engine.simulator.config import SimulatorConfig
from cimis_engine.simulator.server import Simulator

DAY = 86400.0


class Later(SystemClock):
    """The real clock, some days on; it does not sleep."""

    def __init__(self, days: float = 0.0) -> None:
        self.days = days

    def time(self) -> float:
        return super().time() + self.days * DAY

    async def sleep(self, seconds: float) -> None:
        pass


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    running = Simulator(SimulatorConfig(stations=5, key="right"))
    await running.start()
    yield running
    await running.stop()


async def load(
    folder: Path, simulator: Simulator, days: float = 0.0, *, key: str = "right", refresh: bool = False
) -> Directory:
    settings = Settings(base_url=simulator.url, max_attempts=2)
    return await load_directory(folder, settings, key, Later(days), refresh=refresh)


@pytest.mark.asyncio
async def test_it_is_kept_for_a_week_and_fetched_again_on_request(tmp_path: Path, simulator: Simulator) -> None:
    first = await load(tmp_path, simulator)
    assert [s.number for s in first.stations] == [1, 2, 3, 4, 5]
    assert await load(tmp_path, simulator, 6.9) == first == kept_directory(tmp_path, simulator.url)
    assert simulator.stats["requests"] == 1
    assert (await load(tmp_path, simulator, 7.1)).fetched_at > first.fetched_at
    assert (await load(tmp_path, simulator, 7.2, refresh=True)).fetched_at > first.fetched_at
    assert simulator.stats["requests"] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["stations.json"]


@pytest.mark.asyncio
async def test_where_the_api_is_gone_the_old_one_is_used_with_a_warning(tmp_path: Path, simulator: Simulator) -> None:
    first = await load(tmp_path, simulator)
    await simulator.stop()
    stale = await load(tmp_path, simulator, 20)
    assert stale.stations == first.stations and not is_fresh(stale, Later(20).time())
    assert "refused" in stale.warning and "20 days ago" in stale.warning
    request = Request(stations="2", start="2024-01-01", end="2024-12-31")
    plan = make_plan(None, request, stale.stations, date(2026, 11, 24), directory_warning=stale.warning)
    assert plan.notes == (stale.warning,)
    with pytest.raises(ApiError):
        await load(tmp_path, simulator, 20, refresh=True)
    (tmp_path / "stations.json").write_text("{")
    with pytest.raises(ApiError) as caught:
        await load(tmp_path, simulator, 20)
    assert caught.value.exit_code == 4


@pytest.mark.asyncio
async def test_a_rejected_key_is_no_outage(tmp_path: Path, simulator: Simulator) -> None:
    await load(tmp_path, simulator)
    with pytest.raises(ApiError) as caught:
        await load(tmp_path, simulator, 20, key="wrong")
    assert caught.value.exit_code == 5


@pytest.mark.asyncio
async def test_the_directory_of_another_api_is_not_used(tmp_path: Path, simulator: Simulator) -> None:
    await load(tmp_path, simulator)
    assert kept_directory(tmp_path, "https://elsewhere.test") is None
    assert kept_directory(tmp_path) is not None


@pytest.mark.asyncio
async def test_without_a_data_directory_nothing_is_kept(tmp_path: Path, simulator: Simulator) -> None:
    await load(tmp_path / "none", simulator)
    assert not (tmp_path / "none").exists()
