"""Pictures of dots: which dot is which bit, and what is cut off at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from cimis_tui.view.braille import Canvas, clip_line


def dots(canvas: Canvas) -> set[tuple[int, int]]:
    """The dots that are set, read back from the characters."""
    bits = {1: (0, 0), 2: (0, 1), 4: (0, 2), 64: (0, 3), 8: (1, 0), 16: (1, 1), 32: (1, 2), 128: (1, 3)}
    found = set()
    for row, line in enumerate(canvas.lines()):
        for column, glyph in enumerate(line):
            mask = 0 if glyph == " " else ord(glyph) - 0x2800
            assert mask == canvas.mask(column, row)
            found |= {(column * 2 + x, row * 4 + y) for bit, (x, y) in bits.items() if mask & bit}
    return found


def test_each_dot_of_a_cell_has_its_place() -> None:
    for x in range(4):
        for y in range(8):
            canvas = Canvas(2, 2)
            canvas.dot(x, y)
            assert dots(canvas) == {(x, y)}


def test_a_picture_is_as_large_as_it_was_asked_to_be() -> None:
    canvas = Canvas(3, 2)
    assert canvas.lines() == ["   ", "   "]
    assert (canvas.width, canvas.height) == (6, 8)
    assert Canvas(0, 5).lines() == [""] * 5
    assert Canvas(5, -1).lines() == []


def test_dots_outside_are_left_out() -> None:
    canvas = Canvas(2, 1)
    for place in ((-1, 0), (0, -1), (4, 0), (0, 4), (-0.6, 0), (1e9, 1e9)):
        canvas.dot(*place)
    assert dots(canvas) == set()
    canvas.dot(3.4, 0.4)
    assert dots(canvas) == {(3, 0)}


def test_lines_are_whole_in_every_direction() -> None:
    for end in ((7, 3), (3, 7), (0, 7), (7, 0), (7, 7), (0, 0)):
        there, back = Canvas(4, 2), Canvas(4, 2)
        there.line((0, 0), end)
        back.line(end, (0, 0))
        assert {(0, 0), end} <= dots(there)
        assert len(dots(there)) == max(end) + 1 == len(dots(back))


def test_a_line_through_the_picture_is_cut_at_its_edges() -> None:
    canvas = Canvas(4, 2)
    canvas.line((-100, 3), (100, 3))
    assert dots(canvas) == {(x, 3) for x in range(8)}
    canvas.line((-5, -1), (20, -1))
    canvas.line((9, -5), (9, 50))
    assert dots(canvas) == {(x, 3) for x in range(8)}


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (((1, 1), (2, 2)), ((1, 1), (2, 2))),
        (((-2, -2), (12, 12)), ((0, 0), (10, 10))),
        (((5, -5), (5, 50)), ((5, 0), (5, 10))),
        (((-3, 2), (2, -3)), None),
        (((11, 0), (11, 5)), None),
        (((4, 4), (4, 4)), ((4, 4), (4, 4))),
    ],
)
def test_clipping(
    line: tuple[tuple[int, int], tuple[int, int]], part: tuple[tuple[int, int], tuple[int, int]] | None
) -> None:
    found = clip_line(*line, 10, 10)
    assert (found is None) if part is None else (found is not None and np.allclose(found, part))


def test_a_path_joins_its_points() -> None:
    canvas = Canvas(2, 1)
    canvas.path([(0, 0), (0, 3), (3, 3)])
    assert dots(canvas) == {(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (3, 3)}
    alone, empty = Canvas(2, 1), Canvas(2, 1)
    alone.path([(2, 2)])
    empty.path([])
    assert (dots(alone), dots(empty)) == ({(2, 2)}, set())
