"""Other keys for the actions of the table, as `[keys]` of `cimis.toml` asks for them; and the table as documents. Pure.

[keys]
"station.pause" = "f5,p"
"go.alerts" = "ctrl+l"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from cimis_engine.errors import UsageError
from cimis_tui.actions import ACTIONS, VIEWS, Action

WHERE = "[keys] of cimis.toml"
_SIGNS = {
    "escape": "esc",
    "backspace": "⌫",
    "enter": "↵",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "insert": "Ins",
    "space": "space",
    "tab": "tab",
    **{f"f{n}": f"F{n}" for n in range(1, 25)},
}
"""How keys are written for a person, where it is not their own character."""
_NAMED = {key.value for key in Keys if "+" not in key.value and "<" not in key.value and len(key.value) > 1}
_CHARACTERS = {_character_to_key(chr(code)): chr(code) for code in range(33, 127)}
_MODIFIERS = {"ctrl": "^", "shift": "⇧", "alt": "alt+"}
_RESERVED = {"ctrl+c": "leaving in a hurry"}


def key_word(key: str) -> str:
    """A key as a person reads it: `escape` is esc, `ctrl+s` ^s, `question_mark` ?."""
    *modifiers, last = key.split("+")
    return "".join(_MODIFIERS[m] for m in modifiers) + _SIGNS.get(last, _CHARACTERS.get(last, last))


def parse_keys(text: str, action: str) -> tuple[str, ...]:
    """`"f5,p"` as keys of Textual's. Raises `UsageError` for what is no key, and for none."""
    keys = tuple(_parse_key(word.strip(), action) for word in text.split(",") if word.strip())
    if not keys:
        raise UsageError(f"no key for {action} in {WHERE}", hint='write one or more, with commas: "f5,p"')
    return keys


def _parse_key(word: str, action: str) -> str:
    *modifiers, last = word.split("+") if word != "+" else ["+"]
    last = _CHARACTERS_TO_KEYS.get(last, KEY_NAME_REPLACEMENTS.get(last, last))
    if last not in _NAMED | set(_CHARACTERS) | {"space"} or not set(modifiers) <= set(_MODIFIERS):
        odd = sorted(set(modifiers) - set(_MODIFIERS))
        near = difflib.get_close_matches(last, [*_NAMED, *_CHARACTERS], 1)
        hint = f"did you mean '{near[0]}'?" if near else "write p, P, ?, f5, ctrl+o, pageup …"
        hint = f"'{odd[0]}+' is not one of ctrl, shift or alt" if odd else hint
        raise UsageError(f"'{word}', for {action} in {WHERE}, is no key", hint=hint)
    key = "+".join([*modifiers, last])
    if key in _RESERVED:
        raise UsageError(f"{key}, for {action} in {WHERE}, is kept for {_RESERVED[key]}", hint="take another key")
    return key


_CHARACTERS_TO_KEYS = {character: key for key, character in _CHARACTERS.items()}


def remapped(changes: Mapping[str, object], table: Sequence[Action] = ACTIONS) -> tuple[Action, ...]:
    """The table with other keys. Raises `UsageError` for an unknown action, what is no key, and a key with two meanings
    on one screen."""
    known = [action.id for action in table]
    new: dict[str, tuple[str, ...]] = {}
    for name, keys in changes.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else "`cimis keys` lists them"
            raise UsageError(f"unknown action '{name}' in {WHERE}", hint=hint)
        if not isinstance(keys, str):
            raise UsageError(f"the keys of {name} in {WHERE} are text, not {keys!r}", hint='write "f5,p"')
        new[name] = parse_keys(keys, name)
    changed = tuple(
        replace(a, keys=new[a.id], shown=" ".join(map(key_word, new[a.id]))) if a.id in new else a for a in table
    )
    if new:
        for key, one, other, view in conflicts(changed):
            raise UsageError(
                f"{key_word(key)} would mean both {one} and {other} on the {view} screen ({WHERE})",
                hint=f"give {other if one in new else one} another key there too, or take another one",
            )
    return changed


def conflicts(table: Sequence[Action]) -> Iterator[tuple[str, str, str, str]]:
    """Keys with two meanings on one screen: (key, id of an action, id of another, screen).

    What steers a replay may have the key of something else: there, it has the first word.
    """
    for view in VIEWS:
        here = [action for action in table if view.name in action.views]
        for one, other in combinations(here, 2):
            for key in one.keys:
                if key in other.keys and one.replay == other.replay:
                    yield key, one.id, other.id, view.name


def textual_keymap(table: Sequence[Action]) -> dict[str, str]:
    """What `App.set_keymap` wants: nothing for the usual keys, else those of all actions.

    Of all, because Textual takes a key that changes hands from everything that has it, also from what keeps it.
    """
    keys = {action.id: ",".join(action.keys) for action in table}
    return {} if keys == {action.id: ",".join(action.keys) for action in ACTIONS} else keys


def places(action: Action) -> str:
    """On which screens an action works, in words."""
    names = [view.name for view in VIEWS if view.name in action.views]
    if len(names) == len(VIEWS):
        return "everywhere"
    if len(names) == len(VIEWS) - 1:
        (but,) = (view.name for view in VIEWS if view.name not in action.views)
        return f"everywhere but {but}"
    return ", ".join(names)


def grouped(table: Sequence[Action]) -> list[tuple[str, list[Action]]]:
    """The actions by group, groups in the order of their first action."""
    groups: dict[str, list[Action]] = {}
    for action in table:
        groups.setdefault(action.group, []).append(action)
    return list(groups.items())


def markdown(table: Sequence[Action]) -> str:
    """The whole table for a document: a section a group."""
    parts = []
    for group, actions in grouped(table):
        rows = [f"| {_code(a)} | {a.help} | {places(a)} | `{a.id}` |" for a in actions]
        parts.append("\n".join([f"### {group}", "", "| key | does | on | name |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts)


def short(table: Sequence[Action]) -> str:
    """The main keys, those that the dashboard's footer names, for a document."""
    rows = ["| key | does |", "|---|---|"]
    views = [action for action in table if action.id.startswith("go.") and action.id != "go.back"]
    rows.append(f"| {' '.join(_code(a) for a in views)} | screens: {', '.join(a.id[3:] for a in views)} |")
    rows += [f"| {_code(a)} | {a.help} |" for a in main(table)]
    return "\n".join(rows)


def main(table: Sequence[Action]) -> list[Action]:
    """The actions that the dashboard's footer names."""
    return [action for action in table if "dashboard" in action.views and action.footer]


def _code(action: Action) -> str:
    return " ".join(f"`{word}`" for word in action.shown.split())


def document(table: Sequence[Action]) -> list[dict[str, Any]]:
    """The table for a program; `keys` as `cimis.toml` takes them."""
    usual = {action.id: action.keys for action in ACTIONS}
    return [
        {
            "id": a.id,
            "keys": list(a.keys),
            "default_keys": list(usual[a.id]),
            "group": a.group,
            "help": a.help,
            "screens": [view.name for view in VIEWS if view.name in a.views],
        }
        for a in table
    ]
