from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date

import httpx
import pytest

from cimis_engine.simulator.faults import Fault, decide

PATH = "/StationWeb/GetDataByStationNumber"
NAMES = [f"{PATH}?stationnbrs={n}" for n in range(2000)]


def query(station: int, year: int) -> dict[str, str]:
    return {
        "stationNbrs": str(station),
        "startDate": f"{year}-01-01",
        "endDate": f"{year}-03-31",
        "unitOfMeasure": "M",
        "isHourly": "false",
    }


def day_of(fault: Fault, seed: int = 1) -> dict[str, str]:
    """Parameters of a request whose first attempt has this fault, and whose second has none."""
    from cimis_engine.simulator.query import identity

    for year in range(1990, 2026):
        for station in (2, 6, 5, 7):
            params = query(station, year)
            name = identity(PATH, str(httpx.QueryParams(params)))
            if decide(seed, "storm", name, 1) is fault and decide(seed, "storm", name, 2) is None:
                return params
    raise AssertionError(f"no request has the fault {fault}")


def test_a_storm_strikes_three_first_attempts_in_ten_with_every_kind_and_never_a_third() -> None:
    first = [decide(1, "storm", name, 1) for name in NAMES]
    struck = [f for f in first if f is not None]
    assert len(struck) >= 0.3 * len(NAMES)
    assert set(struck) == set(Fault)
    assert min(Counter(struck).values()) > 30
    assert any(decide(1, "storm", name, 2) for name in NAMES)
    assert not any(decide(1, "storm", name, 3) for name in NAMES)


def test_decisions_repeat_by_seed() -> None:
    assert [decide(4, "storm", n, 1) for n in NAMES] == [decide(4, "storm", n, 1) for n in NAMES]
    assert [decide(4, "storm", n, 1) for n in NAMES] != [decide(5, "storm", n, 1) for n in NAMES]


def test_mild_is_mild_and_none_is_none() -> None:
    mild = [f for name in NAMES if (f := decide(1, "mild", name, 1))]
    assert 0.04 < len(mild) / len(NAMES) < 0.13
    assert not set(mild) & {Fault.STALL, Fault.BLOCKED, Fault.REFUSED}
    assert not any(decide(1, "none", name, 1) for name in NAMES)


async def ask(client: httpx.AsyncClient, fault: Fault) -> tuple[httpx.Response | Exception, httpx.Response]:
    """First and second attempt of a request with this fault."""
    params = day_of(fault)
    first: httpx.Response | Exception
    try:
        first = await client.get(PATH, params=params)
    except httpx.HTTPError as error:
        first = error
    return first, await client.get(PATH, params=params)


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.RETRY_AFTER, 429), (Fault.THROTTLED, 429), (Fault.UNAVAILABLE, 503)]
)
async def test_refusing_statuses(serve, fault: Fault, status: int, tls: bool) -> None:
    async with serve(faults="storm", tls=tls) as (simulator, client):
        first, second = await ask(client, fault)
        assert first.status_code == status and second.status_code == 200
        assert first.headers.get("retry-after") == ("1" if fault is Fault.RETRY_AFTER else None)
        assert simulator.stats["faults"] == {fault.value: 1, "cold_start": 1}
        assert simulator.stats["first_attempts"] == simulator.stats["first_attempts_faulted"] == 1


@pytest.mark.asyncio
async def test_firewall_page_is_html_with_status_200(serve) -> None:
    async with serve(faults="storm") as (_, client):
        first, second = await ask(client, Fault.BLOCKED)
        assert first.status_code == 200 and "Request Rejected" in first.text
        assert second.json()["Data"]


@pytest.mark.asyncio
async def test_truncated_document_is_a_whole_response(serve) -> None:
    async with serve(faults="storm") as (_, client):
        first, second = await ask(client, Fault.TRUNCATED)
        assert first.status_code == 200 and first.headers["content-encoding"] == "gzip"
        with pytest.raises(ValueError):
            first.json()
        assert second.content.startswith(first.content) and len(first.content) > 1000


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.RESET_BODY])
async def test_resets(serve, fault: Fault, tls: bool) -> None:
    async with serve(faults="storm", tls=tls) as (simulator, client):
        first, second = await ask(client, fault)
        assert isinstance(first, httpx.ReadError | httpx.RemoteProtocolError), repr(first)
        assert second.status_code == 200
        assert simulator.stats["faults"][fault.value] == 1


@pytest.mark.asyncio
async def test_reset_within_the_body_comes_after_some_of_it(serve) -> None:
    async with serve(faults="storm") as (simulator, client):
        got = b""
        with pytest.raises(httpx.ReadError):
            async with client.stream("GET", PATH, params=day_of(Fault.RESET_BODY)) as response:
                assert response.status_code == 200
                async for part in response.aiter_raw():
                    got += part
        assert 0 < len(got) <= simulator.stats["bytes_sent"]


@pytest.mark.asyncio
async def test_stall_is_silent_after_a_part_and_then_ends(serve) -> None:
    async with serve(faults="storm", stall=0.05) as (_, client):
        first, second = await ask(client, Fault.STALL)
        assert isinstance(first, httpx.RemoteProtocolError), repr(first)
        assert second.status_code == 200


@pytest.mark.asyncio
async def test_refused_closes_the_socket_for_real_and_opens_it_again(serve) -> None:
    async with serve(faults="storm") as (simulator, client):
        port = int(simulator.url.rpartition(":")[2])
        with pytest.raises(httpx.ReadError):
            await client.get(PATH, params=day_of(Fault.REFUSED))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        refusals = 0
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                refusals += 1
                assert refusals < 100_000
                continue
            break
        writer.close()
        assert (await client.get(PATH, params=day_of(Fault.REFUSED))).status_code == 200
        assert simulator.stats["faults"]["refused"] == 1


@pytest.mark.asyncio
async def test_three_attempts_get_through_a_storm_to_the_same_bytes(serve) -> None:
    requests = [query(station, year) for station in (2, 5, 6) for year in range(2000, 2020)]
    async with serve(now=date(2026, 1, 1)) as (_, calm):
        wanted = [(await calm.get(PATH, params=p)).content for p in requests]
    async with serve(faults="storm", stall=0.01, now=date(2026, 1, 1)) as (simulator, client):
        for params, expected in zip(requests, wanted, strict=True):
            for _ in range(3):
                try:
                    response = await client.get(PATH, params=params)
                except httpx.ConnectError:
                    # A refused connection never reached the server: not an attempt that it could count.
                    while True:
                        try:
                            response = await client.get(PATH, params=params)
                            break
                        except httpx.ConnectError:
                            continue
                        except httpx.HTTPError:
                            break
                except httpx.HTTPError:
                    continue
                if response.content == expected:
                    break
            else:
                raise AssertionError(f"three attempts failed: {params}")
        assert simulator.stats["first_attempts"] == len(requests)
        assert simulator.stats["first_attempts_faulted"] >= 0.3 * len(requests)
