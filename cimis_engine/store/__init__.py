"""The store: verified chunks on disk, one station, interval and year a file, and the catalog that indexes them.

`store` is the door; `chunk` and `codec_v1` are pure; `atomic` alone writes chunk files; `database` and `catalog` keep
SQLite; `query` reads, over `blocks` (ranges of files) and `records` (columns, pure). The format is specified in
`docs/format.md`.
"""
