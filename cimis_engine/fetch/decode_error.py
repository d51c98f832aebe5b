"""Why a body was refused: typed, with the place."""

from __future__ import annotations

from cimis_engine.errors import CimisError


class DecodeError(CimisError):
    """A body that cannot be trusted. Nothing of its page is kept.

    `error_class`: `schema` (well-formed, but not what the API documents), `malformed` (not JSON), `truncated`,
    `too_large`, `encoding`. `path` is a JSON path such as `Data.Providers[0].Records[12].DayEto.Value`, `offset` a
    byte offset into the inflated body, `excerpt` at most 80 characters found there; each may be empty or None.
    `message` is the text without them.
    """

    exit_code = 5

    def __init__(
        self, error_class: str, message: str, *, path: str = "", offset: int | None = None, excerpt: str = ""
    ) -> None:
        where = f" at {path}" if path else ""
        at = f", byte {offset}" if offset is not None else ""
        found = f": {excerpt}" if excerpt else ""
        super().__init__(f"{message}{where}{at}{found}")
        self.message, self.error_class, self.path, self.offset, self.excerpt = (
            message,
            error_class,
            path,
            offset,
            excerpt,
        )


class TruncatedError(DecodeError):
    """The body ended before its document did. `offset` is where it ended."""

    exit_code = 4

    def __init__(self, message: str, offset: int) -> None:
        super().__init__("truncated", message, offset=offset)
