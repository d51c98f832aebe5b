"""What is left of a document once its records are cut out: a few hundred bytes, checked strictly at the end."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from cimis_engine.fetch.decode_error import DecodeError, TruncatedError

MAX_DEPTH = 64


class _RepeatedKeyError(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        repeated = next(k for i, (k, _) in enumerate(pairs) if k in [p[0] for p in pairs[:i]])
        raise _RepeatedKeyError(repeated)
    return found


def check_skeleton(skeleton: bytes, arrays: int, size: int) -> None:
    """The document must be `Data.Providers[].Records[]`, whole, each key once.

    `skeleton` is the document with every array of records replaced by `["#0"]`, `["#1"]` …, of which there are
    `arrays`; `size` is the document's own size. Raises `DecodeError`, `TruncatedError` if it ends early.
    """
    try:
        text = skeleton.decode()
        msgspec.json.decode(skeleton)
        document = json.loads(text, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    except _RepeatedKeyError as error:
        raise DecodeError("schema", f"the key {error} comes twice in one object") from None
    except RecursionError:
        raise DecodeError("schema", f"nested deeper than {MAX_DEPTH}") from None
    except (msgspec.DecodeError, ValueError) as error:
        if "truncated" in str(error):
            raise TruncatedError("the document ends early", size) from None
        raise DecodeError("malformed", "not JSON outside the records", offset=size) from None
    if depth(document) > MAX_DEPTH:
        raise DecodeError("schema", f"nested deeper than {MAX_DEPTH}")
    data = _member(document, "Data", dict, "")
    providers = _member(data, "Providers", list, "Data.")
    marks = []
    for index, provider in enumerate(providers):
        at = f"Data.Providers[{index}]"
        if not isinstance(provider, dict):
            raise DecodeError("schema", f"expected an object, found {_kind(provider)}", path=at)
        marks.append(_member(provider, "Records", list, f"{at}."))
    if marks != [[f"#{n}"] for n in range(arrays)]:
        raise DecodeError("schema", "records in another place than expected", path="Data.Providers[].Records")


def _member(parent: Any, name: str, kind: type, path: str) -> Any:
    if not isinstance(parent, dict):
        raise DecodeError("schema", f"expected an object, found {_kind(parent)}", path=path.rstrip(".") or "$")
    if name not in parent:
        raise DecodeError("schema", "missing", path=f"{path}{name}")
    if not isinstance(parent[name], kind):
        raise DecodeError("schema", f"unexpected {_kind(parent[name])}", path=f"{path}{name}")
    return parent[name]


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string or number", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def depth(document: Any) -> int:
    """Levels of nesting, found without recursion."""
    level, deepest = [document], 0
    while level := [
        child
        for node in level
        if isinstance(node, dict | list)
        for child in (node.values() if isinstance(node, dict) else node)
    ]:
        deepest += 1
    return deepest
