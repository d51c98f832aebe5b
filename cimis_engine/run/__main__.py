"""`python -m cimis_engine.run RUN_DIR`: the engine alone, as the dashboard starts it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from cimis_engine.clock import SystemClock
from cimis_engine.errors import CimisError
from cimis_engine.model.items import Interval
from cimis_engine.run.caps import planned_cap
from cimis_engine.run.directory import load_directory
from cimis_engine.run.engine import run_engine
from cimis_engine.run.prepare import make_plan
from cimis_engine.run.process import KEY_VARIABLE
from cimis_engine.run.spec import load_spec
from cimis_engine.run.today import agency_today
from cimis_engine.store.store import Store


async def _run(run_dir: Path, key: str) -> int:
    spec = load_spec(run_dir)
    clock = SystemClock()
    store = Store.open(Path(spec.data_dir))
    with store.lock():
        directory = await load_directory(store.root, spec.settings, key, clock)
        now = clock.time()
        cap = planned_cap(spec.settings, Interval(spec.request.interval), store, now)
        plan = make_plan(
            store, spec.request, directory.stations, agency_today(now), cap, directory_warning=directory.warning
        )
        state = await run_engine(spec, plan, store=store, key=key, clock=clock)
    return state.exit_code or 0


def main() -> int:
    run_dir, key = Path(sys.argv[1]), os.environ.pop(KEY_VARIABLE, "")
    try:
        return asyncio.run(_run(run_dir, key))
    except CimisError as error:
        print(f"error: {error}\n{error.hint}".rstrip(), file=sys.stderr)  # noqa: T201 -- this process's stderr is engine.log
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
