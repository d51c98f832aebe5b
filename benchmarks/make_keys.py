"""Write the key tables of README.md and docs/keys.md from the table of actions: `make keys`."""

from __future__ import annotations

from pathlib import Path

from cimis_tui.actions import ACTIONS
from cimis_tui.keymap import markdown, short

ROOT = Path(__file__).parents[1]
TABLES = {"README.md": short(ACTIONS), "docs/keys.md": markdown(ACTIONS)}
"""What stands between the two marks in each."""
BEGIN, END = "<!-- keys -->\n", "\n<!-- /keys -->"


def main() -> None:
    for name, table in TABLES.items():
        file = ROOT / name
        before, _, rest = file.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        file.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
