"""JSON Schemas (draft 2020-12) out of types; the files they are kept in lie in `schemas`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def components(types: Iterable[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A reference to each type, and the definitions by name.

    Descriptions have no indent: some versions of Python and msgspec take it off a docstring, some do not.
    """
    refs, defs = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    for body in defs.values():
        if "description" in body:
            body["description"] = inspect.cleandoc(body["description"])
    return list(refs), defs
