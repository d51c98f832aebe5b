"""The journal generator and the app on it live beside the snapshots."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "snapshot"))

from quick_apps import install

install()
