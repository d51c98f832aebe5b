"""The moving picture: each line's states side by side, and jumps at the right moments."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from film import Film, Frame

INK = Style.parse("#ffffff on #000000")


def screen(*lines: str) -> tuple[Strip, ...]:
    return tuple(Strip([Segment(line.ljust(10), INK)]) for line in lines)


def test_only_what_changes_moves() -> None:
    frames = [
        Frame(screen("a & <b>", "stays"), 1.0, "first"),
        Frame(screen("██▌ x", "stays"), 2.0, "second"),
        Frame(screen("a & <b>", "stays"), 1.0, "second"),
    ]
    svg = Film(frames, ground="#000000", label="A & B").svg()
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(filter(None, texts)) == ["a & <b>", "first", "second", "stays", "▌ x"], "each is drawn once"
    assert svg.count("@keyframes") == 2, "the first line and the caption; the second line never changes"
    first = re.search(r"@keyframes r0\{(.*?)\}\}", svg)
    assert first is not None
    assert re.findall(r"([\d.]+)%\{transform:translateX\((-?\d+)px", first[1]) == [
        ("0.000", "0"),
        ("25.000", "-84"),
        ("75.000", "0"),
    ]
    assert '<rect x="0" width="16.8"' in svg, "full blocks are a box"
    assert "animation-duration:4s" in svg
