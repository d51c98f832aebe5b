"""Snapshots need a still screen; the variable is read when textual is imported."""

import os
import sys
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path.insert(0, str(Path(__file__).parent))
