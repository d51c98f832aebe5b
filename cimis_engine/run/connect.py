"""From settings to a slot on the API, and to one document of it."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpcore

from cimis_engine.clock import Clock
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.network import Resolve, resolve
from cimis_engine.fetch.page import fetch_document
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.run.spec import Settings

T = TypeVar("T")


def new_slot(
    settings: Settings,
    key: str,
    clock: Clock,
    context: ssl.SSLContext | None = None,
    *,
    resolver: Resolve = resolve,
    network: httpcore.AsyncNetworkBackend | None = None,
) -> Slot:
    """A slot in the settings' dialect. Many slots share one `context`. Raises `UsageError`."""
    return Slot(
        context=context or ssl_context(Path(settings.ca_file) if settings.ca_file else None),
        key=key,
        key_place=dialect_of(settings.api, settings.base_url).key_place,
        clock=clock,
        user_agent=settings.user_agent,
        gzip=settings.gzip,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        attempt_timeout=settings.attempt_timeout,
        resolver=resolver,
        network=network,
    )


async def get_document(
    settings: Settings, key: str, clock: Clock, request: ApiRequest, parse: Callable[[bytes], T], what: str
) -> T:
    """One document on a slot of its own. Raises `ApiError`, and what `parse` raises."""
    slot = new_slot(settings, key, clock)
    try:
        policy = RetryPolicy(settings.max_attempts, settings.backoff_base, budget=settings.page_budget)
        return await fetch_document(slot, request, parse, what, policy=policy, clock=clock, rng=random.Random())
    finally:
        await slot.aclose()
