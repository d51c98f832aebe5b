"""Other keys from `cimis.toml`, and the documents made from the table of actions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.actions import ACTIONS, footer_actions, footer_key
from cimis_tui.cli.looks import actions_of, looks_of
from cimis_tui.keymap import key_word, markdown, parse_keys, remapped, short, textual_keymap
from cimis_tui.reasons import Situation

ROOT = Path(__file__).parents[2]


def keys_of(table: object, id: str) -> tuple[tuple[str, ...], str]:
    assert isinstance(table, tuple)
    (action,) = (a for a in table if a.id == id)
    return action.keys, action.shown


def test_ids_are_words_fit_to_be_typed() -> None:
    for action in ACTIONS:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", action.id), f"{action.name} needs an id of its own"


def test_what_is_shown_are_keys_of_the_action() -> None:
    for action in ACTIONS:
        assert set(action.shown.split()) <= {key_word(key) for key in action.keys}, action.id


def test_an_action_gets_other_keys_and_shows_them() -> None:
    table, now = (
        remapped({"station.pause": "f5, f6", "run.more": "+"}),
        Situation("live", "running", "LIVE", ("running",)),
    )
    assert keys_of(table, "station.pause") == (("f5", "f6"), "F5 F6")
    assert (textual_keymap(table)["station.pause"], textual_keymap(table)["run.more"]) == ("f5,f6", "plus")
    assert textual_keymap(ACTIONS) == {}
    assert [footer_key(a) for a in footer_actions(200, table=table, now=now) if a.name == "pause"] == ["F5"]
    assert remapped({}) == ACTIONS


def test_two_actions_may_change_places() -> None:
    table = remapped({"station.pause": "r", "station.retry": "p"})
    assert keys_of(table, "station.pause") == (("r",), "r")
    assert keys_of(table, "station.retry") == (("p",), "p")


def test_the_same_key_on_different_screens_is_no_conflict() -> None:
    assert keys_of(remapped({"alert.mute": "s"}), "alert.mute") == (("s",), "s")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("?", ("question_mark",)),
        ("G", ("G",)),
        ("ctrl+o,pageup", ("ctrl+o", "pageup")),
        ("+", ("plus",)),
        ("shift+tab", ("shift+tab",)),
        ("space", ("space",)),
    ],
)
def test_keys_as_a_person_writes_them(text: str, keys: tuple[str, ...]) -> None:
    assert parse_keys(text, "x") == keys


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        ({"station.pauze": "p"}, "unknown action 'station.pauze'", "did you mean 'station.pause'"),
        (
            {"station.pause": "r"},
            "r would mean both station.pause and station.retry on the dashboard",
            "give station.retry",
        ),
        ({"alert.mute": "p"}, "p would mean both alert.mute and station.pause on the alerts", "give station.pause"),
        ({"station.pause": "page_up"}, "'page_up', for station.pause in [keys] of cimis.toml, is no key", "'pageup'"),
        ({"station.pause": "hyper+p"}, "is no key", "ctrl, shift or alt"),
        ({"station.pause": ""}, "no key for station.pause", "f5,p"),
        ({"station.pause": "ctrl+c"}, "kept for leaving", "another key"),
        ({"station.pause": 5}, "are text, not 5", "f5"),
    ],
)
def test_keys_that_cannot_be(changes: dict[str, object], what: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what)) as caught:
        remapped(changes)
    assert hint in caught.value.hint


def test_the_file_may_quote_the_names_or_not(tmp_path: Path) -> None:
    for text in ('[keys]\n"station.pause" = "f5"', '[keys]\nstation.pause = "f5"', '[keys.station]\npause = "f5"'):
        (tmp_path / "cimis.toml").write_text(text)
        assert keys_of(actions_of(tmp_path), "station.pause") == (("f5",), "F5")
    (tmp_path / "cimis.toml").write_text('keys = "f5"')
    with pytest.raises(UsageError, match="no table"):
        actions_of(tmp_path)


def test_the_bell_is_a_setting(tmp_path: Path) -> None:
    from argparse import Namespace

    assert looks_of(Namespace(), {}, tmp_path).bell
    (tmp_path / "cimis.toml").write_text("[ui]\nbell = false")
    assert not looks_of(Namespace(), {}, tmp_path).bell


@pytest.mark.parametrize(
    ("name", "table"), [("README.md", short(ACTIONS)), ("docs/keys.md", markdown(ACTIONS))], ids=["README", "keys"]
)
def test_the_documents_have_the_table_as_it_is(name: str, table: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert f"<!-- keys -->\n{table}\n<!-- /keys -->" in text, "run `make keys`"
