"""A simulator until something ends it: a signal, or the end of standard input."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading

from cimis_engine.simulator.config import SimulatorConfig
from cimis_engine.simulator.server import Simulator


def serve(config: SimulatorConfig, *, exit_on_eof: bool) -> int:
    """Serve in the foreground; one JSON line on stdout says where. Returns 0."""
    return asyncio.run(_serve(Simulator(config), exit_on_eof))


async def _serve(simulator: Simulator, exit_on_eof: bool) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    url = await simulator.start()
    ready = {"url": url, "ca_file": str(simulator.ca_file) if simulator.ca_file else None, "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    if exit_on_eof:
        threading.Thread(target=_wait_for_eof, args=(loop, ended), daemon=True).start()
    await ended.wait()
    await simulator.stop()
    return 0


def _wait_for_eof(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(ended.set)
