"""The page in a real browser: it opens, a key works, and it asks nobody but us for anything."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chromium import BROWSER, Chromium
from served import Served


def test_a_browser_shows_the_dashboard_and_its_keys_work(served: Served, tmp_path: Path) -> None:
    if BROWSER is None:
        warnings.warn("no Chromium here: the page of `cimis serve` was NOT tried in a browser", stacklevel=1)
        pytest.skip("no Chromium: `apt-get install chromium` makes this test run")
    asyncio.run(_look(served, tmp_path))


async def _look(served: Served, folder: Path) -> None:
    async with Chromium(folder) as page:
        await page("Page.navigate", url=served.url)
        await page.until_drawn(b"1121-1904-7f3a")
        before = await page.picture(folder / "dashboard.png")
        page.drawn = b""
        await page.press("?")
        await page.until_drawn(b"Keys of the dashboard")
        help_ = await page.picture(folder / "help.png")
        assert before[:4] == help_[:4] == b"\x89PNG" and before != help_ and len(before) > 20_000
        assert await page.text_of("location.href + document.cookie") == f"{served.base}/", "the token is out of sight"
        page.drawn = b""
        await page.press("q")
        await page.press("q")
        async with asyncio.timeout(20):
            while "-closed" not in await page.text_of("document.body.className"):
                pass
        await page.picture(folder / "left.png")
        hosts = {urlsplit(url).netloc for url in page.requested if not url.startswith("data:")}
        assert hosts == {served.netloc} and len(page.requested) >= 7, page.requested
        assert not page.complaints
        assert "TypeError" in await page.text_of("fetch('http://127.0.0.1:1/').catch(String)")
        assert "Content Security Policy" in page.complaints[0], "not even when it is told to ask elsewhere"
