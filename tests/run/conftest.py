"""The journal generators lie beside the snapshots."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "snapshot"))
