"""httpx without its command line.

`import httpx` also imports `httpx._main`, which loads click, rich and pygments wherever click is installed: some 20 MB
and 100 ms that a headless engine has no use for. An empty module in its place, for the time of the import, is enough.
"""

from __future__ import annotations

import sys
from types import ModuleType

_MAIN = "httpx._main"
if "httpx" not in sys.modules:
    _empty = ModuleType(_MAIN)
    _empty.main = lambda: None  # type: ignore[attr-defined]  # httpx re-exports it as its own
    sys.modules[_MAIN] = _empty
    import httpx

    del sys.modules[_MAIN]
else:
    import httpx

__all__ = ["httpx"]
